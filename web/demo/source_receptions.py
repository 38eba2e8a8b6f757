"""Video receptions beside the cases of source_figures.py: every fourth case had one, and not all went well.

Made up like the cases and counted like any other: some people did not come, some lines failed, some promises
were kept late. Nothing was recorded, so that no recording is missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from cases.clock import BEIJING
from cases.database import Base
from cases.organisations import Organisation
from cases.roles import InvitationRole
from cases.task import PetitionTask, TaskState, TaskStep
from scheduling.afterwards.ratings import Question, Rating
from scheduling.incidents.incident import Cause, Incident, IncidentState, IncidentStep
from scheduling.invitation import Invitation
from scheduling.session import Session, SessionKind, SessionOrganisation, SessionPart, SessionState
from scheduling.session_events import WAITS, SessionEvent

EVERY = 4  # One reception for so many cases.
MODELS = (
    *(Session, SessionOrganisation, Invitation, SessionEvent, Incident, IncidentStep, Rating),
    *(PetitionTask, TaskStep),
)
Rows = Iterator[tuple[type[Base], dict[str, Any]]]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


class Planned(Protocol):
    """A case of source_figures.py."""

    @property
    def number(self) -> int: ...
    @property
    def office(self) -> Organisation: ...
    @property
    def unit(self) -> Organisation: ...
    @property
    def accepted(self) -> date: ...
    @property
    def concluded(self) -> date: ...

    def id(self, kind: str) -> str: ...


def receptions_of(plan: Planned, city: Organisation) -> Rows:
    """The reception of a case, if it had one, with everything that hangs on it."""
    if plan.number % EVERY:
        return
    turn = plan.number // EVERY
    follow_up, same_day = turn % 12 == 8, turn % 7 == 1
    day = plan.concluded + 4 * DAY if follow_up else plan.concluded if same_day else plan.accepted + 2 * DAY
    starts = datetime.combine(day, time(9 + turn % 7, 30 * (turn % 2)), BEIJING)
    state = SessionState.CLOSED
    if turn % 23 == 7:
        state = SessionState.NO_SHOW
    elif turn % 37 == 11:
        state = SessionState.TECHNICAL_FAILED
    held = state is SessionState.CLOSED
    opened = starts + (turn % 9 - 2) * MINUTE if held else None
    closed = opened + (18 + turn % 35) * MINUTE if opened else None
    host = city if turn % 10 == 5 else plan.office
    session = plan.id("v")
    yield Session, {
        "id": session, "petition_id": plan.id("c"), "booking_id": None, "title": "视频接访",
        "host_organisation_id": host.id,
        "kind": SessionKind.FOLLOW_UP if follow_up else SessionKind.RECEPTION,
        "state": state, "starts_at": starts, "ends_at": starts + 30 * MINUTE, "opened_at": opened,
        "closed_at": closed, "record": False, "id_number_needed": False, "event_count": 2 if held else 0,
        "revision": 0, "created_at": starts - 3 * DAY,
    }  # fmt: skip
    parts = [(host, SessionPart.HOST)]
    if turn % 3 == 0 and host is not city:
        parts.append((city, SessionPart.JOINT))
    for office, part in parts:
        yield SessionOrganisation, {"session_id": session, "organisation_id": office.id, "part": part}
    yield Invitation, {
        "id": plan.id("i"), "code": f"V2021{plan.number:07d}", "session_id": session,
        "role": InvitationRole.PETITIONER, "display_name": "信访人", "organisation_id": None,
        "official_id": None, "person_id": plan.id("p"), "tier": None, "created_at": starts - 3 * DAY,
    }  # fmt: skip
    if opened is not None:
        yield from _sitting(plan, session, turn, opened)
    elif state is SessionState.TECHNICAL_FAILED:
        yield from _trouble(plan, session, Cause.HOST_GONE, starts)


def _sitting(plan: Planned, session: str, turn: int, opened: datetime) -> Rows:
    came = opened - (2 + turn % 13) * MINUTE
    for sequence, (kind, at) in enumerate(zip(WAITS, (came, opened), strict=True), 1):
        yield SessionEvent, {
            "id": plan.id(f"w{sequence}"), "session_id": session, "sequence": sequence, "at": at,
            "monotonic_ms": 0, "kind": kind, "actor_name": None, "participant_id": plan.id("i"), "data": {},
        }  # fmt: skip
    if turn % 17 == 3:
        yield from _trouble(plan, session, Cause.DISCONNECTED, opened + 5 * MINUTE)
    if turn % 3:
        yield Rating, {
            "id": plan.id("q"), "invitation_id": plan.id("i"), "session_id": session,
            "question": Question.MANNER, "organisation_id": plan.office.id,
            "score": 2 if turn % 11 == 4 else 3 + turn % 3, "words": "", "at": opened + DAY,
        }  # fmt: skip
    if turn % 2:
        yield from _promise(plan, session, turn, opened)


def _promise(plan: Planned, session: str, turn: int, opened: datetime) -> Rows:
    due = opened.date() + 15 * DAY
    done = opened + (17 if turn % 16 == 9 else 5 + turn % 9) * DAY
    yield PetitionTask, {
        "id": plan.id("t"), "petition_id": plan.id("c"), "session_id": session, "source_id": None,
        "organisation_id": plan.unit.id, "person": "演示", "due_on": due,
        "words": "到现场查看，把结果告诉信访人。", "at": opened, "by_id": None, "by": "演示",
    }  # fmt: skip
    yield TaskStep, {
        "id": plan.id("u"), "task_id": plan.id("t"), "number": 1, "state": TaskState.DONE,
        "words": "已经查看并告知。", "at": done, "by_id": None, "by": "演示",
    }  # fmt: skip


def _trouble(plan: Planned, session: str, cause: Cause, at: datetime) -> Rows:
    yield Incident, {
        "id": plan.id("x"), "session_id": session, "cause": cause, "subject": "", "name": "", "at": at,
    }  # fmt: skip
    for number, state in enumerate((IncidentState.RAISED, IncidentState.ENDED), 1):
        yield IncidentStep, {
            "id": plan.id(f"y{number}"), "incident_id": plan.id("x"), "number": number, "state": state,
            "outcome": None, "words": "", "at": at + number * MINUTE, "by_id": None, "by": "演示",
        }  # fmt: skip
