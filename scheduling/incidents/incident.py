"""Human tasks of a session (待处置): what went wrong, whom it hits, who looks after it. Rows only grow.

One row for each session, cause and subject, however often it comes back; what happens to it are steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.vocabulary import names

WORDS_LIMIT = 500
# A cause that comes and goes more often than this stays open until somebody closes it.
MOST_STEPS = 200


class Cause(StrEnum):
    """What went wrong; the stable code of a task."""

    DISCONNECTED = "disconnected"  # Somebody in the session is gone for more than a moment.
    DEVICE_BLOCKED = "device_blocked"  # Camera or microphone cannot be used.
    CALL_UNANSWERED = "call_unanswered"  # 过号: called, and no sound or picture came up.
    HOST_GONE = "host_gone"  # The host is gone and nobody is there to take over.
    RECORDING_FAULTY = "recording_faulty"
    RECORDING_UNCONFIRMED = (
        "recording_unconfirmed"  # The session runs, the recorder has not said that it does.
    )
    HELP_ASKED = "help_asked"  # A citizen asks for a human.
    UPLOAD_STUCK = "upload_stuck"  # A material came in part and no further.
    PROMISED_OTHERWISE = "promised_otherwise"  # Told to wait for a telephone call, a visit or another day.


CAUSE_NAMES: Mapping[Cause, str] = {
    Cause.DISCONNECTED: "掉线",
    Cause.DEVICE_BLOCKED: "设备不能用",
    Cause.CALL_UNANSWERED: "过号",
    Cause.HOST_GONE: "主持人掉线，无人接替",
    Cause.RECORDING_FAULTY: "录制异常",
    Cause.RECORDING_UNCONFIRMED: "录像还没有确认",
    Cause.HELP_ASKED: "群众请求帮助",
    Cause.UPLOAD_STUCK: "材料没有传完",
    Cause.PROMISED_OTHERWISE: "改约还没有安排",
}
# What cannot go on without the session. A recording or a citizen's wish is looked after also afterwards.
ENDS_WITH_SESSION = frozenset(
    {Cause.DISCONNECTED, Cause.DEVICE_BLOCKED, Cause.CALL_UNANSWERED, Cause.HOST_GONE, Cause.UPLOAD_STUCK}
)


class IncidentState(StrEnum):
    """Where a task stands."""

    RAISED = "raised"
    TAKEN = "taken"
    CLOSED = "closed"
    ENDED = "ended"


INCIDENT_STATE_NAMES: Mapping[IncidentState, str] = names("incident", IncidentState)
_S = IncidentState
# Taken and raised again is given back; closed or ended and raised again is the same cause once more.
TRANSITIONS: Mapping[IncidentState, frozenset[IncidentState]] = {
    _S.RAISED: frozenset({_S.TAKEN, _S.ENDED}),
    _S.TAKEN: frozenset({_S.RAISED, _S.CLOSED, _S.ENDED}),
    _S.CLOSED: frozenset({_S.RAISED}),
    _S.ENDED: frozenset({_S.RAISED}),
}
OPEN = frozenset({_S.RAISED, _S.TAKEN})


class IncidentOutcome(StrEnum):
    """How somebody closed it."""

    SOLVED = "solved"
    BY_PHONE = "by_phone"
    OTHERWISE = "otherwise"
    NEEDLESS = "needless"


OUTCOME_NAMES: Mapping[IncidentOutcome, str] = {
    IncidentOutcome.SOLVED: "已解决",
    IncidentOutcome.BY_PHONE: "改用电话",
    IncidentOutcome.OTHERWISE: "改期或者转现场",
    IncidentOutcome.NEEDLESS: "不需要处置",
}


@append_only
class Incident(Base):
    """One cause in one session. `subject`: a seat, an invitation or a recording, empty for the session.

    `name` is whom it hits, as officials read it; empty for nobody in particular.
    """

    __tablename__ = "incidents"
    __table_args__ = (Index("uq_incidents_cause", "session_id", "cause", "subject", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"))
    cause: Mapped[Cause]
    subject: Mapped[str] = mapped_column(String(96))
    name: Mapped[str] = mapped_column(String(256))
    at: Mapped[datetime]


@append_only
class IncidentStep(Base):
    """One move to `state`; the first step of every task is its raising. `by_id` is None for the program."""

    __tablename__ = "incident_steps"
    __table_args__ = (Index("uq_incident_steps_number", "incident_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    incident_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("incidents.id"))
    number: Mapped[int]
    state: Mapped[IncidentState]
    outcome: Mapped[IncidentOutcome | None] = mapped_column(default=None)
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


@dataclass(frozen=True)
class TrackedIncident:
    """A task and its steps, oldest first; there is at least one."""

    incident: Incident
    steps: tuple[IncidentStep, ...]

    @property
    def last(self) -> IncidentStep:
        """The step that says how it stands."""
        return self.steps[-1]

    @property
    def state(self) -> IncidentState:
        """The state of the last step."""
        return self.last.state

    @property
    def open(self) -> bool:
        """Must somebody still look after it?"""
        return self.state in OPEN

    @property
    def since(self) -> datetime:
        """When it was raised last."""
        return self._raisings[-1].at

    @property
    def times(self) -> int:
        """How often the cause came up; what was given back came up once."""
        return len(self._raisings)

    @property
    def words(self) -> str:
        """What was said when it was raised last."""
        return self._raisings[-1].words

    @property
    def _raisings(self) -> list[IncidentStep]:
        before: list[IncidentState | None] = [None, *(step.state for step in self.steps)]
        return [
            step
            for old, step in zip(before, self.steps, strict=False)
            if step.state is IncidentState.RAISED and old is not IncidentState.TAKEN
        ]
