"""What lists show of a session or a recording: read models, filtered by the policy like everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.organisations import Organisation
from cases.petitions import PetitionCase, scope_of
from cases.policy import Action, Actor, allowed
from cases.roles import InvitationRole
from recordings.recording import Recording, RecordingState, list_recordings_of_petition
from scheduling.arrival.calling_order import walked_in
from scheduling.arrival.device_check import verdicts_of_sessions
from scheduling.invitation import Invitation
from scheduling.reach import scope_of_session, scopes_of_sessions
from scheduling.session import Session, SessionOrganisation, SessionPart, SessionState
from scheduling.sessions.sessions import list_sessions_of_petition
from web.words import duration, masked_name, size

OPEN_STATES = frozenset(
    SessionState(state)
    for state in [
        "scheduled",
        "notified",
        "checked_in",
        "waiting",
        "called",
        "live",
        "paused",
        "minutes_confirming",
    ]
)
REPLAYABLE = frozenset((RecordingState.STOPPED, RecordingState.SEALED, RecordingState.ARCHIVED))
FAILED_NOTE = "没有录到画面和声音"
CITIZEN_ROLES = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.PARTY})
HOST_ROLES = frozenset({InvitationRole.HOST})


@dataclass
class _Invited:
    """Who petitions and who receives in one session, by name."""

    citizens: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)


async def session_cards(db: AsyncSession, actor: Actor, sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """One card per session, in the order given; the caller has already filtered by the policy."""
    if not sessions:
        return []
    invited = await _invited_to(db, [session.id for session in sessions])
    scopes = await scopes_of_sessions(db, sessions)
    open_ids = [session.id for session in sessions if session.state in OPEN_STATES]
    devices = await verdicts_of_sessions(db, open_ids) if open_ids else {}
    found = []
    for session in sessions:
        people, scope = invited[session.id], scopes[session.id]
        joins = session.state in OPEN_STATES and allowed(actor, Action.JOIN, scope)
        # Who only looks on from above needs to know that somebody waits, not who it is.
        named = allowed(actor, Action.JOIN, scope) or allowed(actor, Action.RECEIVE, scope)
        found.append(
            {
                "id": session.id,
                "title": session.title,
                "state": session.state,
                "starts_at": session.starts_at,
                "ends_at": session.ends_at,
                "number": session.number,
                "origin": _origin(session),
                "petitioners": people.citizens if named else [masked_name(name) for name in people.citizens],
                "named": named,
                "tends": allowed(actor, Action.HANDLE_INCIDENT, scope),
                "hosts": people.hosts,
                "opened_at": session.opened_at,
                "offices": [office.short_name for office in offices_in(session)],
                "checkable": session.id in devices,
                "device": devices.get(session.id),
                "act": _act(session, joins),
            }
        )
    return found


async def session_cards_of_petition(
    db: AsyncSession, actor: Actor, petition: PetitionCase
) -> list[dict[str, Any]]:
    """The sessions of a case that the actor may see, newest first."""
    return await session_cards(db, actor, await list_sessions_of_petition(db, actor, petition.id))


async def may_join(db: AsyncSession, actor: Actor, session: Session) -> bool:
    open_now = session.state in OPEN_STATES
    return open_now and allowed(actor, Action.JOIN, await scope_of_session(db, session))


def offices_in(session: Session) -> list[Organisation]:
    """Organisations of a session, the host first, then the higher tiers down."""
    return [part.organisation for part in sorted(session.organisations, key=_standing)]


def _standing(part: SessionOrganisation) -> tuple[bool, int, str]:
    code = part.organisation.region_code
    return part.part is not SessionPart.HOST, len(code), code


async def offices_of(db: AsyncSession, session_ids: Sequence[str]) -> dict[str, list[Organisation]]:
    """The same by session, of sessions that are not at hand."""
    query = select(SessionOrganisation).where(SessionOrganisation.session_id.in_(session_ids))
    found: dict[str, list[Organisation]] = {}
    for part in sorted(await db.scalars(query), key=_standing):
        found.setdefault(part.session_id, []).append(part.organisation)
    return found


async def recording_cards(db: AsyncSession, actor: Actor, petition: PetitionCase) -> list[dict[str, Any]]:
    """The recordings of a case, with a way to replay for whoever may."""
    may_replay = allowed(actor, Action.REPLAY, scope_of(petition))
    found = await list_recordings_of_petition(db, actor, petition.id)
    return [recording_card(recording, may_replay) for recording in found]


def recording_card(recording: Recording, may_replay: bool = True) -> dict[str, Any]:
    seconds = None
    if recording.started_at and recording.stopped_at:
        seconds = (recording.stopped_at - recording.started_at).total_seconds()
    composed = recording.playable
    if recording.state is RecordingState.FAILED:
        composed, seconds = False, None
    note = (
        f"时长 {duration(seconds)}"
        if seconds is not None
        else FAILED_NOTE
        if recording.state is RecordingState.FAILED
        else "还在录制"
    )
    if composed:
        note += f" · {size(recording.composed_size)}"
    return {
        "id": recording.id,
        "state": recording.state,
        "started_at": recording.started_at,
        "session_id": recording.session_id,
        "may_replay": may_replay and recording.state in REPLAYABLE,
        "note": note if composed or seconds is None else f"{note} · 正在合成",
    }


async def _invited_to(db: AsyncSession, session_ids: Sequence[str]) -> dict[str, _Invited]:
    query = select(Invitation.session_id, Invitation.role, Invitation.display_name).where(
        Invitation.session_id.in_(session_ids),
        Invitation.role.in_(CITIZEN_ROLES | HOST_ROLES),
        Invitation.revoked_at.is_(None),
    )
    found = {session_id: _Invited() for session_id in session_ids}
    for session_id, role, name in await db.execute(query.order_by(Invitation.created_at, Invitation.id)):
        people = found[session_id]
        (people.hosts if role in HOST_ROLES else people.citizens).append(name)
    return found


def _origin(session: Session) -> str:
    """Booked, a mediation, or a walk-in received the same hour; empty for what was fixed otherwise."""
    if session.mediation_id is not None:
        return "视频调解"
    if session.booking_id is not None:
        return "预约"
    return "现场来访" if walked_in(session) else ""


def _act(session: Session, joins: bool) -> tuple[str, str, bool] | None:
    """The one thing to do next: (word, where, less prominent)."""
    if joins:
        live = session.state in (SessionState.LIVE, SessionState.PAUSED)
        return ("回到接访室" if live else "进入接访室", f"/sessions/{session.id}/room", not live)
    if session.state in (SessionState.CLOSED, SessionState.ARCHIVED):
        return (*place_after(session), True)
    return None


def place_after(session: Session) -> tuple[str, str]:
    """Where work goes on once it was held: (word, where)."""
    if session.mediation_id is not None:
        return ("看调解事项", f"/mediation/{session.mediation_id}")
    return ("看信访件和录像", f"/cases/{session.petition_id}")
