"""Signing the minutes: by hand, refused with a reason, or agreed by word of mouth; then they are locked.

The petitioner's side comes first, of a mediation then the mediator, the host last; with the host's signature
the text is final.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit, note_refusal
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, allowed
from cases.roles import INVITATION_ROLE_NAMES, InvitationRole
from scheduling.invitation import Invitation
from scheduling.minutes.reading import reading_of
from scheduling.minutes.record import (
    Minutes,
    MinutesState,
    Sheet,
    list_paragraphs,
    lock_for,
    scope_of_minutes,
)
from scheduling.minutes.strokes import read_strokes
from scheduling.reach import load_session
from scheduling.session import SessionKind
from scheduling.session_events import add_event
from scheduling.sessions.invitations import list_invitations

REASON_LIMIT = 500
# Whose word is needed before the host signs; of minutes begun from the template of mediations also the
# mediator's (People's Mediation Law, article 29: the agreement is signed by the parties and the mediator).
FIRST = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY})
FIRST_OF_MEDIATION = FIRST | {InvitationRole.MEDIATOR, InvitationRole.PARTY}


class SignatureAct(StrEnum):
    """What somebody did when asked to sign."""

    SIGNED = "signed"
    AGREED_ALOUD = "agreed_aloud"
    REFUSED = "refused"


ACT_NAMES: Mapping[SignatureAct, str] = {
    SignatureAct.SIGNED: "已签字",
    SignatureAct.AGREED_ALOUD: "口头确认（录像为证）",
    SignatureAct.REFUSED: "拒绝签字",
}


@append_only
class MinutesSignature(Base):
    """What one person did, once. `text_digest` is of the text they had before them.

    `strokes` (JSON) and `picture` (PNG) only of a signature by hand; `noted_by` is the official who wrote
    down what was said.
    """

    __tablename__ = "minutes_signatures"
    __table_args__ = (UniqueConstraint("minutes_id", "signer_id"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), index=True)
    # An invitation, or an official who hosts by post without one.
    signer_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    name: Mapped[str] = mapped_column(String(256))
    role: Mapped[str] = mapped_column(String(32))
    act: Mapped[SignatureAct]
    text_digest: Mapped[str] = mapped_column(String(64))
    strokes: Mapped[str | None] = mapped_column(Text)
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    reason: Mapped[str] = mapped_column(Text, default="")
    noted_by: Mapped[str] = mapped_column(String(256), default="")
    at: Mapped[datetime]

    @property
    def strokes_digest(self) -> str | None:
        """SHA-256 of the strokes as kept, hexadecimal."""
        return hashlib.sha256(self.strokes.encode()).hexdigest() if self.strokes else None


@dataclass(frozen=True)
class Signer:
    """Somebody who is asked to sign, in their order, and what they did.

    `first`: without their word the host does not sign.
    """

    signer_id: str
    name: str
    role: InvitationRole
    signature: MinutesSignature | None
    first: bool = False

    @property
    def role_name(self) -> str:
        """In words."""
        return INVITATION_ROLE_NAMES[self.role]


async def list_signatures(db: AsyncSession, minutes_id: str) -> tuple[MinutesSignature, ...]:
    """In the order they were given. The caller has asked the policy."""
    query = select(MinutesSignature).where(MinutesSignature.minutes_id == minutes_id)
    query = query.order_by(MinutesSignature.at, MinutesSignature.id)
    return tuple(await db.scalars(query.execution_options(populate_existing=True)))


async def list_signers(db: AsyncSession, minutes: Minutes) -> tuple[Signer, ...]:
    """The petitioner's side, the mediator, the offices, the host last. The caller has asked the policy."""
    first = FIRST_OF_MEDIATION if minutes.template == str(SessionKind.MEDIATION) else FIRST
    given = {each.signer_id: each for each in await list_signatures(db, minutes.id)}
    asked = [each for each in await list_invitations(db, minutes.session_id) if _is_asked(each, given)]
    asked.sort(key=lambda each: _ORDER[each.role])
    signers = [
        Signer(each.id, each.display_name, each.role, given.pop(each.id, None), each.role in first)
        for each in asked
    ]
    others = [Signer(each.signer_id, each.name, InvitationRole(each.role), each) for each in given.values()]
    return (*signers, *others)


_ORDER = {
    InvitationRole.PETITIONER: 0,
    InvitationRole.PARTY: 0,
    InvitationRole.PROXY: 1,
    InvitationRole.INTERPRETER: 2,
    # People's Mediation Law, article 29: after the parties the mediator signs.
    InvitationRole.MEDIATOR: 3,
    InvitationRole.DEPARTMENT: 4,
    InvitationRole.JOINT_RECEPTIONIST: 5,
    InvitationRole.RECORDER: 6,
    InvitationRole.HOST: 7,
}


def _is_asked(invitation: Invitation, given: Mapping[str, MinutesSignature]) -> bool:
    return invitation.role in _ORDER and (invitation.revoked_at is None or invitation.id in given)


def left_out(signers: Sequence[Signer], host_id: str) -> list[Signer]:
    """Who can no longer sign once this host has: everybody else who has not, but for those without whom the
    host does not sign."""
    others = [each for each in signers if not each.first and each.signer_id != host_id]
    return [each for each in others if each.signature is None]


def missing_first(signers: Sequence[Signer]) -> list[Signer]:
    """Of those whose word comes before the host's, who has neither signed nor refused."""
    return [each for each in signers if each.first and each.signature is None]


@atomic
async def sign_minutes(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, digest: str, strokes: str
) -> MinutesSignature:
    """Sign by hand the text with that digest; the host's signature locks it. Commits.

    Raises NotFound, Forbidden, Invalid at `strokes`, Conflict `minutes_changed`, `minutes_not_signing`,
    `already_signed`, `petitioner_first`, `mediator_first`.
    """
    minutes = await lock_for(db, actor, session_id, Action.SIGN_MINUTES)
    signer_id, role = await signer_of(db, actor, session_id)
    try:
        drawn = read_strokes(strokes)
    except Invalid as error:
        await note_refusal(db, clock, actor, "signature.refused", "session", session_id, {"code": error.code})
        raise
    signature = MinutesSignature(
        id=new_id(), minutes_id=minutes.id, signer_id=signer_id, name=actor.name, role=str(role),
        act=SignatureAct.SIGNED, text_digest=digest, strokes=drawn.dump(), picture=drawn.picture(),
        reason="", noted_by="", at=clock.now(),
    )  # fmt: skip
    await _add(db, clock, actor, minutes, signature)
    await db.commit()
    return signature


@atomic
async def refuse_minutes(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, digest: str, reason: str
) -> MinutesSignature:
    """Refuse to sign, with a reason in one's own words; commits.

    Raises as `sign_minutes`, Invalid at `reason`, Conflict `host_signs`.
    """
    minutes = await lock_for(db, actor, session_id, Action.SIGN_MINUTES)
    signer_id, role = await signer_of(db, actor, session_id)
    if role is InvitationRole.HOST:
        # Written down as refused the minutes would never be final, and nobody could change that.
        message = "主持人签字才能定稿。您不签的，请主持单位的另一位接访员签字。"
        raise Conflict("host_signs", message)
    signature = MinutesSignature(
        id=new_id(), minutes_id=minutes.id, signer_id=signer_id, name=actor.name, role=str(role),
        act=SignatureAct.REFUSED, text_digest=digest, strokes=None, picture=None,
        reason=_reason(reason), noted_by="", at=clock.now(),
    )  # fmt: skip
    await _add(db, clock, actor, minutes, signature)
    await db.commit()
    return signature


@atomic
async def note_signer(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, digest: str, invitation_id: str,
    act: SignatureAct, reason: str,
) -> MinutesSignature:  # fmt: skip
    """An official writes down that somebody agreed aloud, or refused or left without signing; commits.

    Raises as `refuse_minutes`; NotFound `invitation_not_found`, Forbidden without the right to write.
    """
    minutes = await lock_for(db, actor, session_id, Action.WRITE_MINUTES)
    invitation = await db.get(Invitation, invitation_id)
    if invitation is None or invitation.session_id != session_id or invitation.role not in _ORDER:
        raise NotFound("invitation_not_found", "没有找到这位参加人。")
    if act is SignatureAct.SIGNED or invitation.official_id is not None:
        raise Invalid("bad_act", "只能登记信访人一方和调解员的口头确认或拒签。", "act")
    signature = MinutesSignature(
        id=new_id(), minutes_id=minutes.id, signer_id=invitation.id, name=invitation.display_name,
        role=str(invitation.role), act=act, text_digest=digest, strokes=None, picture=None,
        reason=_reason(reason), noted_by=actor.name, at=clock.now(),
    )  # fmt: skip
    await _add(db, clock, actor, minutes, signature)
    await db.commit()
    return signature


async def _add(
    db: AsyncSession, clock: Clock, actor: Actor, minutes: Minutes, signature: MinutesSignature
) -> None:
    """Checks that all three share, then the row, its event, and the lock when the host has signed."""
    given = await list_signatures(db, minutes.id)
    if any(each.signer_id == signature.signer_id for each in given):
        raise Conflict("already_signed", "已经签过字或登记过，不用再签。")
    if minutes.state is not MinutesState.SIGNING:
        raise Conflict("minutes_not_signing", "笔录还没有到签字的时候，或已经定稿。")
    reading = await reading_of(db, Sheet(minutes, await list_paragraphs(db, minutes.id)))
    if reading.digest != signature.text_digest:
        raise Conflict("minutes_changed", "您看过之后笔录有改动，请重新看一遍再签。")
    is_host = signature.role == InvitationRole.HOST
    missing = missing_first(await list_signers(db, minutes)) if is_host else []
    if missing and all(each.role is InvitationRole.MEDIATOR for each in missing):
        message = "请先由调解员签字，或登记口头确认、拒签，主持人最后签字定稿。"
        raise Conflict("mediator_first", message)
    if missing:
        raise Conflict("petitioner_first", "请先由信访人一方签字、口头确认或登记拒签，主持人最后签字定稿。")
    db.add(signature)
    minutes.signature_count += 1
    await db.flush()
    data = {
        "name": signature.name, "role": signature.role, "act": str(signature.act),
        "text_sha256": signature.text_digest, "strokes_sha256": signature.strokes_digest,
    }  # fmt: skip
    await add_event(db, clock, minutes.session_id, "minutes.signed", actor.name or None, data=data)
    await add_audit(db, clock, actor, "minutes.signed", "session", minutes.session_id, detail=data)
    if is_host and signature.act is SignatureAct.SIGNED:
        await _lock(db, clock, actor, minutes, reading.digest)


async def _lock(db: AsyncSession, clock: Clock, actor: Actor, minutes: Minutes, digest: str) -> None:
    minutes.state = MinutesState.LOCKED
    await db.flush()
    data = {"from": "signing", "to": "locked", "version": minutes.version, "text_sha256": digest}
    await add_event(db, clock, minutes.session_id, "minutes.locked", actor.name or None, data=data)
    await add_audit(db, clock, actor, "minutes.locked", "session", minutes.session_id, detail=data)


async def signer_of(db: AsyncSession, actor: Actor, session_id: str) -> tuple[str, InvitationRole]:
    """As whom they sign. Raises Forbidden `not_a_signer` for those who are not asked to.

    Who was not invited signs by post: as host whoever may host, as recorder who only writes.
    """
    for invitation in await list_invitations(db, session_id):
        named = actor.official_id is not None and invitation.official_id == actor.official_id
        if invitation.revoked_at is None and (invitation.id == actor.invitation_id or named):
            if invitation.role not in _ORDER:
                break
            return invitation.id, invitation.role
    else:
        if actor.official_id is not None:
            scope = await scope_of_minutes(db, await load_session(db, session_id))
            hosts = allowed(actor, Action.HOST, scope)
            return actor.official_id, InvitationRole.HOST if hosts else InvitationRole.RECORDER
    raise Forbidden("not_a_signer", "您不需要在这份笔录上签字。")


def _reason(reason: str) -> str:
    words = clean_text(reason, "reason", "原因", REASON_LIMIT)
    if not words:
        raise Invalid("required", "请写明原因。", "reason")
    return words
