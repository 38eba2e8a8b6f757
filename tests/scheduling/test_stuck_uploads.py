"""An upload that stops in the middle becomes a task for a human; parts nobody comes back for go."""

from __future__ import annotations

from pathlib import Path

from cases.policy import SYSTEM
from scheduling.incidents.incident import Cause, IncidentState, TrackedIncident
from scheduling.incidents.incidents import list_incidents
from scheduling.materials.limits import PART
from scheduling.materials.stuck import UploadWatch, tend_uploads
from scheduling.session import SessionState
from scheduling.sessions.sessions import move_session
from tests.scheduling import test_materials
from tests.scheduling.papers import photo
from tests.scheduling.test_materials import Table

table = test_materials.table
CONTENT = photo() + b"\0" * (3 * PART)


async def tend(table: Table, watch: UploadWatch, seconds: float = 0.0) -> list[TrackedIncident]:
    table.clock.advance(seconds=seconds)
    await tend_uploads(table.db, table.clock, table.store, watch)
    return await list_incidents(table.db, table.session.id)


async def test_one_task_for_the_guest_until_it_goes_on(table: Table) -> None:
    watch = UploadWatch()
    await table.send(table.citizen, CONTENT, upto=PART)
    await table.send(table.official, CONTENT, upto=PART)  # The offices help themselves.
    assert await tend(table, watch) == [] and await tend(table, watch, 100) == []
    await table.send(table.citizen, CONTENT, upto=2 * PART)
    assert await tend(table, watch, 30) == [], "it has moved meanwhile"
    await table.send(table.citizen, photo((1, 2, 3)), upto=1)
    (task,) = await tend(table, watch, 120)
    assert (task.incident.cause, task.incident.subject) == (Cause.UPLOAD_STUCK, table.citizen.invitation_id)
    assert task.words.startswith("李德福上传材料停在 ") and task.state is IncidentState.RAISED
    (task,) = await tend(table, watch, 60)
    assert len(task.steps) == 1, "told once"
    await table.bring(table.citizen, CONTENT)
    (task,) = await tend(table, watch, 60)
    assert task.open, "the other one still stands"
    await table.bring(table.citizen, photo((1, 2, 3)))
    (task,) = await tend(table, watch, 20)
    assert (task.state, task.last.words) == (IncidentState.ENDED, "上传没有再停住")


async def test_a_task_of_an_earlier_process_ends_in_the_next_one(table: Table) -> None:
    await table.send(table.citizen, CONTENT, upto=PART)
    first, second = UploadWatch(), UploadWatch()
    await tend(table, first)
    (task,) = await tend(table, first, 120)
    assert task.open
    await table.bring(table.citizen, CONTENT)
    (task,) = await tend(table, second)
    assert task.state is IncidentState.ENDED


async def test_parts_go_after_a_day_and_with_the_session(table: Table, tmp_path: Path) -> None:
    def lying() -> int:
        return len([each for each in (tmp_path / "materials" / "unfinished").rglob("*") if each.is_file()])

    watch = UploadWatch()
    await table.send(table.citizen, CONTENT, upto=PART)
    await table.send(table.official, CONTENT, upto=PART)
    await tend(table, watch)
    await tend(table, watch, 23 * 3600)
    assert lying() == 2
    await tend(table, watch, 3600)
    assert lying() == 0
    assert not (await tend(table, watch))[0].open
    await table.send(table.companion, CONTENT, upto=PART)
    await tend(table, watch)
    await move_session(table.db, table.clock, SYSTEM, table.session.id, SessionState.CANCELLED, "改期")
    await tend(table, watch)
    assert lying() == 0
