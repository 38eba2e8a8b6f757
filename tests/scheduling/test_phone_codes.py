"""A code to the telephone of who hands in a matter: few, short-lived, five guesses, bound to its form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import RuleError
from scheduling.arrival.identity import LIFETIME, PAUSE, Secrets
from scheduling.intake.phone_codes import (
    CODES_PER_DAY,
    CODES_PER_HOUR,
    KEPT,
    VALID,
    PhoneCode,
    confirm_phone,
    confirmed_at,
    forget_phone_codes,
    send_phone_code,
)
from scheduling.notices.delivering import deliver_notices
from scheduling.notices.gateway import Envelope, Message
from scheduling.notices.notice import NoticeAddress, NoticeDraft, NoticeEvent, NoticeState
from tests.clock import FixedClock
from tests.factories import World

PHONE, OTHER = "13800138000", "13900139000"
FORM, SECOND = "a" * 32, "b" * 32
CODES = iter(f"{number:06d}" for number in range(100_000, 999_999))
KEPT_SECRETS = Secrets(b"k" * 32, Envelope(Fernet.generate_key()), lambda: next(CODES))


class Pocket:
    """A gateway that keeps what it was given."""

    keeps_text = False

    def __init__(self) -> None:
        self.got: list[Message] = []

    async def send(self, message: Message) -> None:
        self.got.append(message)


async def last_state(db: AsyncSession) -> NoticeState | None:
    """Of the only message."""
    return await db.scalar(select(NoticeEvent.state).order_by(NoticeEvent.sequence.desc()).limit(1))


async def send(
    db: AsyncSession, clock: FixedClock, world: World, form: str = FORM, phone: str = PHONE
) -> str:
    """The code that arrived."""
    pocket = Pocket()
    await send_phone_code(db, clock, KEPT_SECRETS, form, phone, world.chengguan.id)
    await deliver_notices(db, clock, KEPT_SECRETS.envelope, pocket)
    (message,) = pocket.got
    assert message.recipient == phone
    return message.text.partition("验证码是 ")[2][:6]


async def refused(
    db: AsyncSession, clock: FixedClock, typed: str, form: str = FORM, phone: str = PHONE
) -> str:
    with pytest.raises(RuleError) as caught:
        await confirm_phone(db, clock, KEPT_SECRETS, form, phone, typed)
    assert caught.value.field == "code"
    return caught.value.code


async def test_the_right_code_confirms_this_form_and_number_alone(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    assert await refused(db, clock, "123456") == "no_code"
    code = await send(db, clock, world)
    assert await refused(db, clock, "abc") == "bad_code"
    assert await refused(db, clock, "000000") == "code_wrong"
    assert await refused(db, clock, code, SECOND) == "no_code"
    assert await refused(db, clock, code, FORM, OTHER) == "no_code"
    assert await confirm_phone(db, clock, KEPT_SECRETS, FORM, PHONE, f" {code[:3]}-{code[3:]}") == clock.now()
    clock.advance(minutes=5)
    assert await confirm_phone(db, clock, KEPT_SECRETS, FORM, PHONE, "") == clock.now() - timedelta(minutes=5)
    assert await confirmed_at(db, clock, KEPT_SECRETS, FORM, OTHER) is None
    clock.advance(seconds=VALID.total_seconds())
    assert await confirmed_at(db, clock, KEPT_SECRETS, FORM, PHONE) is None


async def test_a_code_is_guessed_five_times_and_lives_ten_minutes(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    code = await send(db, clock, world)
    told = [await refused(db, clock, "000000") for _ in range(6)]
    assert told == ["code_wrong"] * 5 + ["code_spent"]
    assert await refused(db, clock, code) == "code_spent"
    clock.advance(seconds=PAUSE.total_seconds())
    later = await send(db, clock, world)
    assert await refused(db, clock, code) == "code_wrong"  # An earlier one no longer counts.
    clock.advance(seconds=LIFETIME.total_seconds())
    assert await refused(db, clock, later) == "code_expired"


async def test_nobodys_telephone_is_flooded(db: AsyncSession, clock: FixedClock, world: World) -> None:
    async def flood(form: str) -> str:
        with pytest.raises(RuleError) as caught:
            await send_phone_code(db, clock, KEPT_SECRETS, form, PHONE, world.chengguan.id)
        return caught.value.code

    await send(db, clock, world)
    assert await flood(SECOND) == "code_too_soon"
    for _ in range(CODES_PER_HOUR - 1):
        clock.advance(seconds=PAUSE.total_seconds())
        await send(db, clock, world)
    clock.advance(seconds=PAUSE.total_seconds())
    assert await flood(FORM) == "too_many_codes"
    for number in range(CODES_PER_DAY - CODES_PER_HOUR):
        await send(db, clock, world, f"{number:032d}")
        clock.advance(seconds=PAUSE.total_seconds())
    assert await flood(SECOND) == "too_many_codes"
    await send(db, clock, world, SECOND, OTHER)


async def test_neither_number_nor_code_is_kept(db: AsyncSession, clock: FixedClock, world: World) -> None:
    code = await send(db, clock, world)
    row = (await db.scalars(select(PhoneCode))).one()
    assert PHONE not in str(vars(row)) and code not in str(vars(row))
    assert await last_state(db) is NoticeState.SENT
    for kept in (NoticeDraft, NoticeAddress):
        assert (await db.scalars(select(kept))).all() == []
    clock.advance(seconds=KEPT.total_seconds())
    assert await forget_phone_codes(db, clock) == 1


async def test_a_code_that_nobody_may_use_any_more_is_not_sent(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    pocket = Pocket()
    await send_phone_code(db, clock, KEPT_SECRETS, FORM, PHONE, world.chengguan.id)
    clock.advance(seconds=LIFETIME.total_seconds())
    assert await deliver_notices(db, clock, KEPT_SECRETS.envelope, pocket) == 0
    assert (await last_state(db), pocket.got) == (NoticeState.FAILED, [])
    assert (await db.scalars(select(NoticeDraft))).all() == []
