"""The player does not wait for what stands beside it, and is never without its mark."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.web.conftest import Browser, House
from tests.web.test_desk import REVIEWER, playable
from web.pages import replay
from web.rendering import REST
from web.replay import film_first

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def reviewed(house: House) -> tuple[str, Browser]:
    recording_id, browser = await playable(house), await house.official(REVIEWER)
    assert await browser.state_purpose(recording_id) == 303
    return f"/recordings/{recording_id}", browser


async def test_the_player_is_sent_before_what_stands_beside_it_is_read(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, browser = await reviewed(house)
    build, sent = replay.build_beside, asyncio.Event()

    async def held(*given: Any) -> dict[str, Any]:
        await sent.wait()
        return await build(*given)

    monkeypatch.setattr(replay, "build_beside", held)
    async with asyncio.timeout(20), browser.http.get(browser.base + address) as answer:
        text = ""
        while "</video>" not in text:
            text += (await answer.content.readany()).decode()
        assert answer.status == 200 and 'id="lanes-title"' not in text
        mark = text.partition('class="watermark"')[2].partition("</div>")[0]
        assert mark.count(house.world.officials[REVIEWER].name) == 3
        sent.set()
        text += (await answer.read()).decode()
    for part in ('id="lanes-title"', 'id="desk"', 'id="events-title"', "js/replay/replay.js", "</html>"):
        assert text.count(part) >= 1, part
    assert REST not in text


async def test_what_fails_beside_the_player_is_said_and_the_film_plays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, browser = await reviewed(house)

    async def broken(*given: Any) -> dict[str, Any]:
        raise OSError("told to fail")

    monkeypatch.setattr(replay, "build_beside", broken)
    answer = await browser.get(address)
    text = await answer.text()
    assert answer.status == 200 and "</video>" in text and text.rstrip().endswith("</html>")
    assert "页面的其余部分没有读出来" in text and answer.headers["X-Request-Id"] in text
    assert "told to fail" not in text


async def test_who_asks_for_the_head_alone_gets_no_body(house: House) -> None:
    address, browser = await reviewed(house)
    async with browser.http.head(browser.base + address) as answer:
        assert answer.status == 200 and await answer.read() == b""
    assert (await browser.get("/board")).status == 200


async def test_a_browser_gets_the_rest_when_it_has_asked_for_the_film(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, browser = await reviewed(house)
    monkeypatch.setattr(film_first, "PATIENCE", 60.0)
    as_browser = {"Sec-Fetch-Dest": "document"}
    async with asyncio.timeout(20), browser.http.get(browser.base + address, headers=as_browser) as answer:
        text = ""
        while "</video>" not in text:
            text += (await answer.content.readany()).decode()
        assert 'id="lanes-title"' not in text
        assert (await browser.get(f"{address}/composed.mp4")).status == 200
        assert 'id="lanes-title"' in (await answer.read()).decode()
    monkeypatch.setattr(film_first, "PATIENCE", 0.0)  # A browser that plays no film gets it all the same.
    assert 'id="lanes-title"' in await (await browser.get(address, headers=as_browser)).text()
