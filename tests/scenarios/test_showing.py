"""A paper before a phone's rear camera, an official's screen: seen by the others, recorded, in the film."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from playwright.async_api import Page

from recordings.film.layout import LABEL_HEIGHT, Box, beside
from tests.axe import violations
from tests.scenarios.browsers import (
    Devices,
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
    admit_everybody,
    citizen_to_waiting_room,
    close_session,
    official_into_room,
    open_session,
    wait_until_all_meet,
)
from tests.scenarios.service import Service, running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.timeout(240)]

PAPER = (230, 200, 60)
FACE = Devices((20, 90, 200), 440, PAPER)
# Mean colour of the document, as this page shows it.
COLOUR = """() => {
  const video = document.querySelector(".document video");
  if (!video || !video.videoWidth) return null;
  const canvas = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
  const pen = canvas.getContext("2d");
  pen.drawImage(video, 0, video.videoHeight / 2, video.videoWidth, video.videoHeight / 2, 0, 0, 8, 8);
  const { data } = pen.getImageData(0, 0, 8, 8);
  return [0, 1, 2].map((part) => data.filter((_, place) => place % 4 === part).reduce((a, b) => a + b) / 64);
}"""
COUNT_CONNECTIONS = """
window.connectionsMade = 0;
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...wanted) { super(...wanted); window.connectionsMade += 1; }
};"""
# What the browser's own button does that ends a sharing.
BROWSER_ENDS_IT = """() => {
  const [track] = document.querySelector(".document video").srcObject.getVideoTracks();
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""


async def test_a_paper_and_a_screen_are_shown_and_recorded(tmp_path: Path) -> None:
    async with running_service(tmp_path / "var") as service, chromium() as browser:
        errors: list[str] = []
        citizen = await (await new_context(browser, True, FACE)).new_page()
        official = await (await new_context(browser, devices=Devices((190, 40, 40), 700))).new_page()
        for page in (citizen, official):
            collect_errors(page, errors)
            await page.add_init_script(COUNT_CONNECTIONS)
        wishes: list[dict[str, Any]] = []
        official.on("websocket", lambda each: each.on("framesent", lambda sent: _note_wishes(wishes, sent)))
        await citizen_to_waiting_room(citizen, service.links["citizen"])
        await official_into_room(official, service.links["district"])
        await admit_everybody(official)
        await wait_until_all_meet({"citizen": citizen, "district": official})
        await open_session(official)
        await until(lambda: _recorded(official), 10, "the recording runs")
        await _citizen_shows_a_paper(citizen, official)
        await _official_shows_a_screen(citizen, official)
        await wait_until_all_meet({"citizen": citizen, "district": official})
        await close_session(official)
        assert errors == []
        assert any(wish["visible"] and wish["height"] > 300 for wish in wishes), "its size was not told"
        folder = await _film_folder(service)
        events = _events(tmp_path / "var" / "lianxin.db")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [source for source in _sources(manifest) if source == "screen"] == ["screen", "screen"]
    assert [(kind, data.get("cause")) for kind, data in events] == [
        ("screen.shared", None),
        ("screen.ended", "stopped"),
        ("screen.shared", None),
        ("screen.ended", "stopped"),
    ]
    _film_shows_the_paper(folder / "composed.mp4")


async def _citizen_shows_a_paper(citizen: Page, official: Page) -> None:
    before = await _connections(citizen)
    await act(citizen, "show")
    await citizen.get_by_role("button", name="把纸放到镜头前").click()
    await until(lambda: _looks_like(official, PAPER), 10, "the official sees the paper")
    await until(lambda: _looks_like(citizen, PAPER), 5, "the citizen sees what is shown")
    me = await diagnostics(citizen, "participantId")
    received = {entry["source"]: entry for entry in await inbound(official) if entry["participant_id"] == me}
    assert received["screen"]["framesDecoded"] > 0 and received["camera"]["framesDecoded"] > 0
    assert await official.locator(".document").count() == 1
    assert await violations(citizen) == []
    assert await violations(official) == []
    await act(official, "show")
    await until(lambda: _reads(official, "请等对方结束"), 5, "one document at a time")
    await act(citizen, "show")
    await until(lambda: _gone(official), 5, "the paper is put away")
    assert await _connections(citizen) == before == 2, "showing a paper needs no new connection"


async def _official_shows_a_screen(citizen: Page, official: Page) -> None:
    """Through the dialog, since there is a second camera; ended by the browser's own button."""
    await act(official, "show")
    await official.get_by_role("button", name="共享屏幕或窗口").click()
    await until(lambda: _shown(citizen), 10, "the citizen sees a screen")
    await until(lambda: _shown(official), 5, "the official sees what is shown")
    await official.evaluate(BROWSER_ENDS_IT)
    await until(lambda: _gone(citizen), 5, "the screen is gone")


def _note_wishes(wishes: list[dict[str, Any]], sent: str | bytes) -> None:
    message = json.loads(sent)
    if message["type"] == "watch":
        wishes += [tile for tile in message["tiles"] if tile["source"] == "screen"]


async def _recorded(page: Page) -> bool:
    return await diagnostics(page, "recording") == "active"


async def _connections(page: Page) -> int:
    return int(await page.evaluate("window.connectionsMade"))


async def _looks_like(page: Page, colour: tuple[int, int, int]) -> bool:
    found = await page.evaluate(COLOUR)
    return found is not None and max(abs(a - b) for a, b in zip(found, colour, strict=True)) < 30


async def _shown(page: Page) -> bool:
    return await page.evaluate(COLOUR) is not None


async def _gone(page: Page) -> bool:
    return await page.locator(".document").count() == 0


async def _reads(page: Page, words: str) -> bool:
    return words in await page.locator('[data-part="problem"]').inner_text()


async def _film_folder(service: Service) -> Path:
    found = await until(
        lambda: list(service.recordings.glob("*/composed.mp4")), 120, "the composed film", every=0.5
    )
    return Path(found[0]).parent


def _events(database: Path) -> list[tuple[str, dict[str, Any]]]:
    with sqlite3.connect(database) as db:
        rows = db.execute(
            "SELECT kind, data FROM session_events WHERE kind LIKE 'screen.%' ORDER BY sequence"
        ).fetchall()
    return [(kind, json.loads(data)) for kind, data in rows]


def _sources(manifest: dict[str, Any]) -> list[str]:
    return [track["source"] for track in manifest["tracks"]]


def _film_shows_the_paper(path: Path) -> None:
    """At some time the large place has the paper's colour while the citizen's face is beside it."""
    document, people = beside(2, 1280, 720)
    with av.open(str(path)) as film:
        pictures = (frame.to_ndarray(format="rgb24") for frame in film.decode(video=0))
        assert any(
            _has(picture, document, PAPER) and _has(picture, people[1], FACE.colour) for picture in pictures
        ), "the film never shows the paper beside the citizen"


def _has(picture: np.ndarray[Any, Any], box: Box, colour: tuple[int, int, int]) -> bool:
    y = box.y + (box.height - LABEL_HEIGHT) * 3 // 4
    middle = picture[y, box.x + box.width // 2].astype(int)
    return bool(np.abs(middle - np.array(colour)).max() < 30)
