"""Tickets: the bridge from a page's cookie to a WebSocket. One use, half a minute, kept hashed in memory."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Forbidden, NotFound, RuleError
from cases.policy import Action, Actor, ActorKind, require
from scheduling.arrival.consent import must_consent
from scheduling.reach import scope_of_session
from scheduling.session import Session
from scheduling.sessions.invitations import Invitation, invitation_for_official
from signaling.protocol import ErrorCode
from signaling.rights import is_official

LIFETIME = timedelta(seconds=30)
CEILING = 20_000


@dataclass(frozen=True)
class Admission:
    """What a ticket stands for: who asked, and the seat they are entitled to."""

    actor: Actor
    session_id: str
    invitation_id: str


@dataclass(frozen=True)
class IssuedTicket:
    """The answer of the ticket addresses; `expires_in` is in seconds."""

    ticket: str
    expires_in: int


class TicketBook:
    """Outstanding tickets by SHA-256; a leaked memory dump or log holds none that works."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[datetime, Admission]] = {}

    def issue(self, admission: Admission, now: datetime) -> str:
        """A fresh ticket of 256 random bits. Raises RuleError too_fast when too many are out."""
        self._forget_expired(now)
        if len(self._open) >= CEILING:
            raise RuleError(ErrorCode.TOO_FAST, "进入的人太多，请稍候再试")
        ticket = secrets.token_urlsafe(32)
        self._open[_digest(ticket)] = (now + LIFETIME, admission)
        return ticket

    def redeem(self, ticket: str, now: datetime) -> Admission:
        """Use the ticket up. Raises RuleError ticket_invalid: unknown, used and expired look alike."""
        expires, admission = self._open.pop(_digest(ticket), (now, None))
        if admission is None or expires <= now:
            raise RuleError(ErrorCode.TICKET_INVALID, "入场凭证已失效，请刷新页面")
        return admission

    def withdraw(self, invitation_id: str) -> None:
        """Whoever fetched a ticket for this invitation has no right to it any more."""
        held = [key for key, (_, each) in self._open.items() if each.invitation_id == invitation_id]
        for key in held:
            del self._open[key]

    def _forget_expired(self, now: datetime) -> None:
        # Insertion order is expiry order.
        for key, (expires, _) in list(self._open.items()):
            if expires > now:
                break
            del self._open[key]


async def issue_ticket(
    db: AsyncSession, clock: Clock, book: TicketBook, actor: Actor, session_id: str | None = None
) -> IssuedTicket:
    """A ticket for an official of the session's offices, or for the holder of a personal link.

    `session_id` is needed for officials; a link knows its own. Raises RuleError: the policy's refusals,
    `link_revoked`, and `consent_needed` for a guest who has not agreed to being recorded.
    """
    wanted = session_id or actor.session_id
    session = await db.get(Session, wanted) if wanted else None
    if session is None:
        raise NotFound(message="没有找到这场接访")
    require(actor, Action.JOIN, await scope_of_session(db, session))
    invitation = await _invitation(db, clock, actor, session.id)
    _check_invitation(invitation, session)
    admission = Admission(actor, session.id, invitation.id)
    return IssuedTicket(book.issue(admission, clock.now()), int(LIFETIME.total_seconds()))


async def _invitation(db: AsyncSession, clock: Clock, actor: Actor, session_id: str) -> Invitation:
    if actor.kind is ActorKind.OFFICIAL:
        return await invitation_for_official(db, clock, actor, session_id)
    found = await db.get(Invitation, actor.invitation_id) if actor.invitation_id else None
    if found is None:
        raise Forbidden(message="您没有受邀参加这场接访")
    return found


def _check_invitation(invitation: Invitation, session: Session) -> None:
    if invitation.session_id != session.id or invitation.revoked_at is not None:
        raise RuleError("link_revoked", "这个邀请已经收回")
    guest = not is_official(str(invitation.role))
    if guest and must_consent(invitation, session) and invitation.consented_at is None:
        # Nobody is recorded who was not told before (PIPL Art. 17, norm N50).
        raise RuleError("consent_needed", "请先阅读并同意告知")


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode("utf-8", "surrogatepass")).hexdigest()
