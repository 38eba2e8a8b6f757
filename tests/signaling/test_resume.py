"""Coming back: a dropped socket, a second tab, a killed web process. The seat is what counts."""

from __future__ import annotations

import asyncio

from cases.policy import SYSTEM
from scheduling.session import SessionState
from scheduling.session_events import list_events
from scheduling.sessions.sessions import move_session
from tests.signaling.hall import Client, Hall, find, names


async def inside(hall: Hall) -> tuple[Client, Client]:
    """Host and citizen in the room, both with media."""
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    for client in (host, citizen):
        await client.ask("publish", sdp="x", sources={"0": "microphone", "1": "camera"})
        await client.ask("subscribe")
        offer = await client.push("offer")
        await client.ask("answer", offer_id=offer["offer_id"], sdp="x")
    await host.room_where(lambda room: find(room, citizen.id)["media"] == "connected")
    return host, citizen


async def test_nothing_is_told_before_the_welcome(hall: Hall) -> None:
    """A page that hears of the room before it knows its own rights would paint them wrongly."""
    host = await hall.client("host")
    hall.worker.hold = {"AddParticipant"}
    late = await hall.socket()
    await late.send(
        "authenticate", version=1, ticket=await hall.ticket("joint_receptionist"),
        publish_alive=False, subscribe_alive=False,
    )  # fmt: skip
    await asyncio.wait_for(hall.worker.holds.wait(), 5)
    live = hall.registry.rooms[hall.session_id]
    known = len(host.pushes)
    live.changed()
    async with asyncio.timeout(5):
        while len(host.pushes) == known:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    hall.worker.release()
    await late.push("welcome")
    assert late.pushes[0]["type"] == "welcome"


async def kinds(hall: Hall) -> list[str]:
    async with hall.database.session() as db:
        return [event.kind for event in await list_events(db, hall.session_id)]


async def test_a_dropped_socket_resumes_with_media_kept(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await citizen.ask("raise_hand", raised=True)
    await citizen.drop()
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "reconnecting")
    assert find(host.room, citizen.id)["media"] == "connected"
    back = await hall.client("petitioner", alive=True)
    assert (back.id, back.welcome["place"]) == (citizen.id, "room")
    assert back.welcome["media"] == {"publish_needed": False, "subscribe_needed": False}
    assert find(back.room, back.id)["hand_raised_at"] is not None
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "connected")
    assert (await kinds(hall))[-2:] == ["participant.dropped", "participant.resumed"]


async def test_a_reload_needs_new_transports_but_no_admission(hall: Hall) -> None:
    _, citizen = await inside(hall)
    await citizen.drop()
    back = await hall.client("petitioner")
    assert back.welcome["place"] == "room"
    assert back.welcome["media"] == {"publish_needed": True, "subscribe_needed": True}


async def test_an_offer_missed_while_away_is_made_again(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await citizen.drop()
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "reconnecting")
    hall.worker.offer(hall.session_id, citizen.id)
    await host.ask("ping")
    back = await hall.client("petitioner", alive=True)
    assert (await back.push("offer"))["offer_id"] == 2


async def test_long_absence_is_shown_as_away(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await citizen.drop()
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "reconnecting")
    hall.clock.advance(minutes=6)
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "away")


async def test_the_newest_connection_wins(hall: Hall) -> None:
    host = await hall.client("host")
    first = await hall.client("petitioner")
    second = await hall.client("petitioner")
    await first.push("replaced")
    assert await first.closed() == 4409
    assert second.id == first.id
    assert (await second.ask("ready", device={}))["type"] == "ok"
    room = await host.room_where(lambda room: find(room, second.id, "lobby")["ready"])
    assert find(room, second.id, "lobby")["presence"] == "connected"
    assert "participant.dropped" not in await kinds(hall)


async def test_the_hosts_drop_does_not_end_the_session(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await host.ask("open")
    await host.drop()
    await citizen.room_where(lambda room: find(room, host.id)["presence"] == "reconnecting")
    assert citizen.room["state"] == "live"
    back = await hall.client("host", alive=True)
    assert (await back.ask("pause", reason="稍候"))["type"] == "ok"


async def test_leaving_on_purpose_and_coming_back(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await citizen.ask("leave")
    assert await citizen.closed() == 1000
    await host.room_where(lambda room: names(room) == [host.id])
    assert citizen.id not in hall.worker.rooms[hall.session_id].people
    back = await hall.client("petitioner")
    assert (back.id, back.welcome["place"]) == (citizen.id, "room")
    assert back.id in hall.worker.rooms[hall.session_id].people


async def test_after_the_web_process_was_killed_everybody_is_on_their_seat(hall: Hall) -> None:
    host, citizen = await inside(hall)
    waiting = await hall.client("companion")
    await waiting.ask("ready", device={"camera": True})
    await host.ask("mute", participant_id=citizen.id, source="microphone", muted=True)
    await citizen.ask("source_state", source="camera", enabled=False)
    await host.ask("open")
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    asked = len(hall.worker.asked)
    await hall.kill_web()
    await hall.start_web()

    back = await hall.client("petitioner", alive=True)
    assert (back.id, back.welcome["place"]) == (citizen.id, "room")
    assert back.welcome["media"] == {"publish_needed": False, "subscribe_needed": False}
    assert back.welcome["session"]["state"] == "live"
    mine = find(back.room, back.id)["sources"]
    assert mine["microphone"] == {"published": True, "enabled": True, "locked": True}
    assert mine["camera"] == {"published": True, "enabled": False, "locked": False}
    assert (await back.ask("source_state", source="microphone", enabled=True))["code"] == "forbidden"

    companion = await hall.client("companion")
    assert (companion.id, companion.welcome["place"]) == (waiting.id, "lobby")
    assert companion.welcome["queue"]["number"] == waiting.welcome["queue"]["number"]
    host_again = await hall.client("host", alive=True)
    assert find(host_again.room, companion.id, "lobby")["ready"]
    # The worker went on: nothing was closed, nobody removed, the recording is the same.
    later = [type(request).__name__ for request in hall.worker.asked[asked:]]
    assert not {"CloseRoom", "RemoveParticipant", "StopRecording"} & set(later)
    hall.worker.confirm(hall.session_id)
    await host_again.room_where(lambda room: room["recording"]["state"] == "active")
    assert (await host_again.ask("close"))["type"] == "ok"


async def test_after_a_kill_a_room_nobody_needs_is_closed_on_the_worker(hall: Hall) -> None:
    host, _ = await inside(hall)
    await host.ask("open")
    await hall.kill_web()
    async with hall.database.session() as db:
        await move_session(db, hall.clock, SYSTEM, hall.session_id, SessionState.CLOSED)
    await hall.start_web()
    assert hall.worker.rooms == {}


async def test_coming_after_the_end(hall: Hall) -> None:
    host, citizen = await inside(hall)
    await host.ask("open")
    await host.ask("close")
    await citizen.push("session_closed")
    late = await hall.socket()
    welcome = await late.authenticate(await hall.ticket("petitioner"))
    assert (welcome["place"], welcome["participant_id"]) == ("closed", citizen.id)
    assert await late.closed() == 1000


async def test_a_session_cancelled_on_a_page_ends_the_room(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    async with hall.database.session() as db:
        await move_session(db, hall.clock, SYSTEM, hall.session_id, SessionState.CANCELLED)
    await hall.registry.session_moved(hall.session_id)
    for client in (host, citizen):
        await client.push("session_closed")
        assert await client.closed() == 1000
    assert host.room["state"] == "cancelled"
