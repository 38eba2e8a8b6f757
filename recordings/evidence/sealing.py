"""Sealing: the manifest of a stopped recording is written, signed and chained to the one before."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.organisations import get_organisation
from cases.petitions import add_petition_event
from cases.policy import SYSTEM
from recordings.alarms import raise_alarm
from recordings.capture.journal import SOFTWARE
from recordings.evidence.exhibit_keeping import keep_exhibits, trouble_of
from recordings.evidence.exhibits import ShownPage, pages_shown
from recordings.evidence.inventory import read_clock_map, read_tracks, segments_being_written
from recordings.evidence.manifest import (
    MANIFEST_FILE,
    MANIFEST_FORMAT,
    MANIFEST_VERSION,
    SIGNATURE_FILE,
    canonical,
    moment_text,
    sha256_hex,
    without_floats,
    write_durably,
)
from recordings.evidence.signing import ManifestSigner
from recordings.recording import CompositionState, Recording, RecordingState
from scheduling.materials.store import MaterialStore
from scheduling.reach import load_session
from scheduling.session import Session
from scheduling.session_events import SessionEvent, add_event, list_events
from scheduling.sessions.invitations import Invitation

# Who sat in a session: rows whose first part has the participant id, with the invitation of that seat.
SeatLookup = Callable[[AsyncSession, str], Awaitable[Sequence[tuple[Any, Invitation]]]]


class StillWriting(Exception):
    """A living media worker holds a segment open; sealing has to wait."""


class NothingRecorded(Exception):
    """Not one packet came to the disk."""


@dataclass(frozen=True)
class Shown:
    """The pages that a recording has to keep, and where their pictures are; None: nowhere."""

    session_id: str
    pages: Sequence[ShownPage]
    store: MaterialStore | None


@dataclass(frozen=True)
class Sealed:
    """Result of sealing the files of one recording. ``size`` counts segments and exhibits, in bytes."""

    manifest_sha256: str
    size: int
    tracks: int
    gaps: int
    jumps: int  # How often the wall clock was set meanwhile.
    exhibits: Sequence[dict[str, Any]] = ()  # As the manifest lists them.


async def seal_recording(
    db: AsyncSession,
    clock: Clock,
    recording: Recording,
    root: Path,
    signer: ManifestSigner,
    seats: SeatLookup,
    materials: MaterialStore | None = None,
) -> Sealed:
    """Write and sign the manifest and move the row to ``sealed``; commits.

    ``materials`` has the pages that were shown. One that cannot be had is listed as missing and raises an
    alarm; the sealing goes on.

    Raises StillWriting, NothingRecorded, or OSError; then nothing has changed but perhaps a manifest
    file, which the next attempt replaces. Two sealers of one organisation at once: the unique
    chain number lets one of them win, the other raises IntegrityError and is tried again.
    """
    session = await load_session(db, recording.session_id)
    events = await list_events(db, session.id)
    facts = await _facts(db, clock, recording, session, seats, events)
    shown = Shown(session.id, pages_shown(events, recording.id, recording.started_at), materials)
    sealed = await asyncio.to_thread(seal_folder, recording.folder(root), facts, signer, shown)
    recording.move_to(RecordingState.SEALED)
    recording.sealed_at, recording.manifest_sha256 = clock.now(), sealed.manifest_sha256
    recording.previous_manifest_sha256 = facts["chain"]["previous_manifest_sha256"]
    recording.chain_number = facts["chain"]["number"]
    recording.size, recording.track_count, recording.gap_count = sealed.size, sealed.tracks, sealed.gaps
    recording.composition, recording.attempts, recording.trouble = CompositionState.WAITING, 0, None
    recording.verification_wanted_at = recording.sealed_at
    if sealed.jumps:  # Only now is it known where on the film stands what the wall clock noted.
        recording.index_wanted_at = recording.sealed_at
    await db.flush()
    data = {
        "recording_id": recording.id,
        "manifest_sha256": sealed.manifest_sha256,
        "gaps": sealed.gaps,
        "size": sealed.size,
    }
    await add_event(db, clock, session.id, "recording.sealed", data=data)
    await add_petition_event(db, clock, SYSTEM, recording.petition_id, "recording.attached", data)
    if (trouble := trouble_of(recording, sealed.exhibits)) is not None:
        await raise_alarm(db, clock, trouble)
    await db.commit()
    return sealed


def seal_folder(
    folder: Path, facts: dict[str, Any], signer: ManifestSigner, shown: Shown | None = None
) -> Sealed:
    """The part of sealing that reads and writes files; blocks."""
    if segments_being_written(folder):
        raise StillWriting
    clock_map = read_clock_map(folder)
    tracks = read_tracks(folder, clock_map, _stopped_ns(facts))
    if not any(entry["packets"] for track in tracks for entry in track["segments"]):
        raise NothingRecorded
    exhibits = keep_exhibits(folder, shown.store, shown.session_id, shown.pages) if shown else []
    content = {
        "format": MANIFEST_FORMAT,
        "version": MANIFEST_VERSION,
        "software": SOFTWARE,
        "signing_key": signer.fingerprint,
        "clock": {"source": "server", "boots": clock_map.anchors(), "jumps": clock_map.jumps()},
        "tracks": tracks,
        "exhibits": exhibits,
        **facts,
    }
    data = canonical(without_floats(content))
    write_durably(folder / MANIFEST_FILE, data)
    write_durably(folder / SIGNATURE_FILE, canonical(signer.sign(data)))
    entries = [entry for track in tracks for entry in track["segments"]]
    gaps = sum(len(track["gaps"]) for track in tracks)
    jumps = len(content["clock"]["jumps"])
    size = sum(entry["size"] for entry in (*entries, *exhibits))
    return Sealed(sha256_hex(data), size, len(tracks), gaps, jumps, exhibits)


def _stopped_ns(facts: dict[str, Any]) -> int | None:
    stopped = facts["recording"]["stopped_at"]
    return int(datetime.fromisoformat(stopped).timestamp() * 1e9) if stopped else None


async def _facts(
    db: AsyncSession,
    clock: Clock,
    recording: Recording,
    session: Session,
    seats: SeatLookup,
    events: Sequence[SessionEvent],
) -> dict[str, Any]:
    """What the database knows: who, what happened, consents, and the place in the chain."""
    organisation = await get_organisation(db, recording.organisation_id)
    seated = await seats(db, session.id)
    invitations = [invitation for _, invitation in seated]
    return {
        "recording": {
            "id": recording.id,
            "session_id": session.id,
            "petition_id": recording.petition_id,
            "petition_number": session.case.number,
            "title": session.title,
            "organisation": {
                "id": organisation.id,
                "name": organisation.name,
                "region_code": organisation.region_code,
            },
            "started_at": moment_text(recording.started_at),
            "stopped_at": moment_text(recording.stopped_at),
            "stop_reason": recording.stop_reason,
            "session_opened_at": moment_text(session.opened_at),
            "session_closed_at": moment_text(session.closed_at),
        },
        "sealed_at": moment_text(clock.now()),
        "participants": [_participant(seat.id, invitation) for seat, invitation in seated],
        "consents": [_consent(invitation, events) for invitation in invitations if invitation.consented_at],
        "session_events": _events(events),
        "chain": await _chain(db, recording),
    }


def _participant(participant_id: str, invitation: Invitation) -> dict[str, Any]:
    return {
        "participant_id": participant_id,
        "invitation_id": invitation.id,
        "name": invitation.display_name,
        "role": str(invitation.role),
        "tier": str(invitation.tier) if invitation.tier else None,
        "organisation": invitation.organisation.name if invitation.organisation else None,
    }


def _consent(invitation: Invitation, events: Sequence[SessionEvent]) -> dict[str, Any]:
    """``sequence``: of the event that is the record of it, with who agreed how and to what else."""
    agreed = {
        "invitation_id": invitation.id,
        "version": invitation.consent_version,
        "digest": invitation.consent_digest,
    }
    given = (
        event.sequence
        for event in reversed(events)
        if event.kind == "consent.given" and agreed.items() <= event.data.items()
    )
    return {**agreed, "at": moment_text(invitation.consented_at), "sequence": next(given, None)}


def _events(events: Sequence[SessionEvent]) -> list[dict[str, Any]]:
    return [
        {
            "sequence": event.sequence,
            "at": moment_text(event.at),
            "monotonic_ms": event.monotonic_ms,
            "kind": event.kind,
            "actor_name": event.actor_name,
            "participant_id": event.participant_id,
            "data": event.data,
        }
        for event in events
    ]


async def _chain(db: AsyncSession, recording: Recording) -> dict[str, Any]:
    """Number and previous manifest in the chain of the host organisation."""
    query = select(Recording.chain_number, Recording.manifest_sha256).where(
        Recording.organisation_id == recording.organisation_id, Recording.chain_number.is_not(None)
    )
    last = (await db.execute(query.order_by(Recording.chain_number.desc()).limit(1))).first()
    number, digest = (last[0] or 0, last[1]) if last else (0, None)
    return {"number": number + 1, "previous_manifest_sha256": digest}
