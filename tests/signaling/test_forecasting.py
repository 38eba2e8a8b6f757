"""The waiting room reads how long it probably takes: a band, told when it changes, or calm words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cases.policy import SYSTEM
from scheduling.arrival.waiting_time import LEAST_MEASURED
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from signaling.queue_views import WaitView
from tests.factories import make_session
from tests.scheduling.test_waiting_time import held
from tests.signaling.hall import Client, Hall
from tests.signaling.test_hosting import tick


@pytest.fixture
def database_system() -> str:
    """One system is enough: what is read is tested on both in tests/scheduling."""
    return "sqlite"


async def session_before(hall: Hall) -> str:
    """The same office's session before this one, and finished ones of twenty minutes each."""
    async with hall.database.session() as db:
        now, xigu = hall.clock.now(), hall.world.xigu
        session = await make_session(
            db, hall.clock, hall.world, host_organisation_id=xigu.id, joint_organisation_ids=(),
            starts_at=now, ends_at=now + timedelta(minutes=10),
        )  # fmt: skip
        for _ in range(LEAST_MEASURED):
            await held(db, hall.clock, hall.world, 20, xigu)
        return session.id


async def move(hall: Hall, session_id: str, state: SessionState) -> None:
    async with hall.database.session() as db:
        await move_session(db, hall.clock, SYSTEM, session_id, state)


async def told(client: Client, wanted: Any) -> None:
    """Wait until the newest line of the waiting room says this."""
    await client.until(lambda push: push in lines(client)[-1:] and push["wait"] == wanted)


def lines(client: Client) -> list[dict[str, Any]]:
    return [push for push in client.pushes if push["type"] == "queue"]


async def test_a_band_that_shrinks_and_calm_words_when_it_takes_longer(hall: Hall) -> None:
    before = await session_before(hall)
    await move(hall, before, SessionState.LIVE)
    citizen = await hall.client("petitioner")
    assert citizen.welcome["queue"]["wait"] is None, "nobody has looked yet"
    await tick(hall)
    await told(citizen, {"least": 10, "most": 20})
    count = len(lines(citizen))
    for _ in range(5):
        await tick(hall, 60)
    await tick(hall, 240)
    await told(citizen, {"least": 10, "most": 20})  # Kept until it is a minute outside.
    assert len(lines(citizen)) == count, "what has not changed is not told again"
    await tick(hall, 90)  # Half a minute outside.
    person = hall.registry.rooms[hall.session_id].room.people[citizen.id]
    assert person.wait == WaitView(10, 20), "what is nearly true is kept"
    await tick(hall, 60)
    await told(citizen, {"least": 5, "most": 10})
    await tick(hall, 600)
    await told(citizen, {"least": None, "most": None})
    await move(hall, before, SessionState.CLOSED)
    await tick(hall, 31)
    await told(citizen, None)


async def test_in_the_same_sitting_each_petitioner_takes_a_turn(hall: Hall) -> None:
    await session_before(hall)
    host, first = await hall.client("host"), await hall.client("petitioner")
    companion = await hall.client("companion")
    live = hall.registry.rooms[hall.session_id]
    live.room.people[companion.id].role = "petitioner"
    await tick(hall)
    await told(companion, {"least": 10, "most": 20})
    live.room.people[companion.id].role = "companion"
    await host.ask("open")
    await host.ask("admit", participant_id=first.id)
    live.room.people[first.id].called_at = None  # The call was answered.
    await tick(hall)
    await told(companion, None)  # Who comes along does not wait for the end of the talk.
    live.room.people[companion.id].role = "petitioner"
    await tick(hall, 60)
    await told(companion, {"least": 10, "most": 20})
    await tick(hall, 20 * 60)
    await told(companion, {"least": None, "most": None})


async def test_without_measured_sessions_nothing_is_told(hall: Hall) -> None:
    citizen = await hall.client("petitioner")
    await tick(hall)
    await tick(hall, 31)
    assert all(line["wait"] is None for line in lines(citizen))
