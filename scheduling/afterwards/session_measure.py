"""What is counted of receptions and of what was promised in them: one line for the sum and for its list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, literal, or_, select

from cases.casefile import PetitionCase
from cases.clock import BEIJING
from cases.figures.period import Period
from cases.figures.scope import UNCOUNTED, Filters, Ground
from cases.spans import beijing_day
from cases.task import PetitionTask, TaskState, TaskStep
from scheduling.incidents.incident import Cause, Incident
from scheduling.session import Session, SessionKind, SessionOrganisation, SessionPart, SessionState

_S = SessionState
NOT_PLANNED = (_S.REQUESTED, _S.APPROVED, _S.REJECTED, _S.REDIRECTED, _S.CANCELLED, _S.RESCHEDULED)
# Over, whether it was held or not.
DECIDED = (_S.NO_SHOW, _S.TECHNICAL_FAILED, _S.CLOSED, _S.ARCHIVED)
TECHNICAL = (Cause.DISCONNECTED, Cause.DEVICE_BLOCKED, Cause.HOST_GONE, Cause.RECORDING_FAULTY)
Conditions = tuple[ColumnElement[bool], ...]


def _any(session_id: Any, which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Has the session one of these? Looked up for it alone: with EXISTS PostgreSQL reads the whole table."""
    first = select(literal(1)).where(session_id == Session.id, which).limit(1)
    return first.correlate(Session).scalar_subquery().is_not(None)


def _step(state: TaskState, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    found = exists().where(TaskStep.task_id == PetitionTask.id, TaskStep.state == state, *which)
    return found.correlate(PetitionTask)


_CONCLUDED_ON = select(PetitionCase.concluded_on).where(PetitionCase.id == Session.petition_id)
_SAME_DAY = _CONCLUDED_ON.correlate(Session).scalar_subquery() == beijing_day(Session.opened_at)
_HELD = Session.opened_at.is_not(None)
_FOLLOW_UP = Session.kind == SessionKind.FOLLOW_UP
# Of the receptions of a period, whatever day it is.
_TIMELESS: Mapping[str, Conditions] = MappingProxyType(
    {
        "planned": (),
        "held": (_HELD,),
        "joint": (_HELD, _any(SessionOrganisation.session_id, SessionOrganisation.part == SessionPart.JOINT)),
        "no_show": (Session.state == _S.NO_SHOW,),
        "failed": (Session.state == _S.TECHNICAL_FAILED,),
        "troubled": (_HELD, _any(Incident.session_id, Incident.cause.in_(TECHNICAL))),
        "solved_same_day": (_HELD, _SAME_DAY),
        "closed": (_HELD, Session.closed_at.is_not(None)),
        "follow_ups": (_FOLLOW_UP,),
        "followed": (_FOLLOW_UP, _HELD),
    }
)
# Of the tasks that came of receptions and were due in a period.
PROMISES: Mapping[str, Conditions] = MappingProxyType(
    {
        "promises_due": (),
        "promises_kept": (_step(TaskState.DONE, beijing_day(TaskStep.at) <= PetitionTask.due_on),),
    }
)


def measures(today: date) -> Mapping[str, Conditions]:
    """The measures of receptions as of a day: one that is still to come, or is not begun today, is in no
    denominator, as nobody can say yet whether it will be held.
    """
    midnight = datetime.combine(today, time(), BEIJING)
    due = or_(Session.starts_at < midnight, _HELD, Session.state.in_(DECIDED))
    return {**_TIMELESS, "due": (due,), "follow_ups_due": (_FOLLOW_UP, due)}


def receptions_of(ground: Ground, period: Period, query: Any, session_id: Any = None) -> Select[Any]:
    """`query` over the receptions of the period that the offices of `ground` host, of the cases that its
    filters ask for; joined by `session_id` if given.
    """
    if session_id is None:
        query = query.select_from(Session)
    else:
        query = query.join(Session, Session.id == session_id)
    found: Select[Any] = query.where(
        Session.starts_at >= period.starts_at,
        Session.starts_at < period.ends_at,
        Session.state.not_in(NOT_PLANNED),
        *_counted(ground),
    )
    return found


def promises_of(ground: Ground, period: Period, today: date, query: Any) -> Select[Any]:
    """`query` over the tasks of such receptions that were due in the period; what was withdrawn, or is not
    due yet, says nothing.
    """
    found: Select[Any] = (
        query.select_from(PetitionTask)
        .join(Session, Session.id == PetitionTask.session_id)
        .where(
            PetitionTask.due_on.between(period.first, period.last),
            or_(_step(TaskState.DONE), PetitionTask.due_on < today),
            ~_step(TaskState.WITHDRAWN),
            *_counted(ground),
        )
    )
    return found


def _counted(ground: Ground) -> Conditions:
    """Of a case that may be in a figure: the few that may not are looked up in an index of their own, else
    every reception would be held against all cases that there are.
    """
    secret = exists().where(PetitionCase.id == Session.petition_id, UNCOUNTED)
    hosted = Session.host_organisation_id.in_([office.id for office in ground.offices])
    asked = _asked(ground.filters)
    if not asked:
        return Session.petition_id.is_not(None), ~secret.correlate(Session), hosted
    of_these = exists().where(PetitionCase.id == Session.petition_id, *asked)
    return ~secret.correlate(Session), hosted, of_these.correlate(Session)


def _asked(filters: Filters) -> list[ColumnElement[bool]]:
    asked = []
    if filters.unit_id:
        asked.append(PetitionCase.handler_id == filters.unit_id)
    if filters.channel:
        asked.append(PetitionCase.channel == filters.channel)
    if filters.class_:
        asked.append(PetitionCase.class_ == filters.class_)
    return asked
