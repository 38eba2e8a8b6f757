"""Out of sight, silent, vanished: three things that are not leaving."""

from __future__ import annotations

import asyncio

from media import control
from scheduling.session_events import list_events
from tests.signaling.hall import Client, Hall, find


def silent(hall: Hall, client: Client, state: str, direction: str) -> None:
    hall.worker.tell(
        control.TransportChanged(
            room_id=hall.session_id, participant_id=client.id, direction=direction, state=state
        )
    )


async def in_room(hall: Hall) -> tuple[Client, Client]:
    host = await hall.client("host")
    return host, await admitted(hall, host, "petitioner")


async def admitted(hall: Hall, host: Client, who: str) -> Client:
    client = await hall.client(who)
    await host.ask("admit", participant_id=client.id)
    for direction in ("publish", "subscribe"):
        silent(hall, client, "connected", direction)
    await host.room_where(lambda room: find(room, client.id)["media"] == "connected")
    return client


async def test_one_sign_of_life_is_enough(hall: Hall) -> None:
    """A talking socket with silent media, and a quiet socket with living media: nobody is reconnecting."""
    host, talking = await in_room(hall)
    quiet = await admitted(hall, host, "companion")
    for direction in ("publish", "subscribe"):
        silent(hall, talking, "silent", direction)
    await host.room_where(lambda room: find(room, talking.id)["media"] == "silent")
    for _ in range(11):
        await talking.ask("ping")
        await asyncio.sleep(0.5)
    for client in (talking, quiet):
        assert find(host.room, client.id)["presence"] == "connected"


async def test_who_vanishes_without_closing_the_socket_is_reconnecting_within_five_seconds(
    hall: Hall,
) -> None:
    host, citizen = await in_room(hall)
    await citizen.ask("ping")
    started = asyncio.get_running_loop().time()
    await asyncio.sleep(3)  # The worker's own patience.
    for direction in ("publish", "subscribe"):
        silent(hall, citizen, "silent", direction)
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "reconnecting")
    assert asyncio.get_running_loop().time() - started < 5.3
    silent(hall, citizen, "connected", "publish")
    room = await host.room_where(lambda room: find(room, citizen.id)["presence"] == "connected")
    assert find(room, citizen.id)["media"] == "connected"


async def test_out_of_sight_is_shown_and_is_no_departure(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await citizen.ask("page_state", hidden=True)
    await host.room_where(lambda room: find(room, citizen.id, "lobby")["hidden"])
    await host.ask("admit", participant_id=citizen.id)
    room = await host.room_where(lambda room: find(room, citizen.id)["hidden"])
    assert find(room, citizen.id)["presence"] == "connected"
    assert (await citizen.ask("page_state", hidden=False))["type"] == "ok"
    await host.room_where(lambda room: not find(room, citizen.id)["hidden"])
    async with hall.database.session() as db:
        kinds = [event.kind for event in await list_events(db, hall.session_id)]
    assert "participant.left" not in kinds and "participant.dropped" not in kinds
    await citizen.ask("page_state", hidden=True)
    citizen = await hall.client("petitioner")  # A page that comes back is seen.
    await host.room_where(lambda room: not find(room, citizen.id)["hidden"])
