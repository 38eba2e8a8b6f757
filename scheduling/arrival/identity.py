"""Who the person behind a link is: by a code to the phone, by an official's own eyes, or by a provider.

However it was done, the result is on the invitation and an event of the session, so it is part of the
evidence; numbers of documents are not (PIPL Art. 19: no more and no longer than needed).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, RuleError
from cases.fields import clean, clean_text, mask_id_number, mask_phone
from cases.policy import Action, Actor, Scope, require
from cases.roles import InvitationRole
from scheduling.invitation import Invitation
from scheduling.notices.gateway import Envelope
from scheduling.notices.queueing import about_session, add_notice, count_sent_to
from scheduling.reach import get_invitation, load_session, manageable
from scheduling.session_events import add_event

CODE_DIGITS = 6
LIFETIME = timedelta(minutes=10)
TRIES = 5  # Of one code; then a new one is needed.
PAUSE = timedelta(seconds=60)  # Between two codes.
CODES_PER_HOUR = 5  # For one link: at most 25 guesses an hour at one of a million.
CODES_PER_PHONE = 20  # In a day, over all links.
# Whoever speaks for the matter proves who he is; a companion or interpreter is named by that person.
NEEDS_IDENTITY = frozenset({InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.PARTY})


class How(StrEnum):
    """By which means somebody was identified."""

    SMS = "sms"
    PHONE = "phone"
    ROOM = "room"
    STATION = "station"
    PROVIDER = "provider"


HOW_NAMES: Mapping[How, str] = {
    How.SMS: "短信验证码",
    How.PHONE: "工作人员电话核验",
    How.ROOM: "工作人员视频中核验",
    How.STATION: "接访点现场核验证件",
    How.PROVIDER: "政务服务网登录",
}
BY_STAFF = frozenset({How.PHONE, How.ROOM, How.STATION})


class IdentityCode(Base):
    """A code that was sent. Only its keyed digest is kept; `tries` counts every guess, right or wrong."""

    __tablename__ = "identity_codes"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What use cases of this file need that is not in the database: the digest's key, the envelope, dice."""

    key: bytes
    envelope: Envelope
    make_code: Callable[[], str] = lambda: f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


def needs_identity(invitation: Invitation) -> bool:
    """Tell whether this person still has to say who he is."""
    return invitation.role in NEEDS_IDENTITY and invitation.identified_at is None


def needs_id_number(invitation: Invitation, wanted: bool) -> bool:
    """Tell whether the number of the identity card is still to be checked; `wanted` by the session."""
    return wanted and invitation.role in NEEDS_IDENTITY and invitation.id_number_checked_at is None


def phone_of(invitation: Invitation) -> str | None:
    """The mobile number a code can be sent to."""
    phone = invitation.person.phone if invitation.person else None
    return phone if phone and phone.startswith("1") and len(phone) == 11 else None


@atomic
async def send_code(db: AsyncSession, clock: Clock, actor: Actor, kept: Secrets) -> IdentityCode:
    """Send a new code to the phone of the link holder and commit; an earlier code stops working.

    Raises RuleError `no_phone`, `code_too_soon`, `too_many_codes`, `outbox_full`.
    """
    invitation = await own_invitation(db, actor)
    phone = phone_of(invitation)
    if phone is None:
        raise RuleError("no_phone", "登记的信息里没有手机号，请工作人员核验身份。")
    session = await load_session(db, invitation.session_id, lock=True)  # Two taps take turns.
    await _refuse_flood(db, clock, invitation.id, phone)
    code = kept.make_code()
    row = IdentityCode(
        id=new_id(), invitation_id=invitation.id, digest=_digest(kept.key, invitation.id, code),
        created_at=clock.now(), expires_at=clock.now() + LIFETIME,
    )  # fmt: skip
    db.add(row)
    about = about_session(session)
    await add_notice(db, clock, kept.envelope, about, phone, "identity_code", {"code": code}, row.expires_at)
    data = {"invitation_id": invitation.id, "phone": mask_phone(phone)}
    await add_event(db, clock, session.id, "identity.code_sent", actor.name, data=data)
    await db.commit()
    return row


async def confirm_code(db: AsyncSession, clock: Clock, actor: Actor, kept: Secrets, typed: str) -> Invitation:
    """Hold what was typed against the last code, and commit. Doing it again after success is fine.

    Raises Invalid `bad_code` at `code`, RuleError `code_wrong`, `code_expired`, `code_spent`, `no_code`.
    """
    invitation = await own_invitation(db, actor)
    if invitation.identified_at is not None:
        return invitation
    digits = clean(typed).replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == CODE_DIGITS):
        raise Invalid("bad_code", f"验证码是 {CODE_DIGITS} 位数字，请看短信重新填写。", "code")
    code = await _last_code(db, invitation.id)
    if code is None:
        raise RuleError("no_code", "请先获取验证码。", "code")
    if clock.now() >= code.expires_at:
        raise RuleError("code_expired", "验证码已过 10 分钟，请重新获取。", "code")
    tries = await _count_try(db, code.id)
    if tries is None:
        raise RuleError("code_spent", f"已经输错 {TRIES} 次，请重新获取验证码，或请工作人员核验。", "code")
    right = hmac.compare_digest(code.digest, _digest(kept.key, invitation.id, digits))
    if not right:
        await _note_wrong(db, clock, actor, invitation, tries)
        raise RuleError("code_wrong", f"验证码不对，还可以试 {TRIES - tries} 次。", "code")
    if await _use(db, clock, code.id):
        await _identify(db, clock, actor, invitation, How.SMS)
    await db.commit()
    return invitation


@atomic
async def confirm_by_official(
    db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str, how: How, words: str = ""
) -> Invitation:
    """An official says by which means he made sure who this is; commits. Raises Conflict, Invalid `how`."""
    invitation, _ = await manageable(db, actor, invitation_id, Action.RECEIVE)
    if how not in BY_STAFF:
        raise Invalid("bad_how", "请选择核验的方式。", "how")
    if invitation.identified_at is not None:
        raise Conflict("already_identified", "这位参加人的身份已经核验过。")
    remark = clean_text(words, "words", "说明", 200)
    await _identify(db, clock, actor, invitation, how, remark)
    await add_audit(db, clock, actor, "identity.confirmed", "invitation", invitation.id, detail={"how": how})
    await db.commit()
    return invitation


@atomic
async def confirm_by_provider(
    db: AsyncSession, clock: Clock, actor: Actor, issuer: str, name: str
) -> Invitation:
    """The link holder signed in at a provider whose statement was verified; commits.

    The name it states is held against the registered one and kept nowhere. Raises RuleError `name_differs`.
    """
    invitation = await own_invitation(db, actor)
    if invitation.identified_at is None:
        registered = invitation.person.name if invitation.person else invitation.display_name
        if clean(name[:200]) != clean(registered):
            data = {"invitation_id": invitation.id, "words": issuer}
            await add_event(db, clock, invitation.session_id, "identity.refused", actor.name, data=data)
            await add_audit(db, clock, actor, "identity.refused", "invitation", invitation.id, "refused")
            await db.commit()
            message = "这个账号的姓名与登记的不一致。请用本人的账号，或者请工作人员核验。"
            raise RuleError("name_differs", message, "code")
        await _identify(db, clock, actor, invitation, How.PROVIDER, issuer)
        await db.commit()
    return invitation


@atomic
async def check_id_number(db: AsyncSession, clock: Clock, actor: Actor, typed: str) -> Invitation:
    """Check the number of the identity card (GB 11643) and commit; only its masked form is ever kept.

    Where one was registered, both must agree. Raises Invalid `bad_id_number`, RuleError `id_number_differs`.
    """
    invitation = await own_invitation(db, actor)
    masked, person = mask_id_number(typed), invitation.person
    if person is not None and person.id_number_masked not in (None, masked):
        data = {"invitation_id": invitation.id}
        await add_event(db, clock, invitation.session_id, "identity.number_differs", actor.name, data=data)
        await db.commit()
        message = "这个号码与登记的不一致，请核对。仍然不对的，请工作人员核验。"
        raise RuleError("id_number_differs", message, "id_number")
    if invitation.id_number_checked_at is None:
        if person is not None:
            person.id_number_masked = masked
        invitation.id_number_checked_at = clock.now()
        data = {"invitation_id": invitation.id}
        await add_event(db, clock, invitation.session_id, "identity.number_checked", actor.name, data=data)
        await db.commit()
    return invitation


async def own_invitation(db: AsyncSession, actor: Actor) -> Invitation:
    """The invitation of the link holder who asks. Raises Forbidden for everybody else."""
    require(actor, Action.JOIN, Scope(session_id=actor.session_id))
    if actor.invitation_id is None:
        raise Forbidden()
    return await get_invitation(db, actor.invitation_id)


async def _identify(
    db: AsyncSession, clock: Clock, actor: Actor, invitation: Invitation, how: How, words: str = ""
) -> None:
    invitation.identified_at, invitation.identified_how = clock.now(), how
    invitation.identified_by = actor.official_id
    data = {"invitation_id": invitation.id, "name": invitation.display_name, "how": str(how)}
    data |= {"words": words} if words else {}
    await add_event(db, clock, invitation.session_id, "identity.confirmed", actor.name, data=data)


async def _refuse_flood(db: AsyncSession, clock: Clock, invitation_id: str, phone: str) -> None:
    now = clock.now()
    last = await _last_code(db, invitation_id)
    if last is not None and now - last.created_at < PAUSE:
        raise RuleError("code_too_soon", "验证码刚刚发出，请等一分钟再重新获取。", "code")
    recent = select(func.count()).select_from(IdentityCode)
    recent = recent.where(
        IdentityCode.invitation_id == invitation_id, IdentityCode.created_at > now - timedelta(hours=1)
    )
    day = await count_sent_to(db, phone, "identity_code", now - timedelta(days=1))
    if (await db.scalar(recent) or 0) >= CODES_PER_HOUR or day >= CODES_PER_PHONE:
        message = "短时间内获取验证码太多次。请过一小时再试，或请工作人员核验。"
        raise RuleError("too_many_codes", message, "code")


async def _last_code(db: AsyncSession, invitation_id: str) -> IdentityCode | None:
    query = select(IdentityCode).where(
        IdentityCode.invitation_id == invitation_id, IdentityCode.used_at.is_(None)
    )
    query = query.order_by(IdentityCode.created_at.desc()).limit(1)
    return await db.scalar(query.execution_options(populate_existing=True))


async def _count_try(db: AsyncSession, code_id: str) -> int | None:
    """Count before looking, so that a thousand guesses at once are still a thousand; None: no try is left."""
    left = (IdentityCode.id == code_id) & (IdentityCode.tries < TRIES)
    advance = update(IdentityCode).where(left).values(tries=IdentityCode.tries + 1)
    tries = await db.scalar(advance.returning(IdentityCode.tries))
    await db.commit()
    return tries


async def _use(db: AsyncSession, clock: Clock, code_id: str) -> bool:
    unused = (IdentityCode.id == code_id) & IdentityCode.used_at.is_(None)
    taken = update(IdentityCode).where(unused).values(used_at=clock.now()).returning(IdentityCode.id)
    return await db.scalar(taken) is not None


async def _note_wrong(
    db: AsyncSession, clock: Clock, actor: Actor, invitation: Invitation, tries: int
) -> None:
    """One line for the officials and the audit when the last try of a code was wrong."""
    if tries < TRIES:
        return
    data = {"invitation_id": invitation.id, "tries": tries}
    await add_event(db, clock, invitation.session_id, "identity.refused", actor.name, data=data)
    await add_audit(db, clock, actor, "identity.refused", "invitation", invitation.id, "refused")
    await db.commit()


def _digest(key: bytes, invitation_id: str, code: str) -> str:
    """HMAC-SHA-256 (hex): six digits alone could be tried out by whoever reads the table."""
    return hmac.new(key, f"{invitation_id}:{code}".encode(), hashlib.sha256).hexdigest()
