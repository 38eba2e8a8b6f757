"""改时间: who sits beside the host proposes, the host accepts or asks anew, and nobody is double-booked."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.organisations import Organisation
from scheduling.calendars.entries import entry_of
from scheduling.notices.notice import Notice
from scheduling.proposals import SIDE_OF, TRANSITIONS, ProposalState
from scheduling.reach import load_session
from scheduling.session import Session
from scheduling.sessions.arranging import Arrange, arrange
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.proposing import (
    AnswerTime,
    ProposeTime,
    answer_time,
    list_open_proposals,
    propose_time,
)
from scheduling.sessions.time_proposal import TimeProposal
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.scheduling.test_telling import TELLING

OWN, UPPER = "chengguan.receptionist", "city.receptionist"
P = ProposalState


class Desk:
    """A joint sitting tomorrow at nine, of the district with the city; who proposes and who answers."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World) -> None:
        self.db, self.clock, self.world = db, clock, world
        self.start = clock.now() + timedelta(days=1)

    async def arrange(self, start: datetime, *joint: Organisation) -> str:
        petition = await make_petition(self.db, self.clock, self.world.chengguan)
        command = Arrange(
            petition.id, self.world.chengguan.id, starts_at=start, ends_at=start + timedelta(minutes=30),
            official_ids=(self.world.officials["chengguan.leader"].id,),
            joint_ids=tuple(each.id for each in joint),
        )  # fmt: skip
        return (await arrange(self.db, self.clock, self.world.actor(OWN), command)).id

    async def propose(
        self, session_id: str, hours: float, who: str = UPPER, office: Organisation | None = None,
        reason: str = "上午有会",
    ) -> TimeProposal:  # fmt: skip
        start = self.start + timedelta(hours=hours)
        command = ProposeTime(
            session_id, (office or self.world.city).id, start, start + timedelta(minutes=30), reason
        )
        return await propose_time(self.db, self.clock, self.world.actor(who), command)

    async def answer(self, row: TimeProposal, state: ProposalState, words: str = "", who: str = OWN) -> None:
        command = AnswerTime(row.session_id, row.id, state, words)
        await answer_time(self.db, self.clock, self.world.actor(who), command, TELLING)

    async def waiting(self, who: str) -> list[str]:
        found = await list_open_proposals(self.db, self.clock, self.world.actor(who))
        return [each.id for each in found]

    async def session(self, session_id: str) -> Session:
        return await load_session(self.db, session_id)


@pytest.fixture
def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world)


def test_the_table_ends() -> None:
    assert reachable_from(TRANSITIONS, P.OPEN) == set(P)
    assert set(SIDE_OF) == set(P) - {P.OPEN}
    assert {state for state, to in TRANSITIONS.items() if not to} == set(P) - {P.OPEN, P.ASKED_ANEW}


async def test_who_may_not_propose_and_what_cannot_be_meant(desk: Desk) -> None:
    session_id = await desk.arrange(desk.start, desk.world.city)
    refused: tuple[tuple[type[RuleError], dict[str, object]], ...] = (
        (NotFound, {"who": "xigu.receptionist", "office": desk.world.xigu}),
        (Conflict, {"office": desk.world.province}),  # Not of this sitting, and not one's own.
        (Conflict, {"who": OWN, "office": desk.world.chengguan}),  # The host moves it, and does not ask.
        (Forbidden, {"who": "city.inspector"}),
        (Invalid, {"reason": " "}),
        (Invalid, {"hours": -48}),
        (Conflict, {"hours": 0}),
    )
    for error, given in refused:
        with pytest.raises(error):
            await desk.propose(session_id, **({"hours": 2} | given))  # type: ignore[arg-type]
    await desk.propose(session_id, 2)
    with pytest.raises(Conflict, match="already_proposed"):
        await desk.propose(session_id, 3)


async def test_asked_anew_it_proposes_again_and_accepted_everything_moves(desk: Desk) -> None:
    session_id = await desk.arrange(desk.start, desk.world.city)
    first = await desk.propose(session_id, 2)
    assert (await desk.waiting(OWN), await desk.waiting(UPPER)) == ([first.id], [])
    with pytest.raises(Forbidden):  # Nobody accepts his own proposal.
        await desk.answer(first, P.ACCEPTED, who=UPPER)
    with pytest.raises(Forbidden):
        await desk.answer(first, P.WITHDRAWN)
    with pytest.raises(Invalid, match="required"):
        await desk.answer(first, P.ASKED_ANEW)
    await desk.answer(first, P.ASKED_ANEW, "当事人中午要接孩子，下午三点以后可以")
    assert (await desk.waiting(OWN), await desk.waiting(UPPER)) == ([], [first.id])
    with pytest.raises(Conflict, match="bad_transition"):
        await desk.answer(first, P.ACCEPTED)
    second = await desk.propose(session_id, 6)
    assert (await desk.db.get_one(TimeProposal, first.id)).state is P.REPLACED
    before = await entry_of(desk.db, await desk.session(session_id))
    desk.clock.advance(minutes=1)
    await desk.answer(second, P.ACCEPTED)
    session = await desk.session(session_id)
    assert session.starts_at == desk.start + timedelta(hours=6)
    after = await entry_of(desk.db, session)
    assert (after.uid, after.starts_at) == (before.uid, session.starts_at)
    assert after.revision == before.revision + 1 and after.changed_at > before.changed_at
    (notice,) = (await desk.db.scalars(select(Notice))).all()
    assert (notice.template, "兰州市信访局参加接访" in notice.text) == ("session_moved", True)
    assert (await desk.waiting(OWN), await desk.waiting(UPPER)) == ([], [])


async def test_where_somebody_is_engaged_nothing_moves_and_the_proposal_stays(desk: Desk) -> None:
    session_id = await desk.arrange(desk.start, desk.world.city)
    await desk.arrange(desk.start + timedelta(hours=2))  # The same leader, two hours later.
    row_id = (row := await desk.propose(session_id, 2)).id
    with pytest.raises(Conflict, match="engaged"):
        await desk.answer(row, P.ACCEPTED)
    assert (await desk.session(session_id)).starts_at == desk.start
    assert (await desk.db.get_one(TimeProposal, row_id)).state is P.OPEN
    assert (await desk.db.scalars(select(Notice))).all() == []


async def test_of_two_proposals_the_one_that_is_accepted_ends_the_other(desk: Desk) -> None:
    session_id = await desk.arrange(desk.start, desk.world.city, desk.world.province)
    city = await desk.propose(session_id, 2)
    province = await desk.propose(session_id, 3, "province.receptionist", desk.world.province)
    with pytest.raises(NotFound):  # An answer names the sitting that it is about.
        stray = AnswerTime("0" * 32, city.id, P.ACCEPTED)
        await answer_time(desk.db, desk.clock, desk.world.actor(OWN), stray)
    await desk.answer(city, P.ACCEPTED)
    with pytest.raises(Conflict, match="session_moved"):
        await desk.answer(province, P.ACCEPTED)
    assert await desk.waiting(OWN) == []
    again = await desk.propose(session_id, 5, "province.receptionist", desk.world.province)
    later = desk.start + timedelta(hours=7)
    move = MoveSession(session_id, "停电", None, later, later + timedelta(minutes=30))
    await reschedule_session(desk.db, desk.clock, desk.world.actor(OWN), move)
    with pytest.raises(Conflict, match="session_moved"):
        await desk.answer(again, P.WITHDRAWN, who="province.receptionist")
