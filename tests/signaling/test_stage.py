"""One document at a time: who may show, who is told, what ends it, and what stands in the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.errors import RuleError
from media import control
from scheduling.session_events import list_events
from signaling.stage import HELD, Stage
from tests.signaling.hall import Client, Hall

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
BOTH = {"0": "microphone", "1": "camera"}
SHOWING = {**BOTH, "2": "screen"}


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def inside(hall: Hall, *roles: str) -> list[Client]:
    """The host and these guests, in the room, with microphone and camera."""
    host = await hall.client("host")
    clients = [host]
    for role in roles:
        client = await hall.client(role)
        if client.welcome["place"] == "lobby":
            await host.ask("admit", participant_id=client.id)
            await client.push("admitted")
        clients.append(client)
    for client in clients:
        await client.ask("publish", sdp="x", sources=BOTH)
    return clients


async def showings(hall: Hall) -> list[tuple[str, str | None, Any]]:
    """Kind, name and cause of what the history says of the stage."""
    await hall.registry.rooms[hall.session_id].backlog.settle()
    async with hall.database.session() as db:
        found = await list_events(db, hall.session_id)
    return [(e.kind, e.actor_name, e.data.get("cause")) for e in found if e.kind.startswith("screen.")]


async def test_everybody_is_told_who_shows_and_the_history_says_how_long(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    assert host.room["presenter"] is None
    assert (await citizen.ask("publish", sdp="x", sources=SHOWING))["type"] == "ok"
    room = await host.room_where(lambda room: room["presenter"] == citizen.id)
    view = next(each for each in room["participants"] if each["participant_id"] == citizen.id)
    assert view["sources"]["screen"]["published"]
    hall.clock.advance(seconds=42)
    await citizen.ask("publish", sdp="x", sources=BOTH)
    await host.room_where(lambda room: room["presenter"] is None)
    assert [(kind, cause) for kind, _, cause in await showings(hall)] == [
        ("screen.shared", None),
        ("screen.ended", "stopped"),
    ]
    async with hall.database.session() as db:
        ended = [e for e in await list_events(db, hall.session_id) if e.kind == "screen.ended"]
    assert ended[0].data["seconds"] >= 42 and ended[0].participant_id == citizen.id


async def test_whoever_comes_second_waits_and_nothing_is_renegotiated(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    asked = len(hall.worker.requests(control.Publish))
    refused = await host.ask("publish", sdp="x", sources=SHOWING)
    assert (refused["type"], refused["code"]) == ("error", "stage_taken")
    assert len(hall.worker.requests(control.Publish)) == asked
    assert (await host.ask("source_state", source="screen", enabled=True))["code"] == "stage_taken"
    await citizen.ask("source_state", source="screen", enabled=False)
    assert (await host.ask("publish", sdp="x", sources=SHOWING))["type"] == "ok"


@pytest.mark.parametrize(
    ("role", "kind"), [("companion", "ok"), ("third_party", "ok"), ("interpreter", "error")]
)
async def test_who_may_show(hall: Hall, role: str, kind: str) -> None:
    _, guest = await inside(hall, role)
    assert ("share" in guest.welcome["rights"]) == (kind == "ok")
    answer = await guest.ask("publish", sdp="x", sources=SHOWING)
    assert answer["type"] == kind and answer.get("code") in (None, "forbidden")


async def test_the_host_ends_it_by_a_lock_and_allows_it_again(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    await host.room_where(lambda room: room["presenter"] == citizen.id)
    await host.ask("mute", participant_id=citizen.id, source="screen", muted=True)
    await host.room_where(lambda room: room["presenter"] is None)
    assert hall.worker.requests(control.SetMuted)[-1].source == "screen"
    assert (await citizen.ask("publish", sdp="x", sources=SHOWING))["code"] == "forbidden"
    await host.ask("mute", participant_id=citizen.id, source="screen", muted=False)
    assert (await citizen.ask("publish", sdp="x", sources=SHOWING))["type"] == "ok"
    assert [cause for _, _, cause in await showings(hall)] == [None, "locked", None]


@pytest.mark.parametrize("act", ["leave", "remove", "move_to_lobby", "close"])
async def test_whoever_goes_takes_the_document_along(hall: Hall, act: str) -> None:
    host, citizen = await inside(hall, "petitioner")
    await host.ask("open")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    await host.room_where(lambda room: room["presenter"] == citizen.id)
    acts: dict[str, tuple[Client, dict[str, Any]]] = {
        "leave": (citizen, {}),
        "remove": (host, {"participant_id": citizen.id, "reason": "r"}),
        "move_to_lobby": (host, {"participant_id": citizen.id, "reason": ""}),
        "close": (host, {}),
    }
    live = hall.registry.rooms[hall.session_id]
    client, fields = acts[act]
    await client.ask(act, **fields)
    causes = {
        "leave": "left",
        "remove": "removed",
        "move_to_lobby": "moved_to_lobby",
        "close": "session_closed",
    }
    assert live.room.stage.presenter is None
    await live.backlog.settle()
    async with hall.database.session() as db:
        ended = [e for e in await list_events(db, hall.session_id) if e.kind == "screen.ended"]
    assert [event.data["cause"] for event in ended] == [causes[act]]
    assert ended[0].actor_name and ended[0].participant_id == citizen.id


async def test_a_dropped_socket_and_a_new_connection_keep_the_stage(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    await citizen.drop()
    again = await hall.client("petitioner", alive=True)
    assert again.room["presenter"] == again.id
    await again.ask("publish", sdp="y", sources=SHOWING)
    assert [kind for kind, _, _ in await showings(hall)] == ["screen.shared"]


async def test_a_new_web_process_finds_the_document_on_the_worker(hall: Hall) -> None:
    _, citizen = await inside(hall, "petitioner")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    presenter = citizen.id
    await hall.kill_web()
    await hall.start_web()
    host = await hall.client("host")
    await host.room_where(lambda room: room["presenter"] == presenter)


async def test_a_refused_offer_leaves_the_stage_free(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    hall.worker.refuse["Publish"] = "bad_sdp"
    assert (await citizen.ask("publish", sdp="x", sources=SHOWING))["code"] == "bad_sdp"
    hall.worker.refuse.clear()
    assert (await host.ask("publish", sdp="x", sources=SHOWING))["type"] == "ok"
    assert [name for _, name, _ in await showings(hall)] == [host.room["participants"][0]["name"]]


async def test_a_dead_worker_keeps_the_stage_for_a_while(hall: Hall) -> None:
    host, citizen = await inside(hall, "petitioner")
    await citizen.ask("publish", sdp="x", sources=SHOWING)
    await host.room_where(lambda room: room["presenter"] == citizen.id)
    live = hall.registry.rooms[hall.session_id]
    await hall.worker.kill()
    await host.push("media_lost")
    assert live.room.stage.presenter == citizen.id
    hall.clock.advance(seconds=HELD.total_seconds() + 2)
    await host.room_where(lambda room: room["presenter"] is None)
    assert [cause for _, _, cause in await showings(hall)] == [None, "lost"]


def test_a_stage_without_a_picture_is_free_again() -> None:
    stage = Stage()
    stage.take("a", NOW)
    assert not stage.forsaken(NOW + HELD) and stage.forsaken(NOW + HELD + timedelta(seconds=1))
    shared = stage.picture("a", True, NOW)
    assert shared is not None and shared.kind == "screen.shared"
    assert not stage.forsaken(NOW + timedelta(hours=1))
    assert stage.picture("a", False, NOW + timedelta(minutes=1)) is None
    assert stage.picture("a", True, NOW + timedelta(minutes=1, seconds=3)) is None
    ended = stage.release("a", "lost", NOW + timedelta(minutes=2))
    assert ended is not None and ended.data == {"cause": "lost", "seconds": 120.0}
    assert stage.release("a", "lost", NOW) is None


def test_a_picture_of_somebody_else_does_not_move_the_stage() -> None:
    stage = Stage()
    stage.take("a", NOW)
    assert stage.picture("b", True, NOW) is None and stage.release("b", "left", NOW) is None
    with pytest.raises(RuleError, match="stage_taken|出示") as refused:
        stage.take("b", NOW)
    assert refused.value.code == "stage_taken" and stage.presenter == "a"
