"""What lists show of a session or a recording: read models, filtered by the policy like everything else."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.organisations import Organisation
from cases.petitions import PetitionCase, scope_of
from cases.policy import Action, Actor, allowed
from cases.roles import InvitationRole
from recordings.recording import Recording, RecordingState, list_recordings_of_petition
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
CITIZEN_ROLES = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY})
HOST_ROLES = frozenset({InvitationRole.HOST})


async def session_cards(db: AsyncSession, actor: Actor, sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """One card per session, in the order given; the caller has already filtered by the policy."""
    ids = [session.id for session in sessions]
    offices = await offices_of(db, ids)
    people = await _people_of(db, ids, CITIZEN_ROLES)
    hosts = await _people_of(db, ids, HOST_ROLES)
    scopes = await scopes_of_sessions(db, sessions)
    devices = await verdicts_of_sessions(db, [s.id for s in sessions if s.state in OPEN_STATES])
    found = []
    for session in sessions:
        scope = scopes[session.id]
        joins = session.state in OPEN_STATES and allowed(actor, Action.JOIN, scope)
        # Who only looks on from above needs to know that somebody waits, not who it is.
        named = allowed(actor, Action.JOIN, scope) or allowed(actor, Action.RECEIVE, scope)
        petitioners = people.get(session.id, [])
        found.append(
            {
                "id": session.id,
                "title": session.title,
                "state": session.state,
                "starts_at": session.starts_at,
                "ends_at": session.ends_at,
                "number": session.petition.number,
                "petitioners": petitioners if named else [masked_name(name) for name in petitioners],
                "named": named,
                "tends": allowed(actor, Action.HANDLE_INCIDENT, scope),
                "hosts": hosts.get(session.id, []),
                "opened_at": session.opened_at,
                "offices": [office.short_name for office in offices.get(session.id, [])],
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


async def offices_of(db: AsyncSession, session_ids: Sequence[str]) -> dict[str, list[Organisation]]:
    """Organisations by session, the host first, then the higher tiers down."""
    query = (
        select(SessionOrganisation, Organisation)
        .join(Organisation, Organisation.id == SessionOrganisation.organisation_id)
        .where(SessionOrganisation.session_id.in_(session_ids))
    )
    rows = [(part, office) for part, office in (await db.execute(query)).all()]
    rows.sort(
        key=lambda row: (row[0].part is not SessionPart.HOST, len(row[1].region_code), row[1].region_code)
    )
    found: dict[str, list[Organisation]] = {}
    for part, office in rows:
        found.setdefault(part.session_id, []).append(office)
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


async def _people_of(
    db: AsyncSession, session_ids: Sequence[str], roles: Collection[InvitationRole]
) -> dict[str, list[str]]:
    query = select(Invitation).where(
        Invitation.session_id.in_(session_ids),
        Invitation.role.in_(roles),
        Invitation.revoked_at.is_(None),
    )
    found: dict[str, list[str]] = {}
    for invitation in (await db.scalars(query.order_by(Invitation.created_at, Invitation.id))).all():
        found.setdefault(invitation.session_id, []).append(invitation.display_name)
    return found


def _act(session: Session, joins: bool) -> tuple[str, str, bool] | None:
    """The one thing to do next: (word, where, less prominent)."""
    if joins:
        live = session.state in (SessionState.LIVE, SessionState.PAUSED)
        return ("回到接访室" if live else "进入接访室", f"/sessions/{session.id}/room", not live)
    if session.state in (SessionState.CLOSED, SessionState.ARCHIVED):
        return ("看信访件和录像", f"/cases/{session.petition_id}", True)
    return None
