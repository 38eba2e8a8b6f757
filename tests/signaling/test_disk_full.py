"""A recording volume of 8 MiB with real peers: the talk goes on, everybody knows, the gap has its cause."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cases.database import Database
from recordings.capture import segment
from recordings.evidence.inventory import read_clock_map, read_tracks
from recordings.evidence.sealing import seal_folder
from recordings.evidence.signing import load_signer
from recordings.evidence.verification import verify_folder
from recordings.recording import find_live_recording
from tests.signaling import test_real_worker
from tests.signaling.hall import Client, Hall
from tests.signaling.test_real_worker import Peer, RealWorker, recorded

pytestmark = [pytest.mark.real_time, pytest.mark.parametrize("database_system", ["sqlite"])]

PROMISE = 2.0  # seconds from the first refused byte until the banner
# A short queue: what it cannot hold while the disk is full is the gap, after four seconds of sound.
PROGRAM = test_real_worker.PROGRAM.replace("JournalRecorderFactory()", "JournalRecorderFactory(ceiling=200)")


@pytest.fixture
def small_disk(hall_folder: Path) -> Iterator[Path]:
    """The folder of recordings on a tmpfs of 8 MiB."""
    folder = hall_folder / "recordings"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path) -> float:
    """Leave no free byte; returns when, in monotonic seconds."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            return time.monotonic()
    raise AssertionError("the disk is never full")


def journals(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.lxj"))


async def badge(client: Client, state: str, seconds: float) -> dict[str, Any]:
    async with asyncio.timeout(seconds):
        room = await client.room_where(lambda room: room["recording"]["state"] == state)
    return dict(room["recording"])


async def test_talk_goes_on_while_the_disk_is_full_and_recording_resumes(
    database: Database, hall_folder: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_real_worker, "PROGRAM", PROGRAM)
    hall = Hall(database, hall_folder)
    hall.workers = [RealWorker(hall.workers[0].path)]  # type: ignore[list-item]
    await hall.open()
    peers: list[Peer] = []
    try:
        host, citizen = await hall.client("host"), await hall.client("petitioner")
        await host.ask("admit", participant_id=citizen.id)
        peers = [Peer(host), Peer(citizen)]
        for peer in peers:
            await peer.negotiate()
        for peer in peers:
            await peer.hears()
        assert (await host.ask("open"))["type"] == "ok"
        await recorded(host, 1000)

        fill(small_disk)
        stopped_at, size = time.monotonic(), journals(small_disk)
        while (grown := journals(small_disk)) != size or time.monotonic() - stopped_at < 0.3:
            if grown != size:
                stopped_at, size = time.monotonic(), grown
            await asyncio.sleep(0.02)
        for client in (host, citizen):
            assert (await badge(client, "faulty", 5))["cause"] == "disk_full"
        took = time.monotonic() - stopped_at
        print(f"banner {took:.2f} s after the last byte went to the disk")
        assert took <= PROMISE
        for peer in peers:
            await peer.hears(50)
        await asyncio.sleep(5)  # Longer than the queue holds.
        for peer in peers:
            await peer.hears(50)
        assert host.room["state"] == "live"

        (small_disk / "ballast").unlink()
        for client in (host, citizen):
            await badge(client, "active", 10)
        async with database.session() as db:
            recording = await find_live_recording(db, hall.session_id)
        assert recording is not None
        folder, before = recording.folder(hall.registry.recordings), journals(small_disk)
        await recorded(host, before)
        assert (await host.ask("close"))["type"] == "ok"
        assert await citizen.closed() == 1000
    finally:
        for peer in peers:
            await peer.close()
        await hall.close()
    facts = {"recording": {"stopped_at": None}}
    seal_folder(folder, facts, load_signer(hall_folder / "keys"))
    assert verify_folder(folder).intact
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert manifest["tracks"] == read_tracks(folder, read_clock_map(folder))
    for track in manifest["tracks"]:
        gaps = [gap for gap in track["gaps"] if gap["cause"] == "disk_full"]
        assert gaps and all(gap["dropped"] > 0 for gap in gaps), track["gaps"]
        assert [entry["damaged"] for entry in track["segments"]] == [[]]
        assert track["segments"][0]["closed"] == "session_closed"


def packets_of(folder: Path, client: Client) -> list[int]:
    """Wall times of the packets in that person's journals."""
    found = []
    for path in segment.segment_paths(folder / "tracks" / f"{client.id}-microphone"):
        with segment.SegmentFile(path) as file:
            items = [item for item in file.items() if isinstance(item, segment.Record)]
            found += [item.wall_ns for item in items if item.kind == segment.RTP]
    assert found
    return found


async def test_nobody_is_captured_in_deliberation_or_in_the_waiting_room(
    database: Database, hall_folder: Path
) -> None:
    hall = Hall(database, hall_folder)
    hall.workers = [RealWorker(hall.workers[0].path)]  # type: ignore[list-item]
    await hall.open()
    peers: list[Peer] = []
    try:
        host, citizen = await hall.client("host"), await hall.client("petitioner")
        # Before the call there is no way in for a microphone.
        refused = await citizen.ask("publish", sdp="v=0", sources={"0": "microphone"})
        assert (refused["type"], refused["code"]) == ("error", "bad_state")
        await host.ask("admit", participant_id=citizen.id)
        peers = [Peer(host), Peer(citizen)]
        for peer in peers:
            await peer.negotiate()
        await peers[0].hears()
        assert (await host.ask("open"))["type"] == "ok"
        await recorded(host, 2000)
        async with database.session() as db:
            recording = await find_live_recording(db, hall.session_id)
        assert recording is not None
        folder = recording.folder(hall.registry.recordings)

        assert (await host.ask("pause", reason=" "))["code"] == "bad_state"
        assert (await host.ask("pause", reason="内部商议"))["type"] == "ok"
        from_ns = time.time_ns()
        await peers[0].hears(60)  # Real packets of the citizen reach the host all the while.
        until_ns = time.time_ns()
        assert (await host.ask("resume"))["type"] == "ok"
        await recorded(host, 2000)

        ended = asyncio.Event()
        peers[1].publishing.on("connectionstatechange", ended.set)
        assert (await host.ask("move_to_lobby", participant_id=citizen.id, reason=""))["type"] == "ok"
        waiting_from_ns = time.time_ns()
        # The worker ends their transport; nothing they send is taken.
        await asyncio.wait_for(ended.wait(), 5)
        assert peers[1].publishing.connectionState == "closed"
        assert (await host.ask("close"))["type"] == "ok"
    finally:
        for peer in peers:
            await peer.close()
        await hall.close()
    for client in (host, citizen):
        times = packets_of(folder, client)
        assert min(times) < from_ns and max(times) > until_ns
        assert [at for at in times if from_ns <= at <= until_ns] == []
    assert max(packets_of(folder, citizen)) < waiting_from_ns
