"""What a personal link needed is forgotten when it has served: codes, devices, who sat beside, numbers.

After a reception the link opens rating, receipt and progress for 30 days (scheduling/links.py). From then on
nobody needs to know which device held it, so it goes (PIPL Art. 19 and 47: no longer than the purpose needs).
What belongs to the case stays with the case and its retention: the person, who was identified how, consent
with its text, signatures, the session's events, the outbox with what was sent and when, but not where to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import CursorResult, Delete, Update, delete, exists, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic
from cases.policy import SYSTEM
from scheduling.arrival.identity import IdentityCode
from scheduling.invitation import Invitation
from scheduling.links import AFTERWARDS, Link
from scheduling.minutes.phone_signing import PhoneSigning
from scheduling.notices.notice import Notice, NoticeAddress, NoticeDraft
from scheduling.session import Session

# A day more than a link opens after its window (LinkRules.after) where that is not set wider.
KEPT_AFTER_END = AFTERWARDS + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How many rows of each kind there were."""

    codes: int
    links: int
    signings: int
    companions: int
    numbers: int

    @property
    def anything(self) -> bool:
        """Was there anything to forget?"""
        return any((self.codes, self.links, self.signings, self.companions, self.numbers))


@atomic
async def forget_served_links(db: AsyncSession, clock: Clock) -> Forgotten:
    """Forget what links needed whose receptions ended long enough ago; commits, with a line in the audit."""
    ended = Session.ends_at <= clock.now() - KEPT_AFTER_END
    served = select(Invitation.id).join(Session, Session.id == Invitation.session_id).where(ended)
    sent = select(Notice.id).join(Session, Session.id == Notice.session_id).where(ended)
    # A message about no session has served when nobody tries to deliver it any more.
    late = Notice.queued_at <= clock.now() - KEPT_AFTER_END
    other = select(Notice.id).where(Notice.session_id.is_(None), late)
    other = other.where(~exists().where(NoticeDraft.notice_id == Notice.id).correlate(Notice))
    # Without its device a link that still opens would belong to whoever comes first.
    closed = Link.valid_until <= clock.now() - AFTERWARDS
    held = or_(Link.device_hash.is_not(None), Link.former_device_hash.is_not(None))
    found = Forgotten(
        codes=await _count(db, delete(IdentityCode).where(IdentityCode.invitation_id.in_(served))),
        links=await _count(
            db,
            update(Link)
            .where(Link.invitation_id.in_(served), held, closed)
            .values(device_hash=None, former_device_hash=None),
        ),
        signings=await _count(
            db,
            update(PhoneSigning)
            .where(PhoneSigning.invitation_id.in_(served), PhoneSigning.device_hash.is_not(None))
            .values(device_hash=None),
        ),
        companions=await _count(
            db,
            update(Invitation)
            .where(Invitation.id.in_(served), Invitation.companions.is_not(None))
            .values(companions=null()),
        ),
        numbers=await _count(db, delete(NoticeAddress).where(NoticeAddress.notice_id.in_(sent.union(other)))),
    )
    if found.anything:
        await add_audit(db, clock, SYSTEM, "links.forgotten", "invitation", None, detail=asdict(found))
    await db.commit()
    return found


async def _count(db: AsyncSession, statement: Update | Delete) -> int:
    result = await db.execute(statement, execution_options={"synchronize_session": False})
    return result.rowcount if isinstance(result, CursorResult) else 0
