"""The room's half on the media workers: placing, mute, recording badge, death and re-forming."""

from __future__ import annotations

import asyncio

import pytest

from media import control
from recordings.recording import RecordingState, find_live_recording, list_recordings_of_session
from scheduling.session_events import list_events
from signaling import media_room
from tests.signaling.hall import Client, Hall, find


async def on_air(hall: Hall) -> tuple[Client, Client]:
    """Host and citizen with media, live, recorded."""
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    for client in (host, citizen):
        await client.ask("publish", sdp="x", sources={"0": "microphone", "1": "camera"})
        await client.ask("subscribe")
    await host.ask("open")
    worker = next(worker for worker in hall.workers if worker.rooms)
    worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    return host, citizen


async def events(hall: Hall) -> list[tuple[str, str | None]]:
    async with hall.database.session() as db:
        found = await list_events(db, hall.session_id)
    return [(event.kind, event.data.get("cause")) for event in found]


async def test_whoever_lies_on_the_side_for_somebody_is_asked_to_publish_anew(hall: Hall) -> None:
    _, citizen = await on_air(hall)
    for who in ("nobody", citizen.id):
        hall.worker.tell(control.PublishAgain(room_id=hall.session_id, participant_id=who))
    told = await citizen.push("media_restored")
    assert (told["publish_needed"], told["subscribe_needed"]) == (True, False)


async def test_the_badge_is_red_only_after_bytes(hall: Hall) -> None:
    host = await hall.client("host")
    assert host.room["recording"]["state"] == "off"
    await host.ask("open")
    await host.room_where(lambda room: room["recording"]["state"] == "preparing")
    request = hall.worker.requests(control.StartRecording)[0]
    hall.worker.tell(
        control.RecordingChanged(room_id=hall.session_id, recording_id=request.recording_id, state="active")
    )
    await host.ask("ping")
    await asyncio.sleep(0.15)
    assert host.room["recording"]["state"] == "preparing"
    hall.worker.confirm(hall.session_id, 100)
    room = await host.room_where(lambda room: room["recording"]["state"] == "active")
    assert (room["recording"]["bytes"], room["recording"]["since"]) == (100, "2026-07-22T01:00:01.000Z")
    await hall.registry.rooms[hall.session_id].backlog.settle()
    async with hall.database.session() as db:
        recording = await find_live_recording(db, hall.session_id)
    assert recording is not None and recording.state is RecordingState.ACTIVE
    assert str(recording.folder(hall.registry.recordings)) == request.directory


async def test_a_fault_is_told_to_everybody_and_the_host_starts_again(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    request = hall.worker.requests(control.StartRecording)[0]
    hall.worker.tell(
        control.RecordingChanged(
            room_id=hall.session_id, recording_id=request.recording_id, state="faulty", cause="disk_full"
        )
    )
    for client in (host, citizen):
        room = await client.room_where(lambda room: room["recording"]["state"] == "faulty")
        assert room["recording"]["cause"] == "disk_full"
        assert room["state"] == "live"
    assert (await host.ask("start_recording"))["type"] == "ok"
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    again = hall.worker.requests(control.StartRecording)[-1]
    assert again.recording_id == request.recording_id
    await hall.registry.rooms[hall.session_id].backlog.settle()
    told = [event for event in await events(hall) if event[0].startswith("recording.")]
    assert told == [
        ("recording.ordered", None),
        ("recording.started", None),
        ("recording.faulty", "disk_full"),
        ("recording.resumed", None),
    ]


async def test_pause_stops_the_capture_and_resume_goes_on(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    assert (await host.ask("resume"))["code"] == "bad_state"
    assert (await host.ask("pause", reason=" \u202e"))["code"] == "bad_state"
    assert hall.worker.rooms[hall.session_id].recording is not None
    assert (await host.ask("pause", reason="内部商议"))["type"] == "ok"
    room = await citizen.room_where(lambda room: room["state"] == "paused")
    assert room["recording"]["state"] == "paused"
    assert hall.worker.rooms[hall.session_id].recording is None
    assert (await host.ask("open"))["code"] == "bad_state"
    assert (await host.ask("resume"))["type"] == "ok"
    hall.worker.confirm(hall.session_id)
    await citizen.room_where(lambda room: room["recording"]["state"] == "active")
    requests = hall.worker.requests(control.StartRecording)
    assert len({request.recording_id for request in requests}) == 1


async def test_close_stops_recorder_and_room(hall: Hall) -> None:
    host, _ = await on_air(hall)
    assert (await host.ask("close"))["type"] == "ok"
    assert hall.worker.rooms == {}
    names = [type(request).__name__ for request in hall.worker.asked]
    assert names.index("StopRecording") < names.index("CloseRoom")
    async with hall.database.session() as db:
        recordings = await list_recordings_of_session(db, hall.actors["host"], hall.session_id)
    assert [recording.state for recording in recordings] == [RecordingState.STOPPED]


async def test_close_before_open_is_refused_by_the_table(hall: Hall) -> None:
    host = await hall.client("host")
    assert (await host.ask("close"))["code"] == "bad_transition"
    assert (await host.ask("start_recording"))["code"] == "bad_state"


async def test_mute_locks_the_source_at_the_worker(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    who = {"participant_id": citizen.id, "source": "microphone"}
    assert (await host.ask("mute", **who, muted=True))["type"] == "ok"
    assert hall.worker.rooms[hall.session_id].people[citizen.id].sources["microphone"] is True
    assert (await citizen.ask("source_state", source="microphone", enabled=True))["code"] == "forbidden"
    assert (await citizen.ask("source_state", source="microphone", enabled=False))["type"] == "ok"
    assert (await host.ask("mute", **who, muted=False))["type"] == "ok"
    assert (await citizen.ask("source_state", source="microphone", enabled=True))["type"] == "ok"
    assert hall.worker.rooms[hall.session_id].people[citizen.id].sources["microphone"] is False


async def test_an_observer_is_added_without_the_right_to_publish(hall: Hall) -> None:
    observer = await hall.client("observer")
    assert hall.worker.rooms[hall.session_id].people[observer.id].may_publish is False
    assert observer.welcome["media"] == {"publish_needed": False, "subscribe_needed": True}


async def test_speakers_are_told_without_a_full_state(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    levels = {citizen.id: -31, host.id: -31, "x": -5}
    hall.worker.tell(control.SpeakersChanged(room_id=hall.session_id, levels=levels, speaker="x"))
    hall.worker.tell(control.SpeakersChanged(room_id=hall.session_id, levels=levels, speaker=citizen.id))
    told = await host.until(lambda push: push["type"] == "speakers" and push["speaker"] is not None)
    assert told["speaker"] == citizen.id
    assert told["levels"] == {citizen.id: 31, host.id: 31}
    await host.ask("raise_hand", raised=True)
    room = await host.room_where(lambda room: find(room, citizen.id)["speaking"])
    assert not find(room, host.id)["speaking"]


async def test_who_spoke_stands_in_one_event_before_the_end(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    for speaker in (citizen.id, host.id, citizen.id, None):
        hall.worker.tell(control.SpeakersChanged(room_id=hall.session_id, levels={}, speaker=speaker))
        await asyncio.sleep(0.2)
        hall.clock.advance(seconds=2)
    await host.ask("close")
    async with hall.database.session() as db:
        noted = [e.data["spans"] for e in await list_events(db, hall.session_id) if e.kind == "speech.noted"]
    assert [[who for who, *_ in spans] for spans in noted] == [[citizen.id, host.id, citizen.id]]


async def test_a_voice_that_began_before_the_sitting_counts_from_its_opening(hall: Hall) -> None:
    host = await hall.client("host")
    hall.worker.tell(control.SpeakersChanged(room_id=hall.session_id, levels={}, speaker=host.id))
    await host.push("speakers")
    hall.clock.advance(seconds=30)
    await host.ask("open")
    await asyncio.sleep(1.2)
    hall.clock.advance(seconds=3)
    await host.ask("close")
    async with hall.database.session() as db:
        noted = [e.data["spans"] for e in await list_events(db, hall.session_id) if e.kind == "speech.noted"]
    assert [[(who, length) for who, _, length in spans] for spans in noted] == [[(host.id, 3000)]]


async def test_worker_death_and_reforming(hall: Hall) -> None:
    host, citizen = await on_air(hall)
    await host.ask("mute", participant_id=citizen.id, source="camera", muted=True)
    recording = hall.worker.requests(control.StartRecording)[0]
    hall.worker.asked.clear()
    await hall.worker.kill()
    for client in (host, citizen):
        await client.push("media_lost", timeout=1)
        room = await client.room_where(lambda room: room["recording"]["state"] == "faulty")
        assert room["recording"]["cause"] == "media_lost"
        assert find(room, citizen.id)["media"] == "none"
    assert (await host.ask("publish", sdp="x", sources={}))["code"] == "media_unavailable"
    await hall.worker.start()
    for client in (host, citizen):
        told = await client.push("media_restored")
        assert (told["publish_needed"], told["subscribe_needed"]) == (True, True)
        await client.ask("publish", sdp="y", sources={"0": "microphone", "1": "camera"})
        await client.ask("subscribe")
    again = hall.worker.requests(control.StartRecording)[0]
    assert (again.recording_id, again.directory) == (recording.recording_id, recording.directory)
    muted = hall.worker.requests(control.SetMuted)[0]
    assert (muted.participant_id, muted.source, muted.muted) == (citizen.id, "camera", True)
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    await hall.registry.rooms[hall.session_id].backlog.settle()
    told_events = [event for event in await events(hall) if event[0].startswith("media.")]
    assert told_events == [("media.interrupted", "worker_lost"), ("media.restored", "room_formed_again")]


async def test_a_broken_control_socket_costs_nobody_their_media(hall: Hall) -> None:
    host, _ = await on_air(hall)
    await hall.worker.kill(keep_rooms=True)
    await host.push("media_lost", timeout=1)
    await hall.worker.start()
    told = await host.push("media_restored")
    assert told["publish_needed"] is False
    assert hall.worker.requests(control.CloseRoom) == []


async def test_rooms_go_to_the_least_loaded_worker_and_move_when_theirs_stays_dead(
    hall_of_two: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    hall = hall_of_two
    monkeypatch.setattr(media_room, "SAME_WORKER_SECONDS", 0.3)
    host, _ = await on_air(hall)
    first = next(worker for worker in hall.workers if worker.rooms)
    second = next(worker for worker in hall.workers if worker is not first)
    assert second.rooms == {}
    await first.kill(keep_rooms=True)
    await host.push("media_lost", timeout=1)
    await host.push("media_restored", timeout=10)
    assert set(second.rooms) == {hall.session_id}
    # The first comes back with a room that has moved: it must let go of it.
    await first.start()
    await asyncio.wait_for(first.empty.wait(), 5)
    assert set(second.rooms) == {hall.session_id}


async def test_without_any_worker_people_meet_and_media_follows(hall: Hall) -> None:
    await hall.worker.kill()
    host = await hall.client("host")
    assert (await host.ask("publish", sdp="x", sources={}))["code"] == "media_unavailable"
    assert (await host.ask("open"))["type"] == "ok"
    await host.room_where(lambda room: room["recording"]["state"] == "faulty")
    await hall.worker.start()
    await host.push("media_restored")
    assert hall.worker.rooms[hall.session_id].recording is not None


async def test_room_pushes_are_coalesced(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    await asyncio.sleep(0.3)
    before = len([push for push in joint.pushes if push["type"] == "room"])
    started = asyncio.get_running_loop().time()
    for number in range(30):
        await host.ask("raise_hand", raised=number % 2 == 0)
    seconds = asyncio.get_running_loop().time() - started
    await asyncio.sleep(0.3)
    pushed = len([push for push in joint.pushes if push["type"] == "room"]) - before
    assert pushed <= (seconds + 0.3) * 10 + 2
