"""A phone in the middle of a reception: reloads, calls, the background, a tap for sound, an interpreter.

One room for all of it, because browsers take a while to meet. The citizen's browser plays sound only after
a tap, as phones do.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, WebSocket

from cases.roles import InvitationRole
from tests.journey.run import DEVICES, DRAWN
from tests.scenarios.browsers import (
    chromium,
    collect_errors,
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    until,
)
from tests.scenarios.parties import (
    act,
    citizen_to_waiting_room,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import Service, running_service
from tests.scenarios.troubles import COVERED, LARGE, NOT_IN_SIGHT, PHONE_SCRIPT, UNFIT, WATCH_CALLS, bring_in
from web.demo.people import PASSWORD

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.real_time, pytest.mark.timeout(600)]

SHOTS = os.environ.get("LIANXIN_SHOTS")
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CALL_HOST = "() => document.querySelector('[data-command=admit]')?.click()"
STILL = "phone.voices().filter((voice) => voice.paused).length"


@dataclass
class Room:
    """The pages by party, and what the citizen's page told the server about the pictures it shows."""

    service: Service
    phones: Browser
    desks: Browser
    pages: dict[str, Page]
    wishes: list[list[dict[str, Any]]]
    offered: asyncio.Event

    @property
    def citizen(self) -> Page:
        return self.pages["citizen"]

    @property
    def host(self) -> Page:
        return self.pages["district"]

    async def flows(self, what: str, patience: float = 60) -> None:
        """From now on new sound of everybody reaches everybody, and new pictures of who is in sight."""
        before = {name: await totals(page) for name, page in self.pages.items()}
        ids = {name: await diagnostics(page, "participantId") for name, page in self.pages.items()}
        for name, page in self.pages.items():
            others = set(ids.values()) - {ids[name]}
            grown = partial(_grown, page, others, before[name])
            await until(grown, patience, f"{what}: {name} hears and sees everybody")


async def totals(page: Page) -> dict[tuple[str, str], float]:
    """What came so far, by whom and kind: energy of sound, pictures decoded."""
    return {
        (each["participant_id"], each["kind"]): each["totalAudioEnergy"] or each["framesDecoded"]
        for each in await inbound(page)
        if each["source"] != "screen"
    }


async def _grown(page: Page, others: set[str], before: dict[tuple[str, str], float]) -> bool:
    now = await totals(page)
    # A connection that was made anew counts from nothing. What is scrolled out of sight is not sent.
    grown = {key for key, value in now.items() if value not in (0, before.get(key, 0))}
    return {(who, "audio") for who in others} <= grown and any(kind == "video" for _, kind in grown)


async def look(page: Page, name: str, whole: bool = False) -> None:
    """Nothing runs out of the screen; a picture for whoever wants to see."""
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/phone-{name}.png", full_page=whole, animations="disabled")
    assert await page.evaluate(WIDER) <= 0, name


async def test_a_phone_stays_in_the_room(tmp_path: Path) -> None:
    async with _meeting(tmp_path) as room:
        await _sound_goes_on_after_every_reload(room)
        await _a_room_without_pictures_is_entered(room)
        await _what_a_call_takes_comes_back_by_a_tap(room)
        await _what_was_stopped_goes_on(room)
        await _the_background_is_left(room)
        await _it_may_lie_on_its_side(room)
        asked = await room.citizen.evaluate("phone.asked")
        assert [each for each in asked if each["living"]] == [], "a kind was captured twice"
        await _another_device_takes_the_seat(room)
        await _who_interprets_is_seen_beside_all_and_mixed_by_each(room)


@asynccontextmanager
async def _meeting(tmp_path: Path) -> AsyncIterator[Room]:
    async with (
        running_service(tmp_path / "var") as service,
        chromium(taps=True) as phones,
        chromium() as desks,
    ):
        errors: list[str] = []
        citizen = await phone_page(phones)
        pages = {"citizen": citizen, "district": await _desk(desks)}
        collect_errors(citizen, errors)
        room = Room(service, phones, desks, pages, [], asyncio.Event())
        citizen.on("websocket", lambda socket: _listen(room, socket))
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        await official_into_room(room.host, service.links["district"])
        await until(lambda: _all_inside(room), 60, "the citizen is called in", every=0.5)
        await wait_until_all_meet(pages, 60)
        await open_session(room.host)
        yield room
        assert errors == []


async def phone_page(browser: Browser) -> Page:
    """A small phone whose devices and tabs do what tests ask."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, locale="zh-CN"
    )
    await _draw(context, "citizen")
    await context.add_init_script(PHONE_SCRIPT)
    return await context.new_page()


async def _desk(browser: Browser) -> Page:
    context = await new_context(browser)
    await _draw(context, "district")
    return await context.new_page()


async def _draw(context: BrowserContext, name: str) -> None:
    devices = DEVICES[name]
    await context.add_init_script(
        DRAWN % {"colour": ", ".join(map(str, devices.colour)), "tone": devices.tone}
    )


def _listen(room: Room, socket: WebSocket) -> None:
    def sent(frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "watch":
            room.wishes.append(message["tiles"])

    def received(frame: str | bytes) -> None:
        message = json.loads(frame)
        if message["type"] == "offer" and message["tracks"]:
            room.offered.set()

    socket.on("framesent", sent)
    socket.on("framereceived", received)


async def _all_inside(room: Room) -> bool:
    await room.host.evaluate(CALL_HOST)
    places = [await diagnostics(page, "place") for page in room.pages.values()]
    return set(places) == {"room"}


async def _who_interprets_is_seen_beside_all_and_mixed_by_each(room: Room) -> None:
    citizen, host = room.citizen, room.host
    service, voice = room.service, await _desk(room.desks)
    link = await bring_in(service, service.session_id, InvitationRole.INTERPRETER, "卓玛（手语翻译）")
    await citizen_to_waiting_room(voice, link)
    room.pages["interpreter"] = voice
    await until(lambda: _all_inside(room), 60, "who interprets is called in", every=0.5)
    await room.flows("with an interpreter")
    who = await diagnostics(voice, "participantId")
    for layout in ("speaker", "tiers", "grid", "auto"):
        await host.locator("[data-part=layout]").select_option(layout)
        for page in (host, citizen):
            await until(lambda page=page, layout=layout: _arranged(page, layout), 15, f"layout {layout}")
            assert await page.evaluate(COVERED) == 0, layout
        if SHOTS:
            await host.set_viewport_size({"width": 1920, "height": 1080})
            await look(host, f"interpreter-{layout}-desk")
            await look(citizen, f"interpreter-{layout}", True)
            await host.set_viewport_size({"width": 1440, "height": 900})
    await citizen.locator(".ears").get_by_text("译音").click()
    await until(lambda: _hears(citizen, [0.15, 1]), 10, "the floor is behind the interpreter")
    await citizen.locator(".ears").get_by_text("原声").click()
    await until(lambda: _hears(citizen, [0, 1]), 10, "the interpreter is not heard")
    await until(lambda: _is_not_sent(citizen, who), 15, "nor sent", every=1)
    await citizen.locator(".ears").get_by_text("都听").click()
    await room.flows("the interpreter is heard again")


async def _arranged(page: Page, layout: str) -> bool:
    stage = page.locator("[data-part=stage]")
    wanted = {layout, "speaker"} if layout == "auto" else {layout}
    pinned = "has-pinned" in (await stage.get_attribute("class") or "")
    return pinned and await stage.get_attribute("data-layout") in wanted


async def _hears(page: Page, volumes: list[float]) -> bool:
    return sorted(await page.evaluate("phone.voices().map((v) => v.muted ? 0 : v.volume)")) == volumes


async def _is_not_sent(page: Page, who: str) -> bool:
    async def packets() -> int:
        voices = [each for each in await inbound(page) if each["kind"] == "audio"]
        return sum(each["packetsReceived"] for each in voices if each["participant_id"] == who)

    before = await packets()
    await asyncio.sleep(1)
    return before == await packets()


async def _sound_goes_on_after_every_reload(room: Room) -> None:
    """At once, after sound has come that nobody may play yet, and reloaded again while it connects."""
    citizen = room.citizen
    seat = await diagnostics(citizen, "participantId")
    for way in ("at once", "late", "twice"):
        room.offered.clear()
        await citizen.reload(wait_until="commit")
        if way == "twice":
            await asyncio.wait_for(room.offered.wait(), 40)
            await citizen.reload(wait_until="commit")
        if way == "late":
            # Whoever asks the page anything has tapped it, for the browser.
            await asyncio.wait_for(room.offered.wait(), 40)
            await asyncio.sleep(1)
        await _return(citizen)
        await citizen.locator('[data-screen="session"]').wait_for(timeout=40_000)
        await room.flows(f"reloaded, {way}")
        await until(lambda: _all_play(citizen), 10, "every voice plays")
        assert await diagnostics(citizen, "participantId") == seat
        if way == "late":
            assert await citizen.evaluate("phone.unplayed") > 0, "this browser asked for no tap"
    assert await citizen.evaluate("navigator.audioSession.type") == "play-and-record"
    assert await citizen.evaluate(UNFIT) == 0


async def _return(citizen: Page) -> None:
    """The one tap, once the page knows that a reception is going on."""
    await citizen.locator('[data-screen="resume"] [data-action="switch_on"]').click(timeout=60_000)


async def _all_play(page: Page) -> bool:
    return await page.evaluate(STILL) == 0 and await page.locator('[data-action="unblock"]').is_hidden()


async def _a_room_without_pictures_is_entered(room: Room) -> None:
    """Nobody waits for a picture that nobody sends, and pictures that have no place yet are not refused."""
    citizen = room.citizen
    await act(room.host, "camera")
    await until(lambda: _dark(citizen), 15, "the camera is off")
    await citizen.reload()
    room.wishes.clear()
    await citizen.evaluate(WATCH_CALLS)
    await _return(citizen)
    await citizen.locator('[data-screen="session"]').wait_for(timeout=20_000)
    assert await citizen.evaluate("calls") == [], "whose turn it was long ago is called again"
    await act(room.host, "camera")
    await room.flows("cameras are on again")
    await until(lambda: bool(room.wishes), 20, "the page says what it shows")
    assert _wanted(room.wishes[0]), "pictures were refused before they had a place"


async def _dark(page: Page) -> bool:
    return await page.locator(".tile-blank:not([hidden])").count() > 0


def _wanted(tiles: list[dict[str, Any]]) -> bool:
    return any(tile["visible"] for tile in tiles if tile["source"] == "camera")


async def _what_a_call_takes_comes_back_by_a_tap(room: Room) -> None:
    citizen = room.citizen
    button = citizen.locator('[data-action="recover"]')
    await citizen.evaluate("phone.refused = true; phone.take('audio')")
    await button.wait_for(state="visible", timeout=20_000)
    assert "您的声音断了" in await citizen.locator("[data-part=notice]").inner_text()
    await look(citizen, "call", True)
    await citizen.evaluate("phone.refused = false")
    await button.click()
    await button.wait_for(state="hidden", timeout=20_000)
    await room.flows("after a call")
    asked = await citizen.evaluate("phone.asked")
    assert asked[-1] == {"audio": True, "video": False, "living": []}
    await citizen.evaluate("phone.mute('video', true)")
    await until(lambda: _asked_more(citizen, len(asked)), 15, "a camera that stays dark is asked for anew")
    await room.flows("after an alarm")
    assert await button.is_hidden()


async def _asked_more(page: Page, before: int) -> bool:
    return int(await page.evaluate("phone.asked.length")) > before


async def _what_was_stopped_goes_on(room: Room) -> None:
    """A call pauses what plays; a phone that saves power wants a tap even for silent pictures."""
    citizen = room.citizen
    stop = "for (const each of [...phone.voices(), ...document.querySelectorAll('video')]) each.pause()"
    await citizen.evaluate(stop)
    await until(lambda: _all_play(citizen), 10, "voices go on by themselves")
    await citizen.evaluate(f"phone.saves = true; {stop}")
    button = citizen.locator('[data-action="unblock"]')
    await button.wait_for(state="visible", timeout=20_000)
    await look(citizen, "tap", True)
    await citizen.evaluate("phone.saves = false")
    await button.click()
    await button.wait_for(state="hidden", timeout=20_000)
    still = "[...document.querySelectorAll('.stage video')].filter((video) => video.paused).length"
    await until(lambda: _is_none(citizen, still), 10, "pictures go on")


async def _is_none(page: Page, expression: str) -> bool:
    return int(await page.evaluate(expression)) == 0


async def _the_background_is_left(room: Room) -> None:
    """Out of sight, cut off there, and back: pictures come again, the screen stays on. Then frozen."""
    citizen = room.citizen
    locks = int(await citizen.evaluate("phone.locks.length"))
    assert locks > 0
    await citizen.evaluate("phone.hide(true); phone.locks.at(-1).release()")
    await until(lambda: bool(room.wishes) and not _wanted(room.wishes[-1]), 15, "no pictures are wanted")
    await citizen.evaluate("phone.cut = true; phone.socket.onclose({ code: 1006 })")
    await citizen.evaluate("phone.hide(false)")
    await asyncio.sleep(1)  # What the page would tell about its pictures has nobody to go to.
    await citizen.evaluate("phone.cut = false")
    await room.flows("back from the background")
    assert int(await citizen.evaluate("phone.locks.length")) > locks, "the screen may sleep"
    devtools = await citizen.context.new_cdp_session(citizen)
    await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    await asyncio.sleep(2)
    await devtools.send("Page.setWebLifecycleState", {"state": "active"})
    await room.flows("thawed")


async def _it_may_lie_on_its_side(room: Room) -> None:
    citizen = room.citizen
    await citizen.set_viewport_size({"width": 740, "height": 360})
    assert await citizen.locator(".bar-button:visible").count() == 4
    for large in (True, False):
        await citizen.evaluate(LARGE, large)
        await look(citizen, f"lying-large-{large}")
        assert await citizen.evaluate(NOT_IN_SIGHT) == [], f"to be scrolled for, large type: {large}"
    await citizen.set_viewport_size({"width": 360, "height": 740})


async def _another_device_takes_the_seat(room: Room) -> None:
    """The clerk's leave moves place, identity and consent to another phone; the first one is told."""
    first = room.citizen
    seat = await diagnostics(first, "participantId")
    second = await phone_page(room.phones)
    await second.goto(room.service.links["citizen"])
    await act(second, "start")
    help_ = second.locator("[data-help]:visible")
    await help_.wait_for(timeout=20_000)
    await look(second, "second-asks", True)
    await help_.click()
    clerk = await room.host.context.new_page()
    await clerk.goto(f"{room.service.base}/signin")
    await clerk.fill("[name=username]", "chengguan")
    await clerk.fill("[name=password]", PASSWORD)
    await clerk.click("main form button[type=submit]")
    await clerk.wait_for_url("**/board")
    await clerk.goto(f"{room.service.base}/sessions/{room.service.session_id}/arrivals")
    grant = clerk.locator("button[name=decision][value=grant]").first
    await grant.wait_for(timeout=20_000)
    await look(clerk, "clerk-grants", True)
    await grant.click()
    await first.locator('[data-screen="sent_away"]').wait_for(timeout=40_000)
    assert "已换到另一台设备" in await first.locator("[data-part=sent_away_title]").inner_text()
    await look(first, "first-told", True)
    await _return(second)
    await second.locator('[data-screen="session"]').wait_for(timeout=40_000)
    room.pages["citizen"] = second
    await room.flows("on the other device")
    assert await diagnostics(second, "participantId") == seat
    await look(second, "second-inside", True)
