"""The replay page with a manifest that lies, is cut or is gone: it plays what there is and breaks nowhere."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from recordings.recording import load_recording
from tests.recordings import stranger
from tests.recordings.lies import tell_lie
from tests.recordings.synthetic import PARTIES, manifest_content, write_session
from tests.web.conftest import House
from tests.web.test_replay_addresses import FILM, film
from web.replay.beside import _read_manifest, gaps_of

GAP = {
    "cause": "disk_slow",
    "from": "2026-11-20T01:30:00.500000Z",
    "to": "2026-11-20T01:30:02.500000Z",
    "dropped": 3,
}
ODD: tuple[Any, ...] = (None, [], {}, 0, -7, 2**70, "", "../x", True, ["x"], {"x": 1}, "9999-12-31T23:59:59Z")


@pytest.fixture
def database_system() -> str:
    """One system is enough here: the manifest is a file."""
    return "sqlite"


def lies(truth: dict[str, Any], count: int) -> list[bytes]:
    """Damaged texts, and any value anywhere replaced by any other."""
    seeded, whole = random.Random(7), json.dumps(truth)
    found = [b"", b"[]", b"null", b"7", b"[" * 50_000, b"\xff", whole[: len(whole) // 2].encode()]
    for _ in range(count):
        manifest = json.loads(whole)
        tell_lie(manifest, seeded, ODD)
        found.append(json.dumps(manifest).encode())
    return found


async def test_no_lie_breaks_the_page(house: House) -> None:
    recording_id = await film(house, FILM)
    browser = await house.official("chengguan.receptionist")
    async with house.database.session() as db:
        folder = (await load_recording(db, recording_id)).folder(house.settings.recordings_root)
    write_session(folder, 0.2, PARTIES[:1], (160, 90))
    truth = manifest_content(folder, 0.2, PARTIES[:1])
    truth["tracks"][0]["gaps"] = [GAP]
    (folder / "manifest.json").write_text(json.dumps(truth))
    text = await (await browser.get(f"/recordings/{recording_id}")).text()
    assert "磁盘没有及时响应" in text and "李建国" in text
    for number, data in enumerate(lies(truth, 400)):
        (folder / "manifest.json").write_bytes(data)
        gaps = gaps_of(_read_manifest(folder))
        assert all(isinstance(text, str) for gap in gaps for text in gap.values())
        if number % 50 == 0:
            answer = await browser.get(f"/recordings/{recording_id}")
            assert answer.status == 200, data[:200]
    (folder / "manifest.json").unlink()
    assert (await browser.get(f"/recordings/{recording_id}")).status == 200
    answer = await browser.get(f"/recordings/{recording_id}/manifest.json")
    assert answer.status in (403, 404)


def test_every_cause_of_a_gap_has_words() -> None:
    table = next(rows for rows in stranger.tables("Manifest") if any("torn_tail" in row[0] for row in rows))
    causes = [name.strip(" `") for row in table for name in row[0].split(",")]
    assert len(causes) >= 11
    for cause in causes:
        (gap,) = gaps_of({"tracks": [{"source": "camera", "gaps": [GAP | {"cause": cause}]}]})
        assert not gap["cause"].isascii() and gap["when"] == "09:30:00 起 2.0 秒", cause
