"""A repeat is a case that a clerk has joined with an earlier one; undone, it is a first again."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionState
from cases.figures.indicator import figures
from cases.figures.months import count_months
from cases.figures.period import month_of
from cases.figures.scope import Filters, find_ground
from cases.figures.stored import stored_sums
from cases.figures.sums import sum_up
from cases.handling.clocks import start_clock, today
from cases.intake.joins import join_histories, undo_join
from tests.clock import FixedClock
from tests.factories import World, make_petition


async def test_repeats_and_what_was_resolved_at_once(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    clerk = world.actor("chengguan.receptionist")
    ground = await find_ground(db, world.actor("city.leader"), Filters())

    async def counted() -> Mapping[str, int]:
        """As it is counted now; and what was counted beforehand says the same after a while."""
        clock.advance(minutes=6)
        code = month_of(today(clock)).code
        await count_months(db, clock, [code])
        live = await sum_up(db, ground, month_of(today(clock)), today(clock))
        stored = (await stored_sums(db, ground, [code]))[""]
        of_now = ("running_now", "overdue_now")
        assert {n: v for n, v in stored.items() if n not in of_now} == {
            n: v for n, v in live.items() if n not in of_now
        }
        return live

    cases = []
    for number in range(3):
        subject = f"路灯不亮 {number}"
        cases.append(await make_petition(db, clock, world.chengguan, subject, channel=Channel.WEB))
        clock.advance(minutes=1)
    done = update(PetitionCase).where(PetitionCase.id.in_([each.id for each in cases]))
    await db.execute(done.values(concluded_on=today(clock)))
    await db.commit()
    assert (sums := await counted())["repeats"] == 0 and sums["first_resolved"] == 3
    await join_histories(db, clock, clerk, cases[2].id, cases[0].id, "同人同事")
    sums = await counted()
    told = [sums[name] for name in ("registered", "repeats", "first_concluded", "first_resolved")]
    assert told == [3, 1, 2, 1], "the first of the pair was not resolved at once, the second is no first"
    assert f"{figures(sums)['repeat_share'].value}" == "33.33"
    await undo_join(db, clock, clerk, cases[2].id, cases[0].id, "是两件事")
    assert (sums := await counted())["repeats"] == 0 and sums["first_resolved"] == 3
    assert await start_clock(db, clock, cases[1], "review_decide", today(clock), world.city.id)
    await db.commit()
    assert (await counted())["first_resolved"] == 2, "who asks for a review was not content"


async def test_replies_count_what_was_written(db: AsyncSession, clock: FixedClock, world: World) -> None:
    ground = await find_ground(db, world.actor("city.leader"), Filters())
    for channel, state in (
        (Channel.WEB, PetitionState.REGISTERED),
        (Channel.SMS, PetitionState.REFUSED),
        (Channel.VISIT, PetitionState.REFUSED),
    ):
        petition = await make_petition(db, clock, world.chengguan, channel=channel)
        petition.state = state
    await db.commit()
    month = month_of(today(clock))
    sums = await sum_up(db, ground, month, today(clock))
    assert (sums["written"], sums["replied"]) == (2, 1)
