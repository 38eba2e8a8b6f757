"""Every page of the demonstration: each official follows all links from the front page on.

A page is photographed for the first who may open it and again for everybody who is offered other forms
there; of several matters the one with most to read is taken. What no link led to is opened by its address,
where another address told what to put into it. Routes that were never seen are told by name.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from playwright.async_api import Browser, BrowserContext, Error, Page

from tests.gallery.demonstration import Demonstration, demonstration
from tests.gallery.routes import PAGES, PARAMETER, route_of
from tests.gallery.sheets import lay_out
from tests.gallery.wall import SIZES, Wall
from tests.scenarios.browsers import chromium, state_purpose
from web.demo.people import OFFICIALS

WIDTHS = (1280, 390)
EACH = 4  # Matters, sessions and so on of one route that one person opens.
KINDS = 3  # Pictures of one route.
KNOWN = {"region": ["620102001"], "number": ["1"]}  # What stands on no page.
LINK, FORM = re.compile(r'\bhref="([^"]+)"'), re.compile(r'<form\b[^>]*?\baction="([^"]*)"')
LAST = ("/room", "/hall")  # Who comes in changes what others read.
REPLAY = "/recordings/{recording_id}"


@dataclass(frozen=True)
class Seen:
    """One page as one person saw it; `forms` are the routes that it can send to."""

    route: str
    path: str
    weight: int
    forms: frozenset[str]
    linked: bool = True


@dataclass
class Tour:
    """Given: where, on which wall. Kept: what was photographed, what stood in addresses."""

    house: Demonstration
    browser: Browser
    wall: Wall
    hung: dict[str, dict[frozenset[str], str]] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    values: dict[str, list[str]] = field(
        default_factory=lambda: {name: [*each] for name, each in KNOWN.items()}
    )
    files: list[tuple[str, str]] = field(default_factory=list)

    async def context(self, username: str = "") -> BrowserContext:
        context = await self.browser.new_context(
            viewport=SIZES[1280], locale="zh-CN", timezone_id="Asia/Shanghai"  # type: ignore[arg-type]
        )  # fmt: skip
        context.set_default_timeout(30_000)
        if username:
            await self.house.seat(context, username)
        return context

    async def follow(self, context: BrowserContext, start: str) -> list[Seen]:
        """Whatever can be reached by links; of each route what says most."""
        waiting, opened = [start], {start}
        counted: dict[str, int] = {}
        best: dict[str, Seen] = {}
        for path in waiting:
            route, places = route_of(urlsplit(path).path)
            if route not in PAGES or counted.get(route, 0) >= EACH:
                continue
            counted[route] = counted.get(route, 0) + 1
            self.remember(places)
            seen, links = await self.read(context, path)
            if not seen:
                continue
            if seen.route not in best or seen.weight > best[seen.route].weight:
                best[seen.route] = seen
            waiting += [each for each in links if each not in opened]
            opened |= set(links)
        return list(best.values())

    async def read(self, context: BrowserContext, path: str) -> tuple[Seen | None, list[str]]:
        """The page and its links; nothing where another kind of answer or a refusal came."""
        answer = await context.request.get(self.house.base + path)
        if not answer.ok or "text/html" not in answer.headers.get("content-type", ""):
            if answer.status >= 500:
                self.wall.faults.append(f"{path}: {answer.status}")
            return None, []
        here, text = answer.url, await answer.text()
        route, places = route_of(urlsplit(here).path)
        self.remember(places)
        main = text.partition("<main")[2] or text
        sent = [
            route_of(urlsplit(urljoin(here, html.unescape(each))).path, "POST")[0]
            for each in FORM.findall(main)
        ]
        links = []
        for each in LINK.findall(text):
            address = urlsplit(urljoin(here, html.unescape(each)))
            if f"{address.scheme}://{address.netloc}" == self.house.base:
                links.append(address._replace(scheme="", netloc="", fragment="").geturl())
        opened = urlsplit(here)._replace(scheme="", netloc="", fragment="").geturl()
        return Seen(route, opened, len(main), frozenset(sent)), list(dict.fromkeys(links))

    async def knock(self, context: BrowserContext, routes: list[str]) -> list[Seen]:
        """By address, with what stood in others."""
        best: dict[str, Seen] = {}
        for route in routes:
            names = PARAMETER.findall(route)
            for given in list(product(*(self.values.get(name, [])[:12] for name in names)))[:24]:
                path = route
                for name, value in zip(names, given, strict=True):
                    path = path.replace(f"{{{name}}}", value)
                seen, _ = await self.read(context, path)
                if seen and seen.route == route and (route not in best or seen.weight > best[route].weight):
                    best[route] = Seen(seen.route, seen.path, seen.weight, seen.forms, linked=False)
        return list(best.values())

    def remember(self, places: dict[str, str]) -> None:
        for name, value in places.items():
            kept = self.values.setdefault(name, [])
            if value not in kept:
                kept.append(value)

    async def photograph(self, context: BrowserContext, who: str, found: list[Seen]) -> None:
        """What nobody was offered before."""
        page = await context.new_page()
        for seen in sorted(found, key=lambda each: (each.route.endswith(LAST), each.route)):
            kinds = self.hung.setdefault(seen.route, {})
            if seen.forms in kinds or len(kinds) >= KINDS:
                continue
            kinds[seen.forms] = who
            if not seen.linked:
                self.unlinked.add(seen.route)
            name = f"{PARAMETER.sub(r'-', seen.route).strip('/').replace('/', '_') or 'front'}-{who}"
            try:
                await page.goto(self.house.base + seen.path)
                if seen.route == REPLAY and await page.locator("#purpose").count():
                    await self.hang(page, f"{name}-purpose", f"{seen.route} {who}")
                    await state_purpose(page)
                await page.wait_for_timeout(300)
                await self.hang(page, name, f"{seen.route} {who}")
            except Error as error:
                self.wall.faults.append(f"{name}: {error.message.splitlines()[0]}")
        await page.close()

    async def hang(self, page: Page, name: str, words: str) -> None:
        await self.wall.hang(page, name, words, whole=True, sizes=WIDTHS)
        self.files.append((name, words))

    def missing(self) -> list[str]:
        return [route for route in PAGES if route not in self.hung]


async def citizens(tour: Tour) -> None:
    """Who has a link: the door, and each page behind it that opens."""
    for name, link in tour.house.links():
        path = link.partition("#")[0]
        context = await tour.context()
        page = await context.new_page()
        await page.goto(tour.house.base + link)
        await page.wait_for_timeout(800)
        if "/j/{code}" not in tour.hung:
            tour.hung["/j/{code}"] = {frozenset(): name}
            await tour.hang(page, "j--closed", f"/j/{{code}} {name}")
        await page.locator("[data-action=start]").click()
        await page.wait_for_url(re.compile(r"/j/\w+/"))
        await page.close()
        tour.values["code"] = [path.rpartition("/")[2]]
        found = await tour.follow(context, path)
        behind = [each for each in PAGES if PARAMETER.findall(each) == ["code"] and each.startswith("/j/")]
        found += await tour.knock(
            context, [each for each in behind if each not in {one.route for one in found}]
        )
        await tour.photograph(context, name, found)
        await context.close()


async def tour_all(house: Demonstration, browser: Browser, wall: Wall) -> Tour:
    """Nobody in particular, each official, then whoever has a link."""
    tour = Tour(house, browser, wall)
    people = ["", *(official.username for official in OFFICIALS)]
    contexts = {}
    for who in people:
        contexts[who] = await tour.context(who)
        found = await tour.follow(contexts[who], "/")
        await tour.photograph(contexts[who], who or "nobody", found)
        print(f"{who or 'nobody'}: {len(found)} routes", flush=True)
    await citizens(tour)
    for who in people:
        await tour.photograph(contexts[who], who or "nobody", await tour.knock(contexts[who], tour.missing()))
        await contexts[who].close()
    return tour


async def pages(wall: Wall, state: Path) -> None:
    """All of it, with sheets of six beside one another; told is what nobody reached."""
    async with demonstration(state) as house, chromium() as browser:
        tour = await tour_all(house, browser, wall)
    for width in WIDTHS:
        lay_out(wall.folder, sorted(tour.files, key=lambda each: each[1]), width)
    for route in sorted(tour.unlinked):
        print(f"by address alone: {route}")
    for route in tour.missing():
        print(f"not reached: {route}")
    print(f"{len(PAGES) - len(tour.missing())} of {len(PAGES)} routes, {len(tour.files)} pages")
