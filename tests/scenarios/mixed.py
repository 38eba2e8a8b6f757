"""`python -m tests.scenarios.mixed DIRECTORY`: Firefox, Chromium and aiortc in one reception, in a namespace.

Writes what each of them saw to DIRECTORY/mixed.json. Started by test_mixed_room.py.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.netns import ADDRESS, inside_namespace
from tests.scenarios.aiortc_party import AiortcParty
from tests.scenarios.browsers import chromium, diagnostics, inbound, new_context, received_parties
from tests.scenarios.firefox import Firefox, FirefoxPage, firefox
from tests.scenarios.parties import close_session, official_into_room, open_session
from tests.scenarios.service import Service, running_service
from web.notice import current_notice

CITIZEN_STEPS = (
    '[data-action="start"]',
    'button[value="agree"]',
    *(f'[data-action="{name}"]' for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes")),
)
SENT = """async () => {
  const found = [];
  for (const pc of window.connections) {
    const all = new Map();
    (await pc.getStats()).forEach(r => all.set(r.id, r));
    all.forEach(({type, kind, rid = "", codecId, framesEncoded: frames, frameWidth: width}) => {
      if (type === "outbound-rtp" && kind === "video" && frames)
        found.push({rid, codec: all.get(codecId).mimeType, frames, width});
    });
  }
  return found;
}"""
KEEP_CONNECTIONS = """() => {
  const Original = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Original {
    constructor(options) { super(options); window.connections.push(this); }
  };
}"""
FRAMES = 15  # of everybody, decoded by everybody while the reception is recorded
PATIENCE = 90.0  # seconds on a busy machine; a quiet one needs three


@dataclass
class Mixed:
    """The four parties: two in Firefox, one in Chromium, one in aiortc."""

    service: Service
    fox: Firefox
    citizen: FirefoxPage
    city: FirefoxPage
    district: Any
    province: AiortcParty

    @property
    def pages(self) -> dict[str, Any]:
        return {
            "firefox citizen": self.citizen,
            "firefox city": self.city,
            "chromium district": self.district,
        }

    async def people(self) -> dict[str, str]:
        names = {name: await diagnostics(page, "participantId") for name, page in self.pages.items()}
        return names | {"aiortc province": self.province.participant_id}


async def hold(mixed: Mixed) -> dict[str, Any]:
    """Come in, meet, be recorded, go. What was seen and heard, by party."""
    await official_into_room(mixed.district, mixed.service.links["district"])
    await mixed.city.goto(mixed.service.links["city"])
    await mixed.city.click('[data-action="start"]')
    notice = current_notice()
    await mixed.province.enter((notice.version, notice.digest))
    await mixed.province.subscribe()
    await mixed.province.publish()
    await mixed.citizen.goto(mixed.service.links["citizen"])
    for step in CITIZEN_STEPS:
        await mixed.citizen.click(step)
    await mixed.district.get_by_role("button", name="准入").first.click(timeout=PATIENCE * 1000)
    met = await _until_all_met(mixed)
    await open_session(mixed.district)
    frames = await _until_all_move(mixed)
    found = {
        "met_seconds": met,
        "frames": frames,
        "sent": {name: await page.evaluate(SENT) for name, page in mixed.pages.items()},
        "words": await mixed.citizen.evaluate(NETWORK),
        "errors": mixed.fox.errors,
        "people": await mixed.people(),
    }
    await asyncio.sleep(5)  # Until the pages have told their figures.
    await close_session(mixed.district)
    return found


SHOWN = """location.pathname + ": " + document.querySelector("main, body").innerText.slice(0, 200)"""
NETWORK = """document.querySelector('[data-part="network"]').textContent"""


async def _missing(mixed: Mixed) -> list[str]:
    """Who does not yet see or hear whom, in words."""
    people = await mixed.people()
    met = {name: received_parties(await inbound(page)) for name, page in mixed.pages.items()}
    met["aiortc province"] = (set(mixed.province.pictures), set(mixed.province.sounds))
    return [
        f"{name} {'does not see' if index == 0 else 'does not hear'} {other}"
        for name, sets in met.items()
        for index in (0, 1)
        for other, who in people.items()
        if other != name and who not in sets[index]
    ]


async def _until_all_met(mixed: Mixed) -> float:
    """Seconds until nobody is missing."""
    began = time.monotonic()
    while missing := await _missing(mixed):
        if time.monotonic() - began >= PATIENCE:
            words = {name: await page.evaluate(SHOWN) for name, page in mixed.pages.items()}
            raise AssertionError(f"{missing}, {mixed.fox.errors}, {words}")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _until_all_move(mixed: Mixed) -> dict[str, dict[str, int]]:
    """Frames of each that were decoded by each since the call, FRAMES at least."""
    before, began = await _counted(mixed), time.monotonic()
    while True:
        after = await _counted(mixed)
        moved = {
            who: {whom: after[who][whom] - n for whom, n in seen.items()} for who, seen in before.items()
        }
        if all(count >= FRAMES for seen in moved.values() for count in seen.values()):
            return moved
        assert time.monotonic() - began < PATIENCE, moved
        await asyncio.sleep(0.2)


async def _counted(mixed: Mixed) -> dict[str, dict[str, int]]:
    """Frames decoded so far: by whom, of whom."""
    names = {who: name for name, who in (await mixed.people()).items()}
    counted = {}
    for name, page in mixed.pages.items():
        pictures = [s for s in await inbound(page) if s["kind"] == "video"]
        counted[name] = {names[s["participant_id"]]: s["framesDecoded"] for s in pictures}
    counted["aiortc province"] = {names[who]: count for who, count in mixed.province.pictures.items()}
    return counted


@asynccontextmanager
async def parties(directory: Path) -> AsyncIterator[Mixed]:
    """The service on the address of the namespace, both browsers, and a client for the fourth party."""
    async with (
        running_service(directory / "var", addresses=(ADDRESS,)) as service,
        firefox(directory) as fox,
        chromium() as chrome,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
    ):
        await fox.ask("script.addPreloadScript", functionDeclaration=KEEP_CONNECTIONS)
        district = await (await new_context(chrome)).new_page()
        await district.add_init_script(f"({KEEP_CONNECTIONS})()")
        path = service.links["province"].removeprefix(service.base)
        province = AiortcParty(3, service.base, path, http)
        try:
            citizen = await fox.new_page(390)
            yield Mixed(service, fox, citizen, await fox.new_page(), district, province)
        finally:
            await province.close()


async def run(directory: Path) -> dict[str, Any]:
    async with parties(directory) as mixed:
        found = await hold(mixed)
        tracks = mixed.service.recordings.glob("*/tracks/*-camera/*.lxj")
        found["recorded"] = {path.parent.name.removesuffix("-camera"): path.stat().st_size for path in tracks}
    with sqlite3.connect(directory / "var" / "lianxin.db") as db:
        minutes = db.execute("SELECT participant_id, packed FROM quality_minutes ORDER BY at").fetchall()
    found["quality"] = {who: [] for who in found["people"].values()}
    for who, packed in minutes:
        found["quality"][who].append(zlib.decompress(packed).decode())
    return found


def main(directory: Path) -> None:
    assert inside_namespace(), "Firefox needs an address that is not loopback"
    # Without a route to anywhere Firefox finds no address to begin with.
    subprocess.run(["ip", "route", "add", "default", "dev", "bench0"], check=True)
    (directory / "mixed.json").write_text(json.dumps(asyncio.run(run(directory))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
