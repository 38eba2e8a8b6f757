"""How long the waiting room probably waits: measured lengths, bands, and when nothing is said."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.organisations import Organisation
from cases.policy import SYSTEM
from scheduling.arrival.waiting_time import (
    EDGES,
    LEAST_MEASURED,
    LONGEST,
    SHORTEST,
    Band,
    Before,
    Forecast,
    band_of,
    forecast,
    forecast_session,
    typical_lengths,
)
from scheduling.session import Session, SessionKind, SessionState
from scheduling.sessions.sessions import move_session
from tests.clock import MORNING, FixedClock
from tests.factories import World, make_session, make_slots

R, M = SessionKind.RECEPTION, SessionKind.MEDIATION
S = SessionState


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def before(state: SessionState, starts: float, opened: float | None = None, kind: SessionKind = R) -> Before:
    """A session whose times are minutes from MORNING."""
    opened_at = None if opened is None else MORNING + minutes(opened)
    return Before(kind, state, MORNING + minutes(starts), opened_at)


def test_the_usual_length_is_a_median_within_bounds() -> None:
    few = [(R, minutes(20))] * (LEAST_MEASURED - 1)
    assert typical_lengths(few) == {}, "too few say nothing"
    assert typical_lengths([*few, (R, timedelta(seconds=30))]) == {}, "opened by mistake is no session"
    assert typical_lengths([*few, (R, minutes(400))]) == {R: minutes(20)}, "one that was endless"
    assert typical_lengths([(M, minutes(300))] * 5) == {M: LONGEST}
    assert typical_lengths([(M, minutes(3))] * 5) == {M: SHORTEST}
    newest_first = [(R, minutes(20))] * 50 + [(R, minutes(60))] * 200
    assert typical_lengths(newest_first) == {R: minutes(20)}, "what was long ago counts no more"


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ((), 0),
        ((before(S.LIVE, -10, -10),), 10),
        ((before(S.PAUSED, -40, -12), before(S.WAITING, -5)), 28),
        ((before(S.SCHEDULED, 15),), 35),  # Not before its appointment.
        ((before(S.SCHEDULED, -20),), 0),  # Did not come.
        ((before(S.SCHEDULED, -10),), 20),  # May still come.
        ((before(S.LIVE, -10, -10, M),), 35),
    ],
)
def test_what_is_before_adds_up(others: tuple[Before, ...], expected: int) -> None:
    found = forecast(MORNING, R, MORNING - minutes(1), others, {R: minutes(20), M: minutes(45)})
    assert found == Forecast(MORNING + minutes(expected), minutes(20))


def test_nothing_is_said_where_nothing_is_known_or_somebody_takes_longer() -> None:
    live = (before(S.LIVE, -21, -21),)
    assert forecast(MORNING, R, MORNING, live, {R: minutes(20)}) == Forecast(None, minutes(20), late=True)
    assert forecast(MORNING, R, MORNING, live, {M: minutes(20)}) == Forecast()
    assert forecast(MORNING, M, MORNING, (), {R: minutes(20)}) == Forecast()
    early = forecast(MORNING, R, MORNING + minutes(15), (), {R: minutes(20)})
    assert early.begins_at == MORNING + minutes(15), "nobody is received before the appointment"


def test_bands_have_no_gap_and_do_not_flicker() -> None:
    bands = [band_of(minutes(each / 2)) for each in range(2, 300)]
    assert bands[0] == Band(0, 5) and bands[-1] == Band(EDGES[-1], None)
    assert all(one == other or one.most == other.least for one, other in pairwise(bands))
    assert band_of(minutes(19)) == Band(10, 20)
    assert band_of(minutes(20.9), Band(10, 20)) == Band(10, 20)
    assert band_of(minutes(21.1), Band(10, 20)) == Band(20, 30)
    assert band_of(minutes(9.1), Band(10, 20)) == Band(10, 20)
    assert band_of(minutes(8.9), Band(10, 20)) == Band(5, 10)
    assert band_of(minutes(119), Band(120, None)) == Band(120, None)


async def held(
    db: AsyncSession, clock: FixedClock, world: World, length: float, host: Organisation | None = None
) -> None:
    """A finished session of so many minutes."""
    host = host or world.chengguan
    session = await make_session(db, clock, world, host_organisation_id=host.id, joint_organisation_ids=())
    await move_session(db, clock, SYSTEM, session.id, S.LIVE)
    clock.advance(minutes=length)
    await move_session(db, clock, SYSTEM, session.id, S.CLOSED)


async def arrange(
    db: AsyncSession, clock: FixedClock, world: World, begins: float, slot_id: str | None = None
) -> Session:
    """A session from so many minutes on."""
    if slot_id is not None:
        return await make_session(db, clock, world, slot_id=slot_id, starts_at=None, ends_at=None)
    start = clock.now() + minutes(begins)
    return await make_session(db, clock, world, starts_at=start, ends_at=start + minutes(30))


async def test_the_offices_own_sessions_are_measured(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    for length in (10, 20, 20, 30, 50):
        await held(db, clock, world, length)
        await held(db, clock, world, 80, world.xigu)  # Another office's pace says nothing here.
    mine = await arrange(db, clock, world, 0)
    assert (await forecast_session(db, clock.now(), mine.id)).length == minutes(20)
    clock.advance(days=200)
    late = await arrange(db, clock, world, 0)
    assert await forecast_session(db, clock.now(), late.id) == Forecast(), "half a year ago is too long ago"


async def test_before_come_those_of_the_same_room_and_time(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    for _ in range(LEAST_MEASURED):
        await held(db, clock, world, 20)
    first, beside = await arrange(db, clock, world, 0), await arrange(db, clock, world, 85)
    elsewhere = (await make_slots(db, clock, world.chengguan, 1))[0]
    other = await arrange(db, clock, world, 0, elsewhere.id)
    mine = await arrange(db, clock, world, 100)
    clock.advance(minutes=95)
    for session in (first, beside, other):
        await move_session(db, clock, SYSTEM, session.id, S.LIVE)
        clock.advance(minutes=1)
    clock.advance(minutes=2)
    # `beside` is planned for a time that overlaps with ours, so it is in another place, as `other` is.
    found = await forecast_session(db, clock.now(), mine.id)
    assert found.begins_at == clock.now() + minutes(15)
    clock.advance(minutes=16)
    assert (await forecast_session(db, clock.now(), mine.id)).late
    await move_session(db, clock, SYSTEM, first.id, S.CLOSED)
    assert (await forecast_session(db, clock.now(), mine.id)).begins_at == clock.now()
