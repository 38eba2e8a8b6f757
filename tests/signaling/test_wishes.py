"""How a page shows the others: checked, passed on to the worker, refused where it makes no sense."""

from __future__ import annotations

import pytest

from media import control
from tests.signaling.hall import Hall

TILE = {"participant_id": "p", "source": "camera", "height": 360, "visible": True}


@pytest.fixture
def database_system() -> str:
    """One system is enough: wishes are kept in no database."""
    return "sqlite"


async def test_wishes_reach_the_worker(hall: Hall) -> None:
    host = await hall.client("host")
    await host.ask("subscribe")
    assert (await host.ask("watch", tiles=[TILE]))["type"] == "ok"
    (request,) = hall.worker.requests(control.SetWishes)
    assert (request.participant_id, request.wishes) == (host.id, [TILE])
    assert (await host.ask("watch", tiles=[]))["type"] == "ok"


@pytest.mark.parametrize(
    "change",
    [
        {"height": -1},
        {"height": 8193},
        {"height": 1.5},
        {"height": True},
        {"source": "loudspeaker"},
        {"source": None},
        {"participant_id": 7},
        {"visible": 1},
        {"more": 1},
    ],
)
async def test_malformed_tiles_are_refused(hall: Hall, change: dict[str, object]) -> None:
    host = await hall.client("host")
    assert (await host.ask("watch", tiles=[TILE | change]))["code"] == "bad_message"
    assert (await host.ask("watch", tiles=[TILE] * 65))["code"] == "bad_message"
    assert hall.worker.requests(control.SetWishes) == []


async def test_in_the_waiting_room_there_is_nothing_to_watch(hall: Hall) -> None:
    citizen = await hall.client("petitioner")
    assert (await citizen.ask("watch", tiles=[TILE]))["code"] == "bad_state"


async def test_a_publisher_is_told_which_layers_are_watched(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    wanted = {"room_id": hall.session_id, "source": "camera", "rids": ["q", "f"]}
    hall.worker.tell(control.LayersWanted(participant_id=host.id, **wanted))
    told = await host.push("layers")
    assert (told["source"], told["rids"]) == ("camera", ["q", "f"])
    # Who is not in the room, or not in this sitting at all, has nothing to send.
    hall.worker.tell(control.LayersWanted(participant_id=citizen.id, **wanted))
    hall.worker.tell(control.LayersWanted(participant_id="nobody", **wanted))
    await citizen.ask("ping")
    assert not [push for push in citizen.pushes if push["type"] == "layers"]
