"""Export (刻录导出): who may take a recording out of the house, why, and what lies in the package.

Every export has a written reason and stands in the audit trail twice: before the first byte leaves, and,
with the digest of the package's list of files, before the last ones do. What broke off has only the first.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import av
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import BEIJING, Clock
from cases.database import new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean_text, count_graphemes
from cases.policy import Action, Actor, require
from recordings.archive.copies import ArchiveState, archive_of
from recordings.archive.retention import period_name
from recordings.capture.journal import SOFTWARE
from recordings.evidence.day_root import LedgerError, ledger_of
from recordings.evidence.inclusion import proof_files
from recordings.evidence.manifest import MANIFEST_FILE, SIGNATURE_FILE, moment_text
from recordings.evidence.proof import Verification, last_verification
from recordings.evidence.signing import ManifestSigner
from recordings.packages.acts import Act, acts_of
from recordings.packages.check import RECORDING_FOLDER
from recordings.packages.clip import (
    CLIP_FILE,
    CLIP_SIGNATURE,
    CLIP_STATEMENT,
    ClipError,
    check_range,
    clip_statement,
    cut_film,
    write_proof,
)
from recordings.packages.clip_exhibits import clip_files, exhibits_between
from recordings.packages.filing import UNFILED, Filing
from recordings.packages.metadata import FilmFacts, MetadataSource, metadata_xml, read_film
from recordings.packages.package import Package, PackageFile, package_name
from recordings.recording import CompositionState, Recording, load_recording
from recordings.review.replay import RecordingAccess
from recordings.store import COMPOSED_FILE
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session

logger = logging.getLogger(__name__)

REASON_LIMIT = 200
SHORTEST_REASON = 4
METADATA_FILE = "metadata.xml"
EVENTS_FILE = "events.json"
LONGEST_SECONDS = 100 * 3600


@dataclass(frozen=True)
class Export:
    """A permitted export. ``span``: seconds of a clip, None for the whole recording."""

    recording: Recording
    number: str
    title: str
    folder: Path
    by: str
    reason: str
    made_at: datetime
    span: tuple[float, float] | None
    acts: tuple[Act, ...]  # what was done with the recording, this export the last of it
    ledger: Path | None = None  # Of the office; what it proves of the recording goes along.
    sequence: int | None = None  # among the recordings of the case, from 1
    retention: str | None = None
    confidential: bool = False
    filing: Filing = UNFILED
    custodian: tuple[str, str] | None = None  # id and name of the office that keeps the case

    @property
    def name(self) -> str:
        """Of the folder in the package and of the file to save; ASCII whatever the case is called."""
        day = f"{self.made_at.astimezone(BEIJING):%Y%m%d}"
        return package_name(self.number, day, self.recording.id, "clip" if self.span else "package")


@dataclass(frozen=True)
class PageContent:
    """What the pages of a package are made from. ``film`` is the path of the film in the package."""

    export: Export
    manifest: dict[str, Any]
    signature: dict[str, Any]
    film: str | None
    seconds: float
    clip: dict[str, Any] | None


# Readable files of a package, path to bytes; the words and templates belong to the pages.
PageMaker = Callable[[PageContent], Mapping[str, bytes]]


def clean_reason(typed: str) -> str:
    """The written reason, on one line. Raises Invalid at ``reason``."""
    reason = clean_text(typed.replace("\n", " "), "reason", "理由", REASON_LIMIT)
    if count_graphemes(reason) < SHORTEST_REASON:
        raise Invalid("reason_required", "请写明导出的理由，至少四个字。", "reason")
    return reason


async def see_export(
    db: AsyncSession, actor: Actor, recording_id: str
) -> tuple[Recording, Session, Verification | None]:
    """What the page that asks for the reason shows. Raises NotFound, Forbidden."""
    recording = await load_recording(db, recording_id)
    session = await load_session(db, recording.session_id)
    require(actor, Action.EXPORT_RECORDING, await scope_of_session(db, session))
    return recording, session, await last_verification(db, recording_id)


async def begin_export(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    recording_id: str,
    reason: str,
    address: str | None,
    root: Path,
    span: tuple[float, float] | None = None,
    filing: Filing = UNFILED,
) -> Export:
    """Permit and log one export; commits. ``span`` asks for a clip, in seconds of the film.

    Raises NotFound, Forbidden, Invalid, and Conflict ``not_sealed`` or ``not_composed``.
    """
    recording, session, _ = await see_export(db, actor, recording_id)
    reason = clean_reason(reason)
    _require_ready(recording, span)
    earlier = select(func.count()).where(
        Recording.petition_id == recording.petition_id, Recording.started_at <= recording.started_at
    )
    archive = await archive_of(db, recording_id)
    if archive is not None and archive.state is ArchiveState.LOCAL_REMOVED:
        raise Conflict(
            "original_aged_out", "原件已按期移入归档，不能导出。请先在回放页面取回原件，取回后再导出。"
        )
    keeper = session.case.custodian
    export = Export(
        recording, session.case.number, session.title, recording.folder(root), actor.name, reason,
        clock.now(), span, (), ledger_of(root, recording.organisation_id),
        await db.scalar(earlier),
        period_name(recording.started_at, archive.keep_until) if archive else None,
        session.case.confidential, filing, (keeper.id, keeper.name),
    )  # fmt: skip
    db.add(_access(export, actor, address))
    await db.flush()
    export = replace(export, acts=await acts_of(db, recording))
    detail = _detail(export)
    await add_audit(
        db, clock, actor, "recording.export_begun", "recording", recording_id, detail=detail, address=address
    )
    await db.commit()
    return export


def _require_ready(recording: Recording, span: tuple[float, float] | None) -> None:
    if not recording.sealed:
        raise Conflict("not_sealed", "录像还没有封存，不能导出。")
    if recording.composition in (CompositionState.WAITING, CompositionState.RUNNING):
        raise Conflict("not_composed", "录像正在合成，请合成完成后再导出。")
    if span is None:
        return
    if not recording.playable:
        raise Conflict("not_composed", "没有合成录像，不能截取片段。")
    try:
        check_range(*span, (recording.composed_ms or 0) / 1000)
    except ClipError as error:
        raise Invalid("bad_range", str(error), "since") from error


def _access(export: Export, actor: Actor, address: str | None) -> RecordingAccess:
    return RecordingAccess(
        id=new_id(), recording_id=export.recording.id, organisation_id=export.recording.organisation_id,
        at=export.made_at, purpose="export", actor_kind=str(actor.kind), official_id=actor.official_id,
        actor_name=actor.name, address=address[:64] if address else None, reason=export.reason,
    )  # fmt: skip


def _detail(export: Export) -> dict[str, Any]:
    detail: dict[str, Any] = {"reason": export.reason, "petition_id": export.recording.petition_id}
    if export.span is not None:
        detail |= {"from_ms": round(export.span[0] * 1000), "to_ms": round(export.span[1] * 1000)}
    return detail


async def finish_export(
    db: AsyncSession, clock: Clock, actor: Actor, export: Export, package: Package, address: str | None
) -> None:
    """Write down that the package is made, with the digest that it proves itself by; commits."""
    detail = _detail(export) | {"package_sha256": package.sha256}
    row_id = export.recording.id
    await add_audit(
        db, clock, actor, "recording.exported", "recording", row_id, detail=detail, address=address
    )
    await db.commit()


def build_package(export: Export, signer: ManifestSigner, pages: PageMaker, room: Path) -> Package:
    """Lay out the package; blocks. ``room`` is an empty directory that lasts until it is written.

    Raises ClipError, OSError, ValueError where the sealed files cannot be read.
    """
    manifest = json.loads((export.folder / MANIFEST_FILE).read_bytes())
    signature = json.loads((export.folder / SIGNATURE_FILE).read_bytes())
    facts = _facts(export)
    proof = _proof(export, manifest)
    if export.span is not None:
        return _clip_package(export, signer, pages, room, facts, manifest, signature, proof)
    film = _film_facts(export)
    path = f"{RECORDING_FOLDER}/{COMPOSED_FILE}" if film else None
    content = PageContent(export, manifest, signature, path, film.seconds if film else 0.0, None)
    made = dict(pages(content))
    made[METADATA_FILE] = metadata_xml(_metadata_source(export, manifest, signature, film))
    made[EVENTS_FILE] = _events_json(manifest)
    files = [PackageFile(name, made[name]) for name in sorted(made)] + proof
    return Package(export.name, (*files, *_recording_files(export.folder)), facts | {"kind": "full"}, signer)


def _proof(export: Export, manifest: dict[str, Any]) -> list[PackageFile]:
    """The way up to the day root; nothing while the day is not over."""
    if export.ledger is None or not export.ledger.is_dir():
        return []
    try:
        found = proof_files(export.ledger, manifest, export.recording.manifest_sha256 or "")
    except (LedgerError, KeyError, OSError) as error:
        # A ledger that is wrong raises its alarm at night; the recording proves itself without it.
        logger.warning("Recording %s is exported without its day root: %s", export.recording.id, error)
        return []
    return [PackageFile(name, found[name]) for name in sorted(found)]


def _facts(export: Export) -> dict[str, Any]:
    return {
        "software": SOFTWARE,
        "recording_id": export.recording.id,
        "manifest_sha256": export.recording.manifest_sha256,
        "made_at": moment_text(export.made_at),
        "by": export.by,
        "reason": export.reason,
    }


def _recording_files(folder: Path) -> list[PackageFile]:
    """Every file of the recording as it lies, with whatever proof lies beside it; no drafts, no links."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        drafted = any(part.startswith(".") for part in name.parts)
        if not drafted and path.is_file() and not path.is_symlink():
            found.append(PackageFile(f"{RECORDING_FOLDER}/{name.as_posix()}", path))
    return found


def _film_facts(export: Export) -> FilmFacts | None:
    path = export.folder / COMPOSED_FILE
    if not export.recording.playable or not path.is_file():
        return None
    with contextlib.suppress(av.FFmpegError, IndexError):
        return read_film(path, export.recording.composed_sha256 or "")
    return None


def _events_json(manifest: dict[str, Any]) -> bytes:
    """The events as the sealed manifest has them, for programs."""
    recording = manifest["recording"]
    content = {
        "format": "lianxin-events",
        "version": 1,
        "recording_id": recording.get("id"),
        "started_at": recording.get("started_at"),
        "stopped_at": recording.get("stopped_at"),
        "participants": manifest.get("participants", []),
        "events": manifest.get("session_events", []),
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"


def _metadata_source(
    export: Export, manifest: dict[str, Any], signature: dict[str, Any], film: FilmFacts | None
) -> MetadataSource:
    acts = tuple((moment_text(act.at) or "", act.who, act.what, act.remark) for act in export.acts)
    made_at, sha256 = moment_text(export.made_at) or "", export.recording.manifest_sha256 or ""
    return MetadataSource(
        manifest, sha256, signature, film, acts, made_at, SOFTWARE, export.sequence, export.retention,
        export.confidential, export.filing, export.custodian,
    )  # fmt: skip


def _clip_package(
    export: Export,
    signer: ManifestSigner,
    pages: PageMaker,
    room: Path,
    facts: dict[str, Any],
    manifest: dict[str, Any],
    signature: dict[str, Any],
    proof_of_day: list[PackageFile],
) -> Package:
    """Clip, proof, the pages it shows and a page. The manifest names everybody, so it stays in the house."""
    assert export.span is not None
    clip = room / CLIP_FILE
    cut = cut_film(export.folder / COMPOSED_FILE, clip, *export.span)
    told = {key: facts[key] for key in ("recording_id", "manifest_sha256", "made_at", "by", "reason")}
    exhibits = exhibits_between(manifest, float(cut.start), float(cut.stop))
    proof = clip_statement(export.folder, clip, cut, export.span, exhibits, told)
    write_proof(room, proof, signer)
    seconds = float(cut.stop - cut.start)
    content = PageContent(export, manifest, signature, CLIP_FILE, seconds, json.loads(proof))
    made = pages(content)
    files = [PackageFile(name, made[name]) for name in sorted(made)]
    files += [PackageFile(name, room / name) for name in (CLIP_FILE, CLIP_STATEMENT, CLIP_SIGNATURE)]
    files += [PackageFile(name, path) for name, path in clip_files(export.folder, exhibits)]
    files += proof_of_day
    return Package(export.name, tuple(files), facts | {"kind": "clip"}, signer)
