"""合议: parted in the worker before any page says so, private on the wire, over restarts, and back again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from media.control import (
    AddParticipant,
    CreateRoom,
    PublicationChanged,
    SetPartition,
    SpeakersChanged,
    StartRecording,
)
from media.control import StopRecording as StopOnWorker
from scheduling.session_events import list_events
from signaling.deliberation import COUNTDOWN
from tests.signaling.hall import Client, Hall, find

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def sit(hall: Hall) -> tuple[Client, Client, Client, Client]:
    """Host, a joint receptionist, a recorder and the petitioner in a sitting that is recorded."""
    host = await hall.client("host")
    joint = await hall.client("joint_receptionist")
    clerk = await hall.client("recorder")
    citizen = await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    await citizen.push("admitted")
    assert (await host.ask("open"))["type"] == "ok"
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    return host, joint, clerk, citizen


async def confer(host: Client, *people: Client) -> dict[str, Any]:
    return await host.ask("deliberate", participants=[person.id for person in people])


def stands(room: dict[str, Any]) -> bool:
    return room["deliberation"] is not None


async def kinds(hall: Hall) -> list[str]:
    live = hall.registry.rooms.get(hall.session_id)
    if live is not None:
        await live.backlog.settle()
    async with hall.database.session() as db:
        return [event.kind for event in await list_events(db, hall.session_id)]


async def test_pages_are_told_after_the_worker_has_parted_the_room(hall: Hall) -> None:
    host, joint, clerk, citizen = await sit(hall)
    hall.worker.hold.add("SetPartition")
    number = await host.send("deliberate", participants=[host.id, joint.id])
    await hall.worker.holds.wait()
    hall.worker.tell(
        PublicationChanged(
            room_id=hall.session_id, participant_id=citizen.id, source="camera", kind="video", state="started"
        )
    )
    room = await host.room_where(lambda room: "camera" in find(room, citizen.id)["sources"])
    assert room["deliberation"] is None and "deliberation.began" not in await kinds(hall)
    hall.worker.release()
    await host._wait(lambda: number in host._answers)

    room = await host.room_where(stands)
    inside = room["deliberation"]
    assert inside["inside"] and inside["participants"] == sorted([host.id, joint.id])
    assert room["recording"]["state"] == "paused" and room["recording"]["cause"] == "deliberation"
    assert hall.worker.rooms[hall.session_id].groups == [sorted([host.id, joint.id])]
    assert hall.worker.requests(StopOnWorker)[-1].reason == "deliberation"
    for outside in (clerk, citizen):
        view = (await outside.room_where(stands))["deliberation"]
        assert not view["inside"] and view["participants"] == [] and view["since"] == inside["since"]
    assert (await kinds(hall)).count("deliberation.began") == 1


async def test_who_is_apart_learns_nothing_of_who_speaks_shows_or_writes(hall: Hall) -> None:
    host, joint, clerk, citizen = await sit(hall)
    await joint.ask("publish", sdp="x", sources={"0": "screen"})
    await confer(host, host, joint)
    await citizen.room_where(lambda room: stands(room) and room["presenter"] is None)
    assert (await host.room_where(stands))["presenter"] == joint.id
    before = [len(outside.pushes) for outside in (clerk, citizen)]
    levels = {joint.id: -20}
    hall.worker.tell(SpeakersChanged(room_id=hall.session_id, levels=levels, speaker=joint.id))
    await host.push("speakers")
    await host.room_where(lambda room: find(room, joint.id)["speaking"])
    await joint.ask("chat", text="只在合议里说")
    assert (await host.push("chat"))["text"] == "只在合议里说"
    await citizen.ask("raise_hand", raised=True)  # So that a newer state is told to everybody.
    for outside, count in zip((clerk, citizen), before, strict=True):
        await outside.room_where(lambda room: find(room, citizen.id)["hand_raised_at"] is not None)
        assert {push["type"] for push in outside.pushes[count:]} <= {"room", "layers", "offer"}
        assert not find(outside.room, joint.id)["speaking"]
    live = hall.registry.rooms[hall.session_id]
    live.room.hear_floor(hall.clock.now())
    live.note_speeches()
    assert "speech.noted" not in await kinds(hall)


async def test_all_come_back_after_the_countdown_and_the_recording_is_confirmed(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    await confer(host, host, joint)
    assert (await host.ask("pause", reason="休息"))["code"] == "bad_state"
    assert (await host.ask("start_recording"))["code"] == "bad_state"
    assert (await confer(host, host))["code"] == "bad_state"
    recordings = len(hall.worker.requests(StartRecording))
    for _ in range(2):
        assert (await host.ask("end_deliberation"))["type"] == "ok"
    view = await citizen.room_where(lambda room: bool(stands(room) and room["deliberation"]["returns_at"]))
    assert view["deliberation"]["returns_at"] > view["deliberation"]["since"]
    assert hall.worker.rooms[hall.session_id].groups != []
    hall.clock.advance(seconds=COUNTDOWN.total_seconds())
    room = await citizen.room_where(
        lambda room: not stands(room) and room["recording"]["state"] == "preparing"
    )
    assert room["recording"]["cause"] is None
    assert hall.worker.rooms[hall.session_id].groups == []
    assert len(hall.worker.requests(StartRecording)) == recordings + 1
    hall.worker.confirm(hall.session_id)
    await citizen.room_where(lambda room: room["recording"]["state"] == "active")
    told = [kind for kind in await kinds(hall) if kind.startswith(("deliberation", "recording.res"))]
    assert told == ["deliberation.began", "deliberation.returning", "deliberation.ended", "recording.resumed"]
    assert (await host.ask("end_deliberation"))["code"] == "bad_state"


async def test_who_confers_speaks_there_whatever_the_phase(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    await host.ask("begin_phase", phase="statement")
    await host.room_where(lambda room: _locked(room, joint))
    await confer(host, host, joint)
    await host.room_where(lambda room: stands(room) and not _locked(room, joint))
    await host.ask("end_deliberation")
    await citizen.room_where(lambda room: bool(stands(room) and room["deliberation"]["returns_at"]))
    hall.clock.advance(seconds=COUNTDOWN.total_seconds())
    await host.room_where(lambda room: not stands(room) and _locked(room, joint))


def _locked(room: dict[str, Any], client: Client) -> bool:
    return bool(find(room, client.id)["sources"].get("microphone", {}).get("locked"))


async def test_nobody_is_told_when_the_worker_refuses(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    hall.worker.refuse["SetPartition"] = "not_found"
    assert (await confer(host, host, joint))["type"] == "error"
    hall.worker.refuse.clear()
    await citizen.ask("raise_hand", raised=True)
    room = await host.room_where(lambda room: find(room, citizen.id)["hand_raised_at"] is not None)
    assert not stands(room) and room["recording"]["state"] == "active"
    assert "deliberation.began" not in await kinds(hall)


async def test_only_officials_in_the_room_confer(hall: Hall) -> None:
    host, _, _, citizen = await sit(hall)
    assert (await confer(host, host, citizen))["code"] == "forbidden"
    assert (await host.ask("deliberate", participants=["x"]))["code"] == "not_found"
    assert (await host.ask("deliberate", participants=[]))["code"] == "bad_message"
    assert not stands(host.room) and hall.worker.requests(SetPartition) == []


async def test_a_worker_that_dies_is_parted_before_anybody_is_let_in(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    await confer(host, host, joint)
    await hall.worker.kill()
    await host.push("media_lost")
    hall.worker.asked.clear()
    await hall.worker.start()
    await host.push("media_restored", timeout=15)
    kinds_asked = [type(request) for request in hall.worker.asked]
    first = kinds_asked.index(AddParticipant)
    assert kinds_asked.index(CreateRoom) < kinds_asked.index(SetPartition) < first
    assert hall.worker.rooms[hall.session_id].groups == [sorted([host.id, joint.id])]
    assert StartRecording not in kinds_asked
    assert (await citizen.room_where(stands))["recording"]["state"] == "paused"


async def test_a_web_process_that_dies_finds_it_again_and_counts_down(hall: Hall) -> None:
    host, joint, _, _ = await sit(hall)
    people = sorted([host.id, joint.id])
    await confer(host, host, joint)
    await host.ask("end_deliberation")
    await hall.kill_web()
    # A worker that lost it is parted again, too.
    hall.worker.rooms[hall.session_id].groups = []
    await hall.start_web()
    citizen = await hall.client("petitioner")
    view = citizen.welcome["room"]["deliberation"]
    assert not view["inside"] and view["returns_at"] is not None
    assert citizen.welcome["room"]["recording"]["state"] == "paused"
    await wait_for(lambda: hall.worker.rooms[hall.session_id].groups == people_of(people))
    hall.clock.advance(seconds=COUNTDOWN.total_seconds())
    await citizen.room_where(lambda room: not stands(room))
    await wait_for(lambda: hall.worker.rooms[hall.session_id].groups == [])
    assert (await kinds(hall)).count("deliberation.ended") == 1


async def test_a_room_that_did_not_open_is_asked_again(hall: Hall) -> None:
    host, joint, _, citizen = await sit(hall)
    await confer(host, host, joint)
    await host.ask("end_deliberation")
    hall.worker.refuse["SetPartition"] = "timeout"
    hall.clock.advance(seconds=COUNTDOWN.total_seconds())
    await citizen.room_where(lambda room: not stands(room))
    assert hall.worker.rooms[hall.session_id].groups != []
    hall.worker.refuse.clear()
    await wait_for(lambda: hall.worker.rooms[hall.session_id].groups == [])


async def test_who_comes_late_is_apart_and_closing_ends_it(hall: Hall) -> None:
    host, joint, _, _ = await sit(hall)
    await confer(host, host, joint)
    late = await hall.client("department")
    assert not late.welcome["room"]["deliberation"]["inside"]
    proxy = await hall.client("proxy")
    await host.ask("admit", participant_id=proxy.id)
    assert not (await proxy.push("room"))["room"]["deliberation"]["inside"]
    assert (await host.ask("close"))["type"] == "ok"
    told = await kinds(hall)
    assert told.index("deliberation.ended") > told.index("deliberation.began")


def people_of(people: list[str]) -> list[list[str]]:
    return [people]


async def wait_for(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
