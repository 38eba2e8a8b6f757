"""A mixed room: Firefox ESR from Debian, Chromium and aiortc see and hear one another in our own pages."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench.netns import missing_namespace, run_inside
from tests.scenarios.browsers import needs_chromium
from tests.scenarios.firefox import FIREFOX, NO_FIREFOX

pytestmark = [
    needs_chromium,
    pytest.mark.browser,
    pytest.mark.netns,
    pytest.mark.timeout(300),
    pytest.mark.skipif(FIREFOX is None, reason=NO_FIREFOX),
]


def test_firefox_chromium_and_aiortc_meet(tmp_path: Path) -> None:
    if reason := missing_namespace():
        pytest.skip(reason)
    assert run_inside([sys.executable, "-m", "tests.scenarios.mixed", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "mixed.json").read_text())
    people = found["people"]
    print(f"all four met after {found['met_seconds']:.1f} s; frames {found['frames']}; sent {found['sent']}")

    # Everybody decodes everybody while the reception is recorded.
    assert {who: set(seen) for who, seen in found["frames"].items()} == {
        who: set(people) - {who} for who in people
    }
    # Firefox sends layers by name, in the codec that it and the others have without a plugin.
    for name in ("firefox citizen", "firefox city"):
        assert {s["codec"] for s in found["sent"][name]} == {"video/VP8"}
        assert {s["rid"] for s in found["sent"][name]} <= {"h", "f"}
        assert found["quality"][people[name]] and '"path":"udp"' in found["quality"][people[name]][-1]
    assert found["errors"] == []
    # The journal has all four cameras.
    assert set(found["recorded"]) == set(people.values())
    assert all(size > 0 for size in found["recorded"].values())
