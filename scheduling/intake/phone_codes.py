"""A code to the telephone of who hands in a matter, so that answers reach the person who asked.

Neither number nor code is kept: a row holds keyed digests, and goes after a day. Whoever gets no message is
not turned away; the office calls instead, and until then the case says that the number is not confirmed.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Invalid, RuleError
from cases.fields import clean
from cases.policy import ANONYMOUS, Action, require
from scheduling.arrival.identity import CODE_DIGITS, LIFETIME, PAUSE, TRIES, Secrets
from scheduling.notices.queueing import About, add_notice

TEMPLATE = "phone_code"
CODES_PER_HOUR = 5  # For one form: at most 25 guesses an hour at one of a million.
CODES_PER_DAY = 10  # For one number, over all forms: nobody's telephone rings all day.
VALID = timedelta(hours=1)  # So long a form that was confirmed may be handed in.
KEPT = timedelta(days=1)


class PhoneCode(Base):
    """A code that was sent for one form. `tries` counts every guess, right or wrong."""

    __tablename__ = "phone_codes"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    phone_mark: Mapped[str] = mapped_column(String(64), index=True)
    form_id: Mapped[str] = mapped_column(String(ID_LENGTH), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(default=None)


def takes_messages(phone: str) -> bool:
    """Whether a code can be sent to this number: a mobile one."""
    return len(phone) == 11 and phone.startswith("1")


@atomic
async def send_phone_code(
    db: AsyncSession, clock: Clock, kept: Secrets, form_id: str, phone: str, organisation_id: str
) -> None:
    """Send a new code and commit; an earlier one of the form stops working.

    Raises RuleError `code_too_soon`, `too_many_codes`.
    """
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    mark = _mark(kept, phone)
    await _refuse_flood(db, clock, form_id, mark)
    code, row_id = kept.make_code(), new_id()
    until = clock.now() + LIFETIME
    db.add(
        PhoneCode(
            id=row_id, phone_mark=mark, form_id=form_id, digest=_digest(kept, row_id, code),
            created_at=clock.now(), expires_at=until, tries=0,
        )
    )  # fmt: skip
    about = About(organisation_id)
    await add_notice(db, clock, kept.envelope, about, phone, TEMPLATE, {"code": code}, until)
    await db.commit()


async def confirm_phone(
    db: AsyncSession, clock: Clock, kept: Secrets, form_id: str, phone: str, typed: str
) -> datetime:
    """Hold what was typed against the last code of this form and number, and commit. Returns when it fitted.

    A form that was confirmed stays so for an hour. Raises Invalid `bad_code`, RuleError `code_wrong`,
    `code_expired`, `code_spent`, `no_code`, all at `code`.
    """
    before = await confirmed_at(db, clock, kept, form_id, phone)
    if before is not None:
        return before
    digits = clean(typed).replace(" ", "").replace("-", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) == CODE_DIGITS):
        raise Invalid("bad_code", f"验证码是 {CODE_DIGITS} 位数字，请看短信重新填写。", "code")
    query = select(PhoneCode).where(*_same(kept, form_id, phone)).order_by(PhoneCode.created_at.desc())
    code = (await db.scalars(query.limit(1))).first()
    if code is None:
        raise RuleError("no_code", "请先获取验证码。", "code")
    if clock.now() >= code.expires_at:
        raise RuleError("code_expired", "验证码已过 10 分钟，请重新获取。", "code")
    guess = update(PhoneCode).where(PhoneCode.id == code.id, PhoneCode.tries < TRIES)
    tries = await db.scalar(guess.values(tries=PhoneCode.tries + 1).returning(PhoneCode.tries))
    await db.commit()  # A wrong guess counts, whatever happens next.
    if tries is None:
        raise RuleError("code_spent", f"已经输错 {TRIES} 次，请重新获取验证码，或请工作人员核验。", "code")
    if not hmac.compare_digest(code.digest, _digest(kept, code.id, digits)):
        raise RuleError("code_wrong", f"验证码不对，还可以试 {TRIES - tries} 次。", "code")
    await db.execute(update(PhoneCode).where(PhoneCode.id == code.id).values(used_at=clock.now()))
    await db.commit()
    return clock.now()


async def confirmed_at(
    db: AsyncSession, clock: Clock, kept: Secrets, form_id: str, phone: str
) -> datetime | None:
    """When this form was confirmed for this number, if that still holds."""
    query = select(func.max(PhoneCode.used_at)).where(*_same(kept, form_id, phone))
    return await db.scalar(query.where(PhoneCode.used_at > clock.now() - VALID))


async def awaits_code(db: AsyncSession, clock: Clock, kept: Secrets, form_id: str, phone: str) -> bool:
    """Whether a code that was sent for this form and number can still be typed."""
    query = select(PhoneCode.id).where(*_same(kept, form_id, phone), PhoneCode.expires_at > clock.now())
    return await db.scalar(query.limit(1)) is not None


async def forget_phone_codes(db: AsyncSession, clock: Clock) -> int:
    """Forget what is of no use any more; commits. Returns how many."""
    old = delete(PhoneCode).where(PhoneCode.created_at <= clock.now() - KEPT)
    gone = list(await db.scalars(old.returning(PhoneCode.id)))
    await db.commit()
    return len(gone)


async def _refuse_flood(db: AsyncSession, clock: Clock, form_id: str, mark: str) -> None:
    now = clock.now()
    same_phone, same_form = PhoneCode.phone_mark == mark, PhoneCode.form_id == form_id
    if await _count(db, same_phone, now - PAUSE):
        raise RuleError("code_too_soon", "刚刚发过验证码，请等 1 分钟再试。", "code")
    hourly = await _count(db, same_form, now - timedelta(hours=1))
    if hourly >= CODES_PER_HOUR or await _count(db, same_phone, now - KEPT) >= CODES_PER_DAY:
        raise RuleError("too_many_codes", "验证码发得太多了。请点「请工作人员打电话核实」。", "code")


async def _count(db: AsyncSession, which: ColumnElement[bool], since: datetime) -> int:
    query = select(func.count()).select_from(PhoneCode).where(which, PhoneCode.created_at > since)
    return await db.scalar(query) or 0


def _same(kept: Secrets, form_id: str, phone: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return PhoneCode.form_id == form_id, PhoneCode.phone_mark == _mark(kept, phone)


def _mark(kept: Secrets, phone: str) -> str:
    return hmac.new(kept.key, f"phone:{phone}".encode(), hashlib.sha256).hexdigest()


def _digest(kept: Secrets, row_id: str, code: str) -> str:
    return hmac.new(kept.key, f"{row_id}:{code}".encode(), hashlib.sha256).hexdigest()
