"""Messages that other networks hand in, signed: copied, altered, late, in another charset, odd."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest
from sqlalchemy import func, select

from cases.intake.signature import TOLERANCE, sign
from cases.intake.thread import InboundMark, ThreadMessage
from tests.web.conftest import Browser, House
from tests.web.hostile import HOSTILE, ODD, SEED, dice, fault
from tests.web.test_threads import SECRET, door, message
from web.http.limits import RateLimits

__all__ = ["door"]
BODY = json.dumps(message(), ensure_ascii=False).encode()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RateLimits, "allow", lambda *_: True)


async def hand_in(
    door: House, browser: Browser, body: bytes, nonce: str, late: float = 0, **more: Any
) -> aiohttp.ClientResponse:
    """Signed as the network signs; `late`: seconds between signing and sending, `more`: headers instead."""
    seconds = int(door.clock.now().timestamp() - late)
    headers = {
        "X-Lianxin-Timestamp": str(seconds),
        "X-Lianxin-Nonce": nonce,
        "X-Lianxin-Signature": sign(SECRET, seconds, nonce, body),
        "Content-Type": "application/json",
        "Origin": None,
    }
    return await browser.post("/inbound/sms", body, headers=headers | more)


async def kept(door: House) -> int:
    async with door.database.session() as db:
        return await db.scalar(select(func.count(ThreadMessage.id))) or 0


async def test_what_is_copied_altered_or_late_does_nothing(door: House) -> None:
    browser, edge, nonce = door.browser(), TOLERANCE.total_seconds(), "n" * 20
    for late in (edge + 1, -edge - 1, 400 * 86_400):
        answer = await hand_in(door, browser, BODY, nonce, late)
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "stale_request")
    good = await hand_in(door, browser, BODY, nonce)
    assert good.status == 200 and await kept(door) == 1
    # Word by word again, at the last moment at which its signature is still good.
    door.clock.advance(seconds=edge)
    copied = await hand_in(door, browser, BODY, nonce, edge)
    assert (copied.status, (await copied.json())["error"]["code"]) == (409, "replayed")
    signed = sign(SECRET, int(door.clock.now().timestamp()), "m" * 20, BODY)
    changed = {
        "body": (BODY.replace("三个月".encode(), "三年".encode()), "m" * 20, {}),
        "nonce": (BODY, "o" * 20, {}),
        "moment": (BODY, "m" * 20, {"X-Lianxin-Timestamp": "0"}),
        "signature": (BODY, "m" * 20, {"X-Lianxin-Signature": signed[:-1]}),
        "nothing signed": (BODY, "m" * 20, {"X-Lianxin-Signature": None}),
    }
    for what, (body, given, more) in changed.items():
        answer = await hand_in(door, browser, body, given, **{"X-Lianxin-Signature": signed} | more)
        assert (answer.status, (await answer.json())["error"]["code"]) == (403, "bad_signature"), what
    for name in ("X-Lianxin-Timestamp", "X-Lianxin-Nonce", "X-Lianxin-Signature"):
        for what in ("huge", "negative", "superscript", "other digits", "wide digits", "markup", "empty"):
            odd = HOSTILE[what].encode().decode("latin-1")[:4000]
            answer = await hand_in(door, browser, BODY, "m" * 20, **{name: odd})
            assert answer.status == 403 and not await fault(answer), (name, what)
    assert await kept(door) == 1


async def test_a_refused_message_may_come_again_under_its_nonce(door: House) -> None:
    """The mark of a message that was not taken is not kept: the network sends the mended one again."""
    browser = door.browser()
    assert (await hand_in(door, browser, b"{}", "n" * 20)).status == 422
    async with door.database.session() as db:
        assert await db.scalar(select(func.count(InboundMark.mark))) == 0
    assert (await hand_in(door, browser, BODY, "n" * 20)).status == 200


async def test_another_charset_is_refused_and_never_read_as_signs(door: House) -> None:
    """JSON between systems is UTF-8 (RFC 8259, section 8.1), whatever the header says."""
    browser, text = door.browser(), BODY.decode()
    for number, charset in enumerate(("gb18030", "utf-16", "utf-16-le", "utf-32", "latin-1")):
        body = text.encode(charset, "replace")
        header = {"Content-Type": f"application/json; charset={charset}"}
        answer = await hand_in(door, browser, body, f"{number}" * 20, **header)
        assert answer.status == 415 and not await fault(answer), charset
        if charset != "latin-1":  # In which only question marks stand for the text: that is ASCII.
            answer = await hand_in(door, browser, body, f"{number}" * 20)
            assert (answer.status, (await answer.json())["error"]["code"]) == (422, "bad_json"), charset
    assert await kept(door) == 0
    assert (await hand_in(door, browser, b"\xef\xbb\xbf" + BODY, "b" * 20)).status == 200  # With a mark.


async def test_no_member_of_a_message_is_trouble_of_ours(door: House) -> None:
    browser, faults, number = door.browser(), list[str](), 0
    for name in ("id", "from", "text", "to"):
        for odd in (*HOSTILE.values(), *ODD, "\ud800"):
            number += 1
            told = message(number=number) | {name: odd}
            body = json.dumps(told).encode()[:20_000]
            answer = await hand_in(door, browser, body, f"nonce-of-message-{number}")
            if found := await fault(answer):
                faults.append(f"{name} {str(odd)[:40]!r}: {found}")
            elif answer.status not in (200, 413, 422):
                faults.append(f"{name} {str(odd)[:40]!r}: {answer.status}")
    odd = dice("names").choice(sorted(HOSTILE))
    for names in ({"unknown": 1}, {"__class__": {}}, {HOSTILE[odd][:200]: "x"}, {"\ud800": "x"}):
        number += 1
        told = json.dumps(message(number=number) | names).encode()
        if found := await fault(await hand_in(door, browser, told, f"nonce-of-message-{number}")):
            faults.append(f"{names}: {found}")
    assert not faults, f"LIANXIN_HOSTILE_SEED={SEED}\n" + "\n".join(faults)
