"""Signing the minutes on one's own phone: a link for one signer, one text, ten minutes, shown as a QR code.

Who signs at a kiosk reads there and writes on the phone in their hand. The link is not the personal link: it
opens nothing but a pad, on the first device that opens it, and signs nothing but the text it was made for.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, NotFound, RuleError
from cases.policy import Action, Actor, ActorKind
from cases.signin import hash_secret
from scheduling.invitation import Invitation
from scheduling.minutes.reading import reading_of
from scheduling.minutes.record import Minutes, MinutesState, Sheet, list_paragraphs, lock_for
from scheduling.minutes.signature import MinutesSignature, list_signatures, sign_minutes
from scheduling.session_events import add_event
from scheduling.transitions import require_transition

SECRET_BYTES = 32
MAX_SECRET = 256
LIFETIME = timedelta(minutes=10)


class PhoneSigningState(StrEnum):
    """Where a link stands; after its time one that was not used counts as expired."""

    WAITING = "waiting"
    OPENED = "opened"
    SIGNED = "signed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


S = PhoneSigningState
TRANSITIONS: Mapping[PhoneSigningState, frozenset[PhoneSigningState]] = {
    S.WAITING: frozenset({S.OPENED, S.CANCELLED}),
    S.OPENED: frozenset({S.SIGNED, S.CANCELLED}),
    S.SIGNED: frozenset(),
    S.CANCELLED: frozenset(),
    S.EXPIRED: frozenset(),
}
LIVE = frozenset({S.WAITING, S.OPENED})
OVER_WORDS: Mapping[PhoneSigningState, str] = {
    S.SIGNED: "已经签过字，这个二维码不能再用。",
    S.CANCELLED: "这次手机签字已经取消。要重新签，请在原来的屏幕上再生成一个二维码。",
    S.EXPIRED: "二维码已经过期。请在原来的屏幕上再生成一个。",
}


class PhoneSigning(Base):
    """One issued link. Only the SHA-256 (hex) of its secret and of the device's secret is stored."""

    __tablename__ = "phone_signings"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), index=True)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"))
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"))
    text_digest: Mapped[str] = mapped_column(String(64))
    secret_hash: Mapped[str] = mapped_column(String(64))
    device_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    state: Mapped[PhoneSigningState]
    issued_at: Mapped[datetime]
    valid_until: Mapped[datetime]

    def state_at(self, now: datetime) -> PhoneSigningState:
        """What it is worth at that moment."""
        return S.EXPIRED if self.state in LIVE and now >= self.valid_until else self.state


@dataclass(frozen=True, slots=True)
class IssuedSigning:
    """`secret` is told this once, for the QR code."""

    signing: PhoneSigning
    secret: str = field(repr=False)


@atomic
async def issue_phone_signing(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, digest: str
) -> IssuedSigning:
    """A link for the holder of a personal link to sign the text of that digest; an earlier one ends. Commits.

    Raises NotFound, Forbidden, Conflict `minutes_changed`, `minutes_not_signing`, `already_signed`.
    """
    minutes = await lock_for(db, actor, session_id, Action.SIGN_MINUTES)
    invitation_id = str(actor.invitation_id)
    await _check(db, minutes, invitation_id, digest)
    for earlier in await _live(db, clock, minutes.id, invitation_id):
        earlier.state = S.CANCELLED
    secret, now = secrets.token_urlsafe(SECRET_BYTES), clock.now()
    signing = PhoneSigning(
        id=new_id(), minutes_id=minutes.id, session_id=session_id, invitation_id=invitation_id,
        text_digest=digest, secret_hash=hash_secret(secret), state=S.WAITING, issued_at=now,
        valid_until=now + LIFETIME,
    )  # fmt: skip
    db.add(signing)
    await _note(db, clock, actor, signing, "phone_signing.issued")
    await db.commit()
    return IssuedSigning(signing, secret)


@atomic
async def open_phone_signing(db: AsyncSession, clock: Clock, signing_id: str, secret: str) -> str:
    """Give the link to the first device that opens it; returns what that device keeps. Commits.

    Whoever lacks the secret gets one answer for every cause. Raises NotFound `signing_unknown`,
    Conflict `signing_over`, `signing_used`.
    """
    signing = await _load(db, signing_id, secret)
    _require_live(clock, signing)
    device = secrets.token_urlsafe(SECRET_BYTES)
    free = (PhoneSigning.id == signing.id) & (PhoneSigning.state == S.WAITING)
    claim = update(PhoneSigning).where(free).values(state=S.OPENED, device_hash=hash_secret(device))
    if await db.scalar(claim.returning(PhoneSigning.id)) is None:  # Another phone was faster.
        raise Conflict("signing_used", "这个二维码已经在另一部手机上打开。请在原来的屏幕上再生成一个。")
    await add_event(db, clock, signing.session_id, "phone_signing.opened", data=_data(signing))
    await db.commit()
    return device


async def find_opened_signing(db: AsyncSession, signing_id: str, device: str) -> PhoneSigning | None:
    """The link in the hands of this device, in whatever state it is; None for every other device."""
    if not device or len(device) > MAX_SECRET:
        return None
    mine = (PhoneSigning.id == signing_id) & (PhoneSigning.device_hash == hash_secret(device))
    query = select(PhoneSigning).where(mine)
    return await db.scalar(query.execution_options(populate_existing=True))


@atomic
async def sign_by_phone(
    db: AsyncSession, clock: Clock, signing_id: str, device: str, strokes: str
) -> MinutesSignature:
    """Sign, as the person the link was made for, the text it was made for; the link is used up. Commits.

    Raises as `sign_minutes`; NotFound `signing_unknown`, Conflict `signing_over`.
    """
    signing = await find_opened_signing(db, signing_id, device)
    if signing is None:
        raise _unknown()
    _require_live(clock, signing)
    invitation = await db.get_one(Invitation, signing.invitation_id)
    if invitation.revoked_at is not None:
        raise _unknown()
    require_transition(TRANSITIONS, signing.state, S.SIGNED, OVER_WORDS[S.CANCELLED])
    signing.state = S.SIGNED
    await db.flush()
    actor = Actor(
        kind=ActorKind.INVITEE, name=invitation.display_name, invitation_id=invitation.id,
        session_id=invitation.session_id, invitation_role=invitation.role,
    )  # fmt: skip
    return await sign_minutes(db, clock, actor, signing.session_id, signing.text_digest, strokes)


@atomic
async def cancel_phone_signing(db: AsyncSession, clock: Clock, actor: Actor, session_id: str) -> None:
    """The signer goes back to the kiosk's own pad: their link ends, if there is one. Commits."""
    minutes = await lock_for(db, actor, session_id, Action.SIGN_MINUTES)
    await _cancel(db, clock, actor, minutes, str(actor.invitation_id))


@atomic
async def cancel_for_signer(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, invitation_id: str
) -> None:
    """An official who writes the minutes ends the link of somebody else. Commits."""
    minutes = await lock_for(db, actor, session_id, Action.WRITE_MINUTES)
    await _cancel(db, clock, actor, minutes, invitation_id)


async def newest_signing(db: AsyncSession, actor: Actor) -> PhoneSigning | None:
    """The holder's own newest link, for the page that shows it."""
    query = select(PhoneSigning).where(PhoneSigning.invitation_id == actor.invitation_id)
    # One at most is live or has served, and none comes after it; two of one moment have no other order.
    counts = PhoneSigning.state.in_(LIVE | {S.SIGNED}).desc()
    query = query.order_by(counts, PhoneSigning.issued_at.desc(), PhoneSigning.id)
    query = query.limit(1)
    return await db.scalar(query.execution_options(populate_existing=True))


async def waiting_signers(db: AsyncSession, clock: Clock, minutes: Minutes) -> frozenset[str]:
    """Invitation ids of those who are signing on a phone just now. The caller has asked the policy."""
    return frozenset(each.invitation_id for each in await _live(db, clock, minutes.id))


async def _check(db: AsyncSession, minutes: Minutes, invitation_id: str, digest: str) -> None:
    if minutes.state is not MinutesState.SIGNING:
        raise Conflict("minutes_not_signing", "笔录还没有到签字的时候，或已经定稿。")
    if any(each.signer_id == invitation_id for each in await list_signatures(db, minutes.id)):
        raise Conflict("already_signed", "已经签过字或登记过，不用再签。")
    reading = await reading_of(db, Sheet(minutes, await list_paragraphs(db, minutes.id)))
    if reading.digest != digest:
        raise Conflict("minutes_changed", "您看过之后笔录有改动，请重新看一遍再签。")


async def _cancel(db: AsyncSession, clock: Clock, actor: Actor, minutes: Minutes, invitation_id: str) -> None:
    for signing in await _live(db, clock, minutes.id, invitation_id):
        signing.state = S.CANCELLED
        await _note(db, clock, actor, signing, "phone_signing.cancelled")
    await db.commit()


async def _live(
    db: AsyncSession, clock: Clock, minutes_id: str, invitation_id: str | None = None
) -> list[PhoneSigning]:
    query = select(PhoneSigning).where(PhoneSigning.minutes_id == minutes_id, PhoneSigning.state.in_(LIVE))
    if invitation_id is not None:
        query = query.where(PhoneSigning.invitation_id == invitation_id)
    found = await db.scalars(query.where(PhoneSigning.valid_until > clock.now()))
    return list(found)


async def _load(db: AsyncSession, signing_id: str, secret: str) -> PhoneSigning:
    known = (PhoneSigning.id == signing_id) & (PhoneSigning.secret_hash == hash_secret(secret[:MAX_SECRET]))
    query = select(PhoneSigning).where(known)
    signing = await db.scalar(query.execution_options(populate_existing=True))
    if signing is None:
        raise _unknown()
    return signing


def _require_live(clock: Clock, signing: PhoneSigning) -> None:
    state = signing.state_at(clock.now())
    if state not in LIVE:
        raise Conflict("signing_over", OVER_WORDS[state])


def _unknown() -> RuleError:
    return NotFound("signing_unknown", "这个二维码不对。请重新扫一次屏幕上的二维码。")


def _data(signing: PhoneSigning) -> dict[str, str]:
    return {"invitation_id": signing.invitation_id, "text_sha256": signing.text_digest}


async def _note(db: AsyncSession, clock: Clock, actor: Actor, signing: PhoneSigning, kind: str) -> None:
    await add_event(db, clock, signing.session_id, kind, actor.name or None, data=_data(signing))
    await add_audit(db, clock, actor, kind, "session", signing.session_id, detail=_data(signing))
