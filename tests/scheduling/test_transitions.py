"""The state tables: no dead state, no unreachable one, every state has a name and a permission."""

from __future__ import annotations

from enum import StrEnum

import pytest

from cases.errors import Conflict
from scheduling import session
from scheduling.booking import booking
from scheduling.booking.booking import BookingState
from scheduling.session import ACTION_FOR, OVER, SESSION_STATE_NAMES, SessionState
from scheduling.sessions.sessions import BOOKING_FOLLOWS
from scheduling.transitions import Table, reachable_from, require_transition

TABLES = [
    pytest.param(booking.TRANSITIONS, BookingState, BookingState.SUBMITTED, id="booking"),
    pytest.param(session.TRANSITIONS, SessionState, SessionState.REQUESTED, id="session"),
]
FINAL = {"archived", "rejected", "redirected", "cancelled", "rescheduled", "fulfilled", "missed"}


@pytest.mark.parametrize(("table", "states", "first"), TABLES)
def test_no_state_is_unreachable_or_dead(
    table: Table[StrEnum], states: type[StrEnum], first: StrEnum
) -> None:
    assert set(table) == set(states)
    assert reachable_from(table, first) == set(states)
    for state in states:
        assert (not table[state]) == (state.value in FINAL), state
        assert {each.value for each in reachable_from(table, state)} & FINAL, state
        assert state not in table[state]


def test_what_the_table_does_not_permit_is_a_conflict() -> None:
    with pytest.raises(Conflict) as caught:
        require_transition(session.TRANSITIONS, SessionState.CLOSED, SessionState.LIVE, "不行")
    assert (caught.value.code, caught.value.message) == ("bad_transition", "不行")


def test_the_way_of_an_ordinary_session() -> None:
    way = (
        "requested approved scheduled notified checked_in waiting called live paused live minutes_confirming"
    )
    states = [SessionState(name) for name in f"{way} signed closed archived".split()]
    for old, new in zip(states, states[1:], strict=False):
        require_transition(session.TRANSITIONS, old, new, "")


def test_a_sitting_never_goes_back_before_it_began() -> None:
    before = set(list(SessionState)[: list(SessionState).index(SessionState.LIVE)])
    assert not reachable_from(session.TRANSITIONS, SessionState.LIVE) & before


def test_every_state_has_a_name_and_a_permission() -> None:
    assert set(SESSION_STATE_NAMES) == set(ACTION_FOR) == set(SessionState)
    assert set(booking.BOOKING_STATE_NAMES) == set(BookingState)
    assert set(BOOKING_FOLLOWS) <= OVER
    for state in OVER:
        assert SessionState.LIVE not in session.TRANSITIONS[state]
