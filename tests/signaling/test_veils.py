"""屏蔽: the worker drops picture and sound first, guests read no name, the altered voice is let through."""

from __future__ import annotations

from typing import Any

import pytest

from media.control import SetMuted
from scheduling.session_events import list_events
from tests.signaling.hall import Hall, find
from tests.signaling.test_deliberation import sit

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


def dropped(hall: Hall, participant_id: str) -> dict[str, bool]:
    """What the worker was told last of each source."""
    asked = [each for each in hall.worker.requests(SetMuted) if each.participant_id == participant_id]
    return {each.source: each.muted for each in asked}


ALL = {"microphone": True, "camera": True, "screen": True}
VOICE = ALL | {"microphone": False}


async def kinds(hall: Hall) -> list[tuple[str, str | None]]:
    async with hall.database.session() as db:
        events = await list_events(db, hall.session_id)
    return [(each.kind, each.participant_id) for each in events if each.kind.startswith("veil.")]


def veiled(participant_id: str) -> Any:
    return lambda room: find(room, participant_id)["veiled"]


async def test_picture_and_sound_are_dropped_before_anybody_is_told(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    proxy = await hall.client("proxy")
    await host.ask("admit", participant_id=proxy.id)
    await proxy.push("room")
    await citizen.ask("publish", sdp="x", sources={"0": "microphone", "1": "camera"})
    assert (await citizen.ask("voice_altered"))["code"] == "bad_state"
    assert (await host.ask("veil", participant_id=citizen.id, veiled=True))["type"] == "ok"
    assert dropped(hall, citizen.id) == ALL
    person = find(await proxy.room_where(veiled(citizen.id)), citizen.id)
    assert person["name"] == "已屏蔽" and person["organisation"] is None
    assert {name: each["locked"] for name, each in person["sources"].items()} == {
        "microphone": True, "camera": True
    }  # fmt: skip
    assert find(await joint.room_where(veiled(citizen.id)), citizen.id)["name"] != "已屏蔽"
    assert (await citizen.ask("publish", sdp="x", sources={"0": "screen"}))["code"] == "forbidden"

    assert (await citizen.ask("voice_altered"))["type"] == "ok"
    assert dropped(hall, citizen.id) == VOICE
    # Whatever else is locked and released meanwhile, the picture stays dropped.
    for muted in (True, False):
        await host.ask("mute", participant_id=citizen.id, source="camera", muted=muted)
    await host.ask("mute", participant_id=citizen.id, source="microphone", muted=True)
    assert dropped(hall, citizen.id) == ALL
    await host.ask("veil", participant_id=citizen.id, veiled=False)
    assert dropped(hall, citizen.id) == dict.fromkeys(ALL, False) | {"microphone": True}
    await proxy.room_where(lambda room: find(room, citizen.id)["name"] != "已屏蔽")
    assert await kinds(hall) == [("veil.began", citizen.id), ("veil.ended", citizen.id)]


async def test_it_holds_over_reloads_workers_and_web_processes(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    await host.ask("veil", participant_id=citizen.id, veiled=True)
    await citizen.ask("voice_altered")
    again = await hall.client("petitioner", alive=True)
    assert find(again.welcome["room"], citizen.id)["veiled"]
    assert dropped(hall, citizen.id) == ALL  # The new page has not said what it sends.
    await again.ask("voice_altered")
    hall.worker.asked.clear()
    await hall.worker.kill()
    await hall.worker.start()
    await host.push("media_restored", timeout=15)
    assert dropped(hall, citizen.id) == {"camera": True, "screen": True}
    await hall.kill_web()
    hall.worker.asked.clear()
    await hall.start_web()
    third = await hall.client("petitioner")
    assert find(third.welcome["room"], citizen.id)["veiled"] and dropped(hall, citizen.id) == ALL
    assert not find(third.welcome["room"], host.id)["veiled"] and joint is not None


async def test_who_waits_is_screened_before_the_first_packet(hall: Hall) -> None:
    host, _, _, _ = await sit(hall)
    proxy = await hall.client("proxy")
    assert (await host.ask("veil", participant_id=proxy.id, veiled=True))["type"] == "ok"
    hall.worker.asked.clear()
    await host.ask("admit", participant_id=proxy.id)
    assert dropped(hall, proxy.id) == ALL


async def test_officials_are_not_screened_and_a_refusing_worker_screens_nobody(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    assert (await host.ask("veil", participant_id=joint.id, veiled=True))["code"] == "forbidden"
    hall.worker.refuse["SetMuted"] = "not_found"
    assert (await host.ask("veil", participant_id=citizen.id, veiled=True))["type"] == "error"
    hall.worker.refuse.clear()
    await citizen.ask("raise_hand", raised=True)
    room = await host.room_where(lambda room: find(room, citizen.id)["hand_raised_at"] is not None)
    assert not find(room, citizen.id)["veiled"] and await kinds(hall) == []
