"""Who may do what in a sitting of a mediation that belongs to no case: role by place."""

from __future__ import annotations

import pytest

from cases.policy import Action, Scope, allowed
from cases.roles import Role
from tests.cases.test_policy import OBJECTS, PLACES, SESSION, official

# A sitting of a mediation without a case, kept and hosted by 城关区, with a guest from the department.
SITTING = Scope(
    organisation_ids=frozenset({"chengguan"}), owner_organisation_ids=frozenset({"chengguan"}),
    session_id="session", sealed_apart=True, mediation=True,
)  # fmt: skip
SITS = {"see", "manage", "link", "join", "receive", "tend", "materials", "bring", "names", "host", "minutes"}
SITS |= {"write", "sign"}
AT_SITTING = {
    Role.RECEPTIONIST: SITS | {"alarms"},
    Role.LEADER: SITS | {"alarms", "acknowledge", "archive", "hold", "approve", "viewers"},
    Role.STATION_CLERK: SITS,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", Role)
def test_a_sitting_without_a_case_is_for_those_who_mediate_in_its_own_office(role: Role, place: str) -> None:
    words = OBJECTS["session"][1]
    may = {word for word, action in words.items() if allowed(official(role, place), action, SITTING)}
    assert may == (AT_SITTING.get(role, set()) if place == "chengguan" else set())


def test_who_conducts_mediations_at_a_station_conducts_no_other_session() -> None:
    clerk = official(Role.STATION_CLERK, "chengguan")
    for action in (Action.HOST, Action.MANAGE_SESSION, Action.WRITE_MINUTES):
        assert allowed(clerk, action) and not allowed(clerk, action, SESSION)
