"""Units that must attend a reception day are told at their duty telephone: held, changed, called off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from scheduling.notices.attendance import attendance_of, set_duty_phone, tell_units
from scheduling.notices.delivering import ATTEMPTS, CLAIM, deliver_notices
from scheduling.notices.notice import Notice, NoticeAddress, NoticeChannel, NoticeState
from scheduling.notices.outbox import list_outbox
from scheduling.rota.planning import cancel_day, publish_day, stand_in
from scheduling.rota.reception_day import DayState, ReceptionDay
from tests.clock import FixedClock
from tests.factories import World
from tests.scheduling.test_rota import LEADER, OWN, tomorrow
from tests.scheduling.test_telling import TELLING


async def notices(db: AsyncSession) -> Sequence[Notice]:
    return (await db.scalars(select(Notice).order_by(Notice.queued_at, Notice.id))).all()


async def test_a_unit_hears_of_the_day_of_each_change_and_of_its_end(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    tell = partial(tell_units, db, clock, TELLING)
    await stand_in(db, clock, own, day.id, world.officials[OWN].id, tell)
    assert not await notices(db)  # Nobody knows of the day yet.
    await stand_in(db, clock, own, day.id, world.officials[LEADER].id, tell)
    await set_duty_phone(db, clock, own, day.id, world.housing.id, "138 0000 9999")
    await publish_day(db, clock, own, day.id, tell)
    clock.advance(minutes=1)
    await stand_in(db, clock, own, day.id, world.officials[OWN].id, tell)
    clock.advance(minutes=1)
    await cancel_day(db, clock, own, day.id, "上级开会", tell)
    told = await notices(db)
    kinds = ["attendance_asked", "attendance_changed", "attendance_cancelled"]
    assert [each.template for each in told] == kinds
    assert {each.channel for each in told} == {NoticeChannel.SMS}
    assert set(await db.scalars(select(NoticeAddress.recipient))) == {"13800009999"}
    asked, changed, off = (each.text for each in told)
    assert world.housing.name in asked and world.officials[LEADER].name in asked and "领导接访室" in asked
    assert world.officials[OWN].name in changed and "上级开会" in off
    [line] = await attendance_of(db, day)
    assert line.notice is not None and line.step is not None
    assert (line.phone, line.notice.template) == ("13800009999", kinds[2])
    assert line.step.state is NoticeState.QUEUED


async def test_what_cannot_be_sent_is_called_and_stands_in_the_outbox(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    await set_duty_phone(db, clock, own, day.id, world.housing.id, "13800009999")
    await publish_day(db, clock, own, day.id, partial(tell_units, db, clock, TELLING))
    for _ in range(ATTEMPTS):
        await deliver_notices(db, clock, TELLING.envelope, None)
        clock.advance(seconds=CLAIM.total_seconds())
    assert {each.channel for each in await notices(db)} == {NoticeChannel.SMS, NoticeChannel.TELEPHONE}
    [line] = await list_outbox(db, own, for_a_human=True)
    assert line.notice.template == "attendance_asked" and line.recipient == "13800009999"


async def test_without_a_number_a_slip_is_taken_there(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    await publish_day(db, clock, own, day.id, partial(tell_units, db, clock, TELLING))
    assert [each.channel for each in await notices(db)] == [NoticeChannel.PAPER]


async def test_a_day_that_stays_tells_nobody_that_it_is_off(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """What is refused is told to nobody: the notice stands or falls with the change."""
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    tell = partial(tell_units, db, clock, TELLING)
    slots = await publish_day(db, clock, own, day.id, tell)
    await book_publicly(db, clock, BookPublicly(slots[0].id, "张桂芳", "13900001111", "供暖不热", ""))
    with pytest.raises(Conflict):
        await cancel_day(db, clock, own, day.id, "出差", tell)
    assert [each.template for each in await notices(db)] == ["attendance_asked"]
    fresh = await db.get_one(ReceptionDay, day.id, populate_existing=True)
    assert fresh.state is DayState.PUBLISHED and fresh.starts_at > clock.now() + timedelta(hours=1)


async def test_numbers_are_noted_by_the_office_of_the_day_for_its_own_units(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day, own = await tomorrow(db, clock, world), world.actor(OWN)
    unit = world.housing.id
    with pytest.raises(Invalid) as refused:
        await set_duty_phone(db, clock, own, day.id, unit, "12345")
    assert refused.value.field == "phone"
    with pytest.raises(Invalid):
        await set_duty_phone(db, clock, own, day.id, world.city.id, "13800009999")
    with pytest.raises((Forbidden, NotFound)):
        await set_duty_phone(db, clock, world.actor("xigu.receptionist"), day.id, unit, "13800009999")
    for phone in ("13800009999", "0931-8456789", ""):
        await set_duty_phone(db, clock, SYSTEM, day.id, unit, phone)
        [line] = await attendance_of(db, day)
        assert line.phone == phone.replace("-", "")
