"""The minutes of a session in a package: as PDF, as the signed record, and paragraphs by their second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.policy import Action, Actor, allowed
from recordings.evidence.clock_jumps import read_jumps
from recordings.evidence.minutes_record import record_of
from recordings.evidence.signed_minutes import check_final, sign_final
from recordings.evidence.signing import ManifestSigner
from recordings.packages.export import Export
from recordings.packages.package import PackageError
from recordings.review.minutes_places import second_of
from scheduling.minutes.reading import READABLE, reading_of
from scheduling.minutes.record import find_minutes, read_minutes, scope_of_minutes
from scheduling.minutes.signature import list_signers
from scheduling.minutes.text import is_empty
from scheduling.reach import load_session
from web.minutes.pdf import PrintError, minutes_pdf
from web.minutes.printed import Printed, lead_of, printed
from web.replay.film_text import SpokenLine

MINUTES_PDF, MINUTES_RECORD = "minutes.pdf", "minutes.json"


@dataclass(frozen=True)
class PackageMinutes:
    """``record`` is the signed statement, None before the minutes are final; ``spoken`` what has a second."""

    told: Printed
    record: bytes | None
    spoken: tuple[SpokenLine, ...]

    def files(self, made_at: datetime) -> dict[str, bytes]:
        """Path in the package to bytes. Raises PackageError without a Chinese font."""
        try:
            made = {MINUTES_PDF: minutes_pdf(self.told, made_at)}
        except PrintError as error:
            raise PackageError(str(error)) from error
        return made | ({MINUTES_RECORD: self.record} if self.record is not None else {})


async def minutes_of_package(
    db: AsyncSession, clock: Clock, actor: Actor, export: Export, signer: ManifestSigner
) -> PackageMinutes | None:
    """None for a clip, for who may not read them, and of a draft, which stays in the house."""
    session = await load_session(db, export.recording.session_id)
    may_read = allowed(actor, Action.SEE_MINUTES, await scope_of_minutes(db, session))
    if export.span is not None or not may_read or await find_minutes(db, session.id) is None:
        return None
    sheet = await read_minutes(db, actor, session.id)
    if sheet.minutes.state not in READABLE:
        return None
    reading = await reading_of(db, sheet)
    signed = await sign_final(db, clock, reading, signer)
    told = printed(session, reading, await list_signers(db, sheet.minutes), await check_final(db, reading))
    jumps = await asyncio.to_thread(read_jumps, export.folder)
    spoken = []
    for number, each in enumerate(sheet.public, 1):
        seconds = None if is_empty(each.text) else second_of(export.recording, jumps, each)
        if seconds is not None:
            spoken.append(SpokenLine(number, lead_of(each), each.text, round(seconds, 1)))
    spoken.sort(key=lambda line: line.seconds)
    return PackageMinutes(told, record_of(signed) if signed else None, tuple(spoken))
