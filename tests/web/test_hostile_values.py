"""Every form and every address with values nobody means: each refusal has words, none is trouble of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import web
from cases.policy import Action, allowed
from tests.web.conftest import TOKEN, Browser, House
from tests.web.hostile import HOSTILE, SEED, Forms, bent, dice, encoded, fault, opened, quoted
from tests.web.test_routes import Objects, make_objects
from web.http.limits import RateLimits
from web.http.permissions import Who
from web.routes import TABLE
from web.routes.route import Route

ROOT = Path(web.__file__).parent
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# They end the sign-in, reckon a password for a second, change the language of whoever reads the answers, or
# tell that no media worker runs here; and a picture that is everybody's.
LEFT_OUT = {"/signin", "/signout", "/password", "/language", "/readyz", "/favicon.ico"}
ASKED = [value[:60] for value in HOSTILE.values()]
# One of each kind of right; whoever has less is refused before anything is read.
ROLES = (
    "chengguan.receptionist",
    "city.leader",
    "chengguan.archivist",
    "chengguan.reviewer",
    "city.inspector",
    "housing.handler",
    "city.sysadmin",
    "city.security_admin",
    "city.auditor",
)
# How many forms and addresses in ten: other ones every day. All of them on both would take minutes.
SHARE = {"sqlite": 4, "postgresql": 2}
DOCUMENT = re.compile(r"\.(pdf|docx|csv|xlsx|ics|zip|mp4)$")  # Dear, and without a form.
PATTERNS = [(route, re.compile(re.sub(r"\{[^}]*\}", "[^/]+", route.path) + "$")) for route in TABLE]


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RateLimits, "allow", lambda *_: True)


def asked_names() -> list[str]:
    """Of every query of an address."""
    pages = [page.read_text("utf-8") for page in ROOT.rglob("*.py")]
    return sorted({name for page in pages for name in re.findall(r'query\.get\("(\w+)"', page)})


def field_names() -> list[str]:
    """Of every form there is."""
    pages = [page.read_text("utf-8") for page in (ROOT / "templates").rglob("*.html")]
    found = {name for page in pages for name in re.findall(r'\bname="(\w+)"', page)}
    return sorted(found - {"csrf_token", "viewport"})


def path_of(objects: Objects, pattern: str) -> str:
    """With something of the house where there is one of the kind, else with a name that nothing has."""
    try:
        return objects.path(pattern)
    except KeyError:
        return re.sub(r"\{[^}]*\}", "0" * 32, pattern)


def pattern_of(path: str) -> str:
    exact = [route.path for route, _ in PATTERNS if route.path == path]
    return next(iter(exact or [each.path for each, shape in PATTERNS if shape.match(path)]), "")


def may(house: House, key: str, route: Route) -> bool:
    """Whether this role may do it anywhere: what others do is refused to them before anything is read."""
    needs = route.permission
    if isinstance(needs, Action):
        return allowed(house.world.actor(key), needs)
    return needs is not Who.PROGRAM and route.path not in LEFT_OUT


@dataclass
class Reader:
    """One role at its browser, and what was found so far. `done`: forms and pages that were met, of all."""

    house: House
    key: str
    objects: Objects
    browser: Browser
    done: set[object]
    faults: list[str] = field(default_factory=list)

    def new(self, *what: object) -> bool:
        fresh = what not in self.done
        self.done.add(what)
        return fresh

    async def ask(self, path: str, what: str) -> str:
        """Open an address; the page."""
        answer = await opened(self.browser, path)
        if found := await fault(answer):
            self.faults.append(f"{self.key} GET {path[:80]} {what}: {found}")
        if not re.search("no-store|private", answer.headers["Cache-Control"]):
            self.faults.append(f"{self.key} GET {path[:80]}: may be kept where others find it")
        return await answer.text() if answer.content_type == "text/html" else ""

    async def send(self, path: str, fields: dict[str, str], what: str) -> None:
        answer = await self.browser.post(path, encoded(fields), headers=FORM)
        if answer.status == 403 and "页面已经过期" in await answer.text():
            self.faults.append(f"{self.key} POST {path[:80]}: the form was not even read")
        if found := await fault(answer):
            self.faults.append(f"{self.key} POST {path[:80]} {what}: {found}")


async def look(reader: Reader, share: int, names: list[str]) -> list[tuple[str, dict[str, str]]]:
    """Open the pages that nobody saw before, with odd queries and odd names; the forms nobody met before."""
    forms = []
    for route in TABLE:
        if route.method != "GET" or route.path in reader.done or not may(reader.house, reader.key, route):
            continue
        path, chance = path_of(reader.objects, route.path), dice(route.path)
        page = "" if DOCUMENT.search(path) else await reader.ask(path, "as it is")
        if page:
            reader.done.add(route.path)
        if chance.randrange(10) < share and reader.new("query", route.path):
            query = "&".join(f"{name}={quoted(chance.choice(ASKED))}" for name in names)
            await reader.ask(f"{path}?{query}", query[:200])
            if "{" in route.path:
                odd = quoted(chance.choice(ASKED)) or "x"
                await reader.ask(re.sub(r"\{[^}]*\}", odd, route.path), "odd name")
        for action, fields in Forms(page).found:
            to = urlsplit(action).path or path
            if pattern_of(to) not in LEFT_OUT and reader.new("form", pattern_of(to), *sorted(fields)):
                forms.append((to, fields))
    return forms


async def send_all_at_once(reader: Reader, share: int, names: list[str]) -> None:
    """To what no page of these shows a form of, because nothing is that far."""
    found = TOKEN.search(await reader.ask("/password", ""))
    met = {each[1] for each in reader.done if isinstance(each, tuple) and each[0] == "form"}
    for route in TABLE:
        if route.method != "POST" or route.path in met or not may(reader.house, reader.key, route):
            continue
        chance, to = dice(route.path), path_of(reader.objects, route.path)
        if chance.randrange(10) < share and reader.new("all", route.path):
            odd = {name: chance.choice(ASKED) for name in names}
            await reader.send(to, odd | {"csrf_token": found[1] if found else ""}, "all at once")


async def test_no_value_is_trouble_of_ours(house: House, database_system: str) -> None:
    """One field at a time of each form that a page has; then what no page of these shows, all at once."""
    share, done, faults = SHARE[database_system], set[object](), list[str]()
    objects, asked, named = await make_objects(house), asked_names(), field_names()
    for key in dice("roles").sample(ROLES, len(ROLES)):
        reader = Reader(house, key, objects, await house.official(key), done, faults)
        for to, fields in await look(reader, share, asked):
            if dice(pattern_of(to)).randrange(10) < share:
                for what, odd in bent(fields, 1, to):
                    await reader.send(to, odd, what)
        await send_all_at_once(reader, share, named)
    assert len(done) > 100, "the pages were not even opened"
    assert not faults, f"LIANXIN_HOSTILE_SEED={SEED}\n" + "\n".join(faults)
