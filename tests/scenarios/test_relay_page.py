"""Our own pages with a TURN server: credentials come with the place in the room, and the relay carries it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.scenarios.browsers import chromium, diagnostics, needs_chromium, new_context
from tests.scenarios.coturn import ADDRESS, PROGRAM, SECRET, running_coturn
from tests.scenarios.parties import official_into_room, wait_until_all_meet
from tests.scenarios.service import running_service

pytestmark = [
    needs_chromium,
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="turnserver is not installed (apt-get install coturn)"),
]
WATCH = """() => {
  const Original = window.RTCPeerConnection;
  window.connections = [];
  window.RTCPeerConnection = class extends Original {
    constructor(options) { super(options); window.connections.push([this, options]); }
  };
}"""
TYPES = """async () => {
  const types = [];
  for (const [pc] of window.connections) {
    if (pc.connectionState !== "connected") continue;
    const all = new Map();
    (await pc.getStats()).forEach(r => all.set(r.id, r));
    all.forEach(r => {
      if (r.type !== "transport") return;
      types.push(all.get(all.get(r.selectedCandidatePairId).localCandidateId).candidateType);
    });
  }
  return types;
}"""


async def test_two_officials_meet_by_relay_only(tmp_path: Path) -> None:
    with running_coturn(tmp_path) as port:
        urls = (f"turn:{ADDRESS}:{port}?transport=udp", f"turn:{ADDRESS}:{port}?transport=tcp")
        async with (
            running_service(tmp_path / "var", turn_urls=urls, turn_secret=SECRET) as service,
            chromium() as browser,
        ):
            pages = {}
            for name in ("district", "city"):
                page = pages[name] = await (await new_context(browser)).new_page()
                await page.add_init_script(f"({WATCH})()")
                await official_into_room(page, service.links[name])
                await page.goto(page.url.split("#")[0].split("?")[0] + "?relay")
            began = time.monotonic()
            await wait_until_all_meet(pages, 20)
            print(f"met by relay after {time.monotonic() - began:.1f} s")
            for page in pages.values():
                types = await page.evaluate(TYPES)
                assert types and set(types) == {"relay"}
                granted = await page.evaluate("connections.at(-1)[1].iceServers[0].username")
                expiry, _, holder = granted.partition(":")
                assert holder == await diagnostics(page, "participantId")
                assert 0 < int(expiry) - time.time() <= 12 * 3600
