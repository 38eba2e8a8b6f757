"""What was promised in the session becomes a task; what was taken back does not."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import new_id
from cases.errors import Forbidden, NotFound
from cases.petitions import list_petition_events
from cases.task import TRANSITIONS, NewTask, TaskState
from scheduling.afterwards.outcome import add_outcome, list_outcomes, list_sources
from scheduling.minutes.editing import InsertParagraph, change_minutes
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.minutes.record import begin_minutes
from scheduling.session_events import append_event
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, make_session


async def test_a_promise_becomes_a_task(db: AsyncSession, clock: FixedClock, world: World) -> None:
    session = await make_session(db, clock, world)
    writer = world.actor("chengguan.receptionist")

    async def mark(kind: str, text: str) -> str:
        data = {"mark": kind, "text": text}
        return (await append_event(db, clock, session.id, "mark.set", "李某", None, data)).id

    await mark("dispute", "争议")
    taken_back, promised = await mark("promise", "承诺：明天"), await mark("promise", "承诺：三日内修好")
    await append_event(db, clock, session.id, "mark.withdrawn", data={"mark_id": taken_back})
    await begin_minutes(db, clock, writer, session.id)
    kinds = {"公开的话": ParagraphKind.STATEMENT, "内部的话": ParagraphKind.NOTE}
    for text, kind in kinds.items():
        change = InsertParagraph(
            edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=kind, speaker_id=None, text=text
        )
        await change_minutes(db, clock, writer, session.id, change)
    sources = [each.words for each in await list_sources(db, session)]
    assert sources[0] == "承诺：三日内修好"
    assert "公开的话" in sources and "内部的话" not in sources and "承诺：明天" not in sources
    command = NewTask(world.city.id, "张科长", "2026-07-25", "三日内修好楼道", source_id=promised)
    with pytest.raises(Forbidden):
        await add_outcome(db, clock, world.actor("city.receptionist"), session.id, command)
    with pytest.raises(NotFound):
        await add_outcome(db, clock, world.actor("xigu.receptionist"), session.id, command)
    await add_outcome(db, clock, writer, session.id, command)
    (task,) = await list_outcomes(db, session)
    assert (task.task.source_id, task.state, task.days_left(clock)) == (promised, TaskState.OPEN, 3)
    kinds_told = [event.kind for event in await list_petition_events(db, writer, session.petition_id)]
    assert kinds_told[-1] == "task.added"
    assert reachable_from(TRANSITIONS, TaskState.OPEN) == set(TaskState)
