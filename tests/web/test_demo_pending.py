"""What waits on the demo day: made once, and a sitting that is over is arranged anew."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cases.administration.rule_proposal import RuleProposal
from cases.database import Database
from cases.documents.document import Delivery, IssuedDocument
from cases.documents.letter import Letter
from cases.policy import SYSTEM
from cases.supervision.order import SupervisionOrder
from cases.supervision.paper import SIGNED_FOR
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.proposals import ProposalState
from scheduling.session import Session, SessionKind, SessionState
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from web.demo import pending
from web.demo.day import party_links, seed_day
from web.demo.pending import seed_pending
from web.demo.people import WAITERS
from web.demo.waiters import waiting_sessions


async def _drawn(letter: Letter) -> bytes:
    return f"%PDF- {letter.title}".encode()


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_what_waits_is_there_once_and_a_sitting_lies_ahead(
    database: Database, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "drawing", lambda now: _drawn)
    async with database.session() as db:
        await seed_day(db, clock)
        sitting = await seed_pending(db, clock)
        assert sitting is not None and sitting.kind is SessionKind.MEDIATION and not sitting.record
        parties = [link.label for link in await party_links(db, clock, sitting)]
        assert sorted(parties) == ["人民调解员", "当事人", "当事人"]
        waiting = await waiting_sessions(db, clock)
        assert len({one.id for one in waiting}) == len(WAITERS) == 3
        counted = SupervisionOrder, RuleProposal, SlotProposal, Session
        before = [await db.scalar(select(func.count()).select_from(each)) for each in counted]
        assert before[:3] == [1, 1, 1]
        assert await db.scalar(select(SlotProposal.state)) is ProposalState.OPEN
        assert await db.scalar(select(IssuedDocument.title)) == "信访事项督办单"
        assert await db.scalar(select(Delivery.proof)) == SIGNED_FOR, "the unit has it"
        again = await seed_pending(db, clock)
        assert again is not None and again.id == sitting.id
        assert [one.id for one in await waiting_sessions(db, clock)] == [one.id for one in waiting]
        assert [await db.scalar(select(func.count()).select_from(each)) for each in counted] == before
        await move_session(db, clock, SYSTEM, sitting.id, SessionState.CANCELLED, "演示")
        await move_session(db, clock, SYSTEM, waiting[0].id, SessionState.CANCELLED, "演示")
        anew = await seed_pending(db, clock)
        assert anew is not None and anew.id != sitting.id and anew.starts_at > clock.now()
        assert (await waiting_sessions(db, clock))[0].id != waiting[0].id
