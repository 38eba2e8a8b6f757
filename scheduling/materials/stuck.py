"""Uploads of guests that stopped in the middle: a human task, and in the end the parts are thrown away.

What lies in parts is known from the disk alone, how long it has stood there to this process alone. A task is
raised once for each guest, ends when nothing of theirs stands still any more, and with the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from scheduling.incidents.incident import Cause, Incident
from scheduling.incidents.incidents import Occurrence, end_incident, list_incidents, raise_incident
from scheduling.invitation import Invitation
from scheduling.materials.limits import MEBIBYTE
from scheduling.materials.material import OFFICE
from scheduling.materials.store import MaterialStore, Unfinished
from scheduling.session import OVER, Session

# A page tries again for a quarter of a minute by itself; whoever was cut off longer may need somebody.
STUCK_AFTER = timedelta(minutes=2)
# Nobody comes back for parts of yesterday: no more and no longer than needed (PIPL Art. 19).
KEPT = timedelta(days=1)
OVER_WORDS = "上传没有再停住"
Guest = tuple[str, str]  # Session and invitation.


@dataclass(frozen=True)
class Standing:
    """An unfinished upload and since when it has not grown."""

    upload: Unfinished
    since: datetime


class UploadWatch:
    """Owned: since when each upload stands where it stands, and for whom a task was raised.

    `told` is None until the open tasks that an earlier process raised were read.
    """

    def __init__(self) -> None:
        self.told: set[Guest] | None = None
        self._seen: dict[Unfinished, datetime] = {}

    def look(self, lying: Iterable[Unfinished], now: datetime) -> list[Standing]:
        """What lies there, with its time; one more byte begins it anew."""
        self._seen = {each: self._seen.get(each, now) for each in lying}
        return [Standing(upload, since) for upload, since in self._seen.items()]


async def tend_uploads(db: AsyncSession, clock: Clock, store: MaterialStore, watch: UploadWatch) -> None:
    """Raise and end the tasks of uploads that stand still, throw away what is of no use; commits each."""
    if watch.told is None:
        watch.told = await _open_tasks(db)
    now, stuck = clock.now(), dict[Guest, Standing]()
    for each in watch.look(await asyncio.to_thread(store.unfinished), now):
        upload = each.upload
        session = await db.get(Session, upload.session_id, populate_existing=True)
        if session is None or session.state in OVER or now - each.since >= KEPT:
            await asyncio.to_thread(store.forget, upload.session_id, upload.owner, upload.digest)
        elif now - each.since >= STUCK_AFTER and upload.owner != OFFICE:
            stuck[upload.session_id, upload.owner] = each
    for guest in stuck.keys() - watch.told:
        await _raise(db, clock, guest, stuck[guest])
    for session_id, owner in watch.told - stuck.keys():
        await end_incident(db, clock, session_id, Cause.UPLOAD_STUCK, owner, OVER_WORDS)
    watch.told = set(stuck)


async def _raise(db: AsyncSession, clock: Clock, guest: Guest, standing: Standing) -> None:
    session_id, owner = guest
    invitation = await db.get(Invitation, owner)
    name = invitation.display_name if invitation is not None else ""
    size = f"{standing.upload.received / MEBIBYTE:.1f} MB"
    words = f"{name}上传材料停在 {size}，没有再动。请问一问，可以接着传、换成照片，或者当面收。"
    await raise_incident(db, clock, Occurrence(session_id, Cause.UPLOAD_STUCK, owner, name, words))


async def _open_tasks(db: AsyncSession) -> set[Guest]:
    query = select(Incident.session_id).where(Incident.cause == Cause.UPLOAD_STUCK).distinct()
    query = query.join(Session, Session.id == Incident.session_id).where(Session.state.not_in(sorted(OVER)))
    found: set[Guest] = set()
    for session_id in (await db.scalars(query)).all():
        tasks = await list_incidents(db, session_id)
        stuck = [each for each in tasks if each.open and each.incident.cause is Cause.UPLOAD_STUCK]
        found |= {(session_id, each.incident.subject) for each in stuck}
    return found
