"""Pages behind a citizen's link, one field at a time: no failure of ours, and each refusal has words."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from scheduling.minutes.record import MinutesState
from scheduling.session import Session, SessionState
from tests.web.conftest import TOKEN, Browser, House
from tests.web.hostile import ASKABLE, HOSTILE, ODD, SEED, bent, dice, encoded, fault, opened, quoted
from tests.web.test_signing import Case, arrange
from web.http.access import FORM_COOKIE, LINK_COOKIE, SIGN_IN_COOKIE, TERMINAL_COOKIE
from web.http.check_access import CHECK_COOKIE
from web.http.limits import RateLimits
from web.notice import current_notice
from web.pages.phone_signing import SIGNING_COOKIE
from web.routes.citizens import CITIZENS

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
DIGEST = "0" * 64
# What a page of a link posts as a form, with values that would do; those of a reception that is over last.
FORMS: dict[str, dict[str, str]] = {
    "/identity": {"act": "confirm", "code": "482913"},
    "/idnumber": {"id_number": "11010519491231002X"},
    "/companions": {"people": "2", "relations": "family"},
    "/notice": {"decision": "agree", "version": "", "digest": "", "purpose_transcript": "yes"},
    "/mediation": {"decision": "agree", "version": "1", "digest": DIGEST},
    "/declined": {"asked": "call_back"},
    "/check/call": {},
    "/minutes": {"act": "sign", "digest": "", "strokes": "", "paragraph_id": "", "words": "", "reason": ""},
}
AFTERWARDS: dict[str, dict[str, str]] = {
    "/rate/manner": {"decision": "", "score": "4", "words": "态度好"},
    "/replay": {},
}
# What a module of it posts.
TOLD: dict[str, dict[str, Any]] = {
    "/exchange": {"secret": "x" * 43},
    "/look": {"secret": "x" * 43},
    "/help": {"secret": "x" * 43, "problem": "link_in_use"},
    "/check/begin": {"secret": "x" * 43},
    "/check": {"picture": "good", "voice": "good", "sound": "good", "trouble": "in_use", "test": "1"},
    "/check/line": {},
    "/check/line/1": {
        **{"beat": "1", "sdp": "v=0", "lines": {"0": "camera"}, "relayed": True},
        "answer": {"offer_id": 1, "sdp": "v=0"},
    },
    "/materials": {"digest": DIGEST, "size": 10, "name": "a.jpg", "done": True},
    f"/materials/{DIGEST}/parts?size=10&offset=0": {},
    f"/materials/{'0' * 32}/copies": {},
    "/minutes/phone": {"digest": ""},
    "/minutes/phone/cancel": {},
    f"/phone/{'0' * 32}/open": {"secret": "x" * 43},
    f"/phone/{'0' * 32}/strokes": {"width": 800, "height": 360, "strokes": [[[1, 2, 0]]]},
    f"/phone/{'0' * 32}/sign": {"width": 800, "height": 360, "strokes": [[[1, 2, 0]]]},
    "/ticket": {},
    "/end": {},
}
COOKIES = (SIGN_IN_COOKIE, LINK_COOKIE, FORM_COOKIE, CHECK_COOKIE, SIGNING_COOKIE, TERMINAL_COOKIE)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RateLimits, "allow", lambda *_: True)


@pytest.fixture
async def case(house: House) -> Case:
    """A citizen whose device holds the link, with minutes to be signed."""
    return await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)


def shape(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\?\{[^}]*\\?\}", "[^/]+", path.removeprefix("/j/{code}")) + "$")


def test_every_page_of_a_link_that_takes_something_is_among_them() -> None:
    known = [path.partition("?")[0] for path in (*FORMS, *AFTERWARDS, *TOLD)]
    posted = [each.path for each in CITIZENS if each.method == "POST" and each.path.startswith("/j/")]
    assert [path for path in posted if not any(shape(path).match(each) for each in known)] == []


def odd_bodies(told: dict[str, Any], path: str) -> Iterator[tuple[str, bytes]]:
    """One member at a time, and what is no object at all."""
    for name in told:
        chance = dice(path, name)
        for value in (*chance.sample(sorted(HOSTILE.values()), 2), *chance.sample(ODD, 4), "\ud800"):
            yield f"{name}: {str(value)[:40]!r}", json.dumps(told | {name: value}).encode()
    none = (b"", b"null", b"[]", b"[" * 9000, b"{", b'{"a":1}', b"\xff\xfe", b"1" * 6000, b'"\\ud800"')
    for body in dice(path).sample(none, 3):
        yield f"{body[:10]!r}", body
    yield "unknown", json.dumps(told | {"\ud800": 1, "constructor": {}}).encode()


@dataclass
class Phone:
    """The citizen's. Owned: what was found."""

    browser: Browser
    base: str
    faults: list[str] = field(default_factory=list)

    async def post(self, path: str, body: bytes, headers: dict[str, str], what: str) -> None:
        answer = await self.browser.post(self.base + path, body, headers=headers)
        if found := await fault(answer):
            self.faults.append(f"POST {path} {what}: {found}")

    async def get(self, path: str, what: str = "") -> str:
        answer = await opened(self.browser, self.base + path)
        if found := await fault(answer):
            self.faults.append(f"GET {path[:100]} {what}: {found}")
        return await answer.text() if answer.content_type == "text/html" else ""


async def end(case: Case) -> None:
    async with case.house.database.session() as db:
        session = await db.get_one(Session, case.given.session_id)
        session.state = SessionState.CLOSED
        await db.commit()


async def test_no_field_behind_a_link_is_trouble_of_ours(case: Case, database_system: str) -> None:
    phone = Phone(case.phone, f"/j/{case.given.code}")
    notice, digest = current_notice(), await case.digest()
    found = TOKEN.search(await phone.get("/companions"))
    assert found is not None
    values = 6 if database_system == "sqlite" else 2
    known = {"version": notice.version, "digest": notice.digest}
    for path, fields in {**FORMS, **AFTERWARDS}.items():
        if path == next(iter(AFTERWARDS)):
            await end(case)
        good = {"csrf_token": found[1], **fields} | (known if path == "/notice" else {})
        good |= {"digest": digest} if path == "/minutes" else {}
        for what, odd in bent(good, values, path):
            await phone.post(path, encoded(odd), FORM, what)
    for path, told in TOLD.items():
        for what, body in odd_bodies(told, path):
            await phone.post(path, body, JSON, what)
    for route in CITIZENS:
        if route.method == "GET" and route.path.startswith("/j/"):
            part = route.path.removeprefix("/j/{code}")
            odd = dice(part).choice(sorted(ASKABLE.values()))[:100]
            plain = re.sub(r"\{[^}]*\}", quoted(odd) or "x", part)
            asked = "&".join(f"{name}={quoted(odd)}" for name in ("sent", "code", "state"))
            await phone.get(f"{plain}?{asked}", repr(odd[:20]))
    assert not phone.faults, f"LIANXIN_HOSTILE_SEED={SEED}\n" + "\n".join(phone.faults)


async def test_a_code_in_the_address_that_is_none(house: House) -> None:
    phone = Phone(house.browser(), "")
    for what, odd in ASKABLE.items():
        if odd and odd.strip("./"):
            for part in ("", "/room", "/minutes"):
                await phone.get(f"/j/{quoted(odd)}{part}", what)
            await phone.post(f"/j/{quoted(odd)}/look", b'{"secret": "x"}', JSON, what)
    assert not phone.faults, "\n".join(phone.faults)


async def raw(house: House, method: str, path: str, *lines: bytes) -> tuple[int, str]:
    """Status and text of a request whose header lines are bytes that no client would write."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    own = (b"Host: x", b"Origin: http://x", b"Content-Length: 2", b"Connection: close")
    writer.write(b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *own, *lines, b"", b"{}"]))
    text = (await reader.read()).decode("utf-8", "replace")
    writer.close()
    return int(text.split()[1]), text


async def test_bytes_in_a_cookie_or_a_token_are_nobodys(case: Case) -> None:
    """A header may hold bytes that are no text (RFC 9110, section 5.5: obs-text)."""
    own, as_json = f"/j/{case.given.code}", b"Content-Type: application/json"
    posted = [f"{own}{part}" for part in ("/check/line", f"/phone/{'0' * 32}/sign", "/ticket", "/exchange")]
    shown = [f"{own}/check", f"{own}/phone/{'0' * 32}", "/petition", "/petition/done", "/book/done", "/board"]
    for name in COOKIES:
        line = f"Cookie: {name}=".encode() + b"a.\xff; lianxin_language=\xfe"
        for method, path in [("POST", each) for each in posted] + [("GET", each) for each in shown]:
            status, text = await raw(case.house, method, path, as_json, line)
            assert status < 500, (name, path, text[-300:])
            assert method == "GET" or status >= 400, (name, path)
    for path in posted:
        status, text = await raw(case.house, "POST", path, as_json, b"X-CSRF-Token: \xff\xfe")
        assert status == 403 and "form_expired" in text, path
