"""The table of the procedure: every state is reached and left, and no step leads out of a closed case."""

from __future__ import annotations

import pytest

from cases.casefile import PetitionClass, PetitionState
from cases.deadlines.profile import read_profiles
from cases.handling.procedure import RULES, Step, Way, steps_from, ways_of
from cases.vocabulary import VOCABULARY

S = PetitionState


def test_every_state_is_reached_from_registration_and_all_but_closed_are_left() -> None:
    seen, waiting = {S.REGISTERED}, [S.REGISTERED]
    while waiting:
        state = waiting.pop()
        fresh = {rule.to for rule in RULES.values() if state in rule.froms and rule.to} - seen
        seen |= fresh
        waiting += sorted(fresh)
    assert seen == set(S)
    assert {state for state in S if not any(state in rule.froms for rule in RULES.values())} == {S.CLOSED}


def test_clocks_of_the_table_are_duties_of_the_law_and_each_step_has_words() -> None:
    duties = read_profiles()["national-2022"].duties
    for step, rule in RULES.items():
        assert {*rule.starts, *rule.meets} <= set(duties), step
        assert rule.event in VOCABULARY["event"] and str(step) in VOCABULARY["step"]


@pytest.mark.parametrize(
    ("state", "way", "steps"),
    [
        (S.REGISTERED, None, "classify"),
        (S.CLASSIFIED, Way.HANDLE, "classify forward assign refuse cease"),
        (S.CLASSIFIED, Way.LITIGATION, "classify route refuse cease"),
        (S.CLASSIFIED, Way.DISCIPLINE, "classify route refuse cease"),
        (S.RETURNED, Way.HANDLE, "forward assign refuse cease"),
        (S.FORWARDED, Way.HANDLE, "object notify accept"),
        (S.OBJECTED, Way.HANDLE, "agree_return decline_return"),
        (S.NOTIFIED, Way.HANDLE, "accept"),
        (S.ACCEPTED, Way.HANDLE, "extend conclude"),
        (S.CONCLUDED, Way.HANDLE, "deliver request_review terminate close"),
        (S.REVIEW_REQUESTED, Way.HANDLE, "decide_review"),
        (S.REVIEWED, Way.HANDLE, "deliver_review request_recheck terminate"),
        (S.RECHECK_REQUESTED, Way.HANDLE, "begin_hearing end_hearing decide_recheck"),
        (S.RECHECKED, Way.HANDLE, "deliver_recheck terminate"),
        (S.TERMINATED, Way.HANDLE, "close"),
        (S.ROUTED, Way.LITIGATION, "close"),
        (S.CLOSED, Way.HANDLE, ""),
    ],
)
def test_what_is_offered(state: PetitionState, way: Way | None, steps: str) -> None:
    assert " ".join(steps_from(state, way)) == steps


def test_accusations_go_to_the_discipline_organs_alone() -> None:
    assert ways_of(PetitionClass.ACCUSATION) == (Way.DISCIPLINE,)
    assert Way.DISCIPLINE not in ways_of(PetitionClass.CLAIM) and len(ways_of(PetitionClass.CLAIM)) == 6
    assert set(Step) == set(RULES)
