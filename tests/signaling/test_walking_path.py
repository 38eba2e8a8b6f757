"""One whole reception over real sockets, from the waiting room to the end."""

from __future__ import annotations

from scheduling.session_events import list_events
from tests.signaling.hall import Hall, find, names


async def test_a_reception_from_waiting_room_to_close(hall: Hall) -> None:
    host = await hall.client("host")
    assert (host.welcome["role"], host.welcome["place"]) == ("host", "room")
    citizen = await hall.client("petitioner")
    assert citizen.welcome["place"] == "lobby"
    assert citizen.welcome["queue"]["number"] == "A001"
    assert citizen.welcome["room"] is None

    assert (await citizen.ask("ready", device={"camera": True}))["type"] == "ok"
    room = await host.room_where(lambda room: bool(room["lobby"]) and room["lobby"][0]["ready"])
    assert room["lobby"][0]["device"] == {"camera": True}
    assert (await host.ask("admit", participant_id=citizen.id))["type"] == "ok"
    await citizen.push("admitted")

    sources = {"0": "microphone", "1": "camera"}
    answer = await citizen.ask("publish", sdp="offer", sources=sources)
    assert answer["sdp"] == "answer to offer"
    await host.ask("subscribe")
    offer = await host.push("offer")
    assert {track["source"] for track in offer["tracks"]} == {"microphone", "camera"}
    assert (await host.ask("answer", offer_id=offer["offer_id"], sdp="x"))["type"] == "ok"
    room = await host.room_where(lambda room: bool(find(room, citizen.id)["sources"]))
    assert names(room) == [host.id, citizen.id]

    assert (await host.ask("open"))["type"] == "ok"
    room = await citizen.room_where(lambda room: room["recording"]["state"] == "preparing")
    assert room["state"] == "live"
    hall.worker.confirm(hall.session_id)
    room = await citizen.room_where(lambda room: room["recording"]["state"] == "active")
    assert room["recording"]["bytes"] == 4096

    assert (await host.ask("close"))["type"] == "ok"
    await citizen.push("session_closed")
    assert await citizen.closed() == 1000
    assert await host.closed() == 1000
    assert host.room["state"] == citizen.room["state"] == "closed"
    async with hall.database.session() as db:
        kinds = [event.kind for event in await list_events(db, hall.session_id)]
    assert [kind for kind in kinds if kind.startswith(("session.", "recording.", "participant."))] == [
        "session.created",
        "participant.joined",
        "participant.joined",
        "session.checked_in",
        "participant.ready",
        "session.waiting",
        "participant.admitted",
        "session.called",
        "session.opened",
        "recording.ordered",
        "recording.started",
        "session.closed",
        "recording.stopped",
    ]
