"""Deadlines of a region: proposed and confirmed by two, from a day on, and no matter on its way is moved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_proposals import (
    decide_rules,
    effect_of,
    list_regions,
    list_versions,
    preview_rules,
    propose_rules,
)
from cases.administration.deadline_rules import TypedDuty, TypedRules
from cases.administration.deadline_version import DeadlineVersion, load_rules
from cases.administration.rule_proposal import RuleProposal, list_proposals
from cases.append_only import AppendOnlyError
from cases.audit import AuditEntry
from cases.deadlines.in_force import hold_profiles, profile_called, profiles
from cases.deadlines.profile import Unit, profile_for
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.handling.clocks import PetitionClock, extend_clock, profile_of, start_clock, today
from cases.register.due import DueDate
from cases.register.index import index_petition
from cases.second_person import Decision
from tests.clock import FixedClock
from tests.factories import World, make_petition

REGION, LAW = "620102", "《城关区信访事项办理办法》"
ONE, OTHER = "city.sysadmin", "city.security_admin"


@pytest.fixture(autouse=True)
def own_rules() -> Iterator[None]:
    """What a test lets take effect holds in its process, and no longer than the test."""
    yield
    hold_profiles({})


def typed(day: date, **duties: TypedDuty) -> TypedRules:
    return TypedRules(REGION, day.isoformat(), LAW, True, duties)


def forward(days: str = "10", unit: str = "calendar") -> TypedDuty:
    return TypedDuty(days, unit, "0", "第八条")


async def confirm(db: AsyncSession, clock: FixedClock, world: World, rules: TypedRules) -> DeadlineVersion:
    row = await propose_rules(db, clock, world.actor(ONE), rules, "区里的新办法")
    await decide_rules(db, clock, world.actor(OTHER), row.id, Decision.CONFIRMED)
    return (await list_versions(db, world.actor(ONE), rules.region_code))[0]


async def test_a_version_holds_from_its_day_on_and_what_came_in_before_keeps_the_old_one(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    now = today(clock)
    before = await make_petition(db, clock, world.chengguan)
    old = await start_clock(db, clock, before, "forward_notice", now, world.chengguan.id)
    version = await confirm(db, clock, world, typed(now + timedelta(days=2), forward_notice=forward()))
    assert (version.code, version.proposed_by, version.confirmed_by) == (
        "620102@1", world.officials[ONE].name, world.officials[OTHER].name,
    )  # fmt: skip
    assert profile_of(before).code == "national-2022"
    clock.advance(days=2)
    late = await start_clock(db, clock, before, "handle", today(clock), world.chengguan.id)
    after = await make_petition(db, clock, world.chengguan)
    new = await start_clock(db, clock, after, "forward_notice", today(clock), world.chengguan.id)
    elsewhere = await make_petition(db, clock, world.xigu)
    assert old is not None and late is not None and new is not None
    assert (old.profile, late.profile, new.profile) == ("national-2022", "national-2022", "620102@1")
    assert new.raw_on == today(clock) + timedelta(days=10) and old.raw_on == now + timedelta(days=15)
    assert new.counted().duty.source == f"{LAW}第八条"
    assert profile_of(elsewhere).code == "national-2022"
    # A process that starts later reads the same.
    hold_profiles({})
    await load_rules(db)
    assert profile_called("620102@1").duties["forward_notice"].days == 10
    assert profile_called("620102@1").duties["handle"].source == "《信访工作条例》第三十四条"


async def test_what_runs_is_counted_again_only_where_it_came_in_on_the_day_itself_and_is_untouched(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    now = today(clock)
    yesterday = await make_petition(db, clock, world.chengguan)
    clock.advance(days=1)
    fresh = await make_petition(db, clock, world.chengguan)
    extended = await make_petition(db, clock, world.chengguan)
    rows = {}
    for name, petition, duty in (
        ("kept", yesterday, "forward_notice"),
        ("moved", fresh, "forward_notice"),
        ("extended", extended, "handle"),
        ("met", fresh, "register_route"),
    ):
        row = await start_clock(db, clock, petition, duty, today(clock), world.chengguan.id)
        assert row is not None
        rows[name] = row
    await extend_clock(db, rows["extended"], 30)
    rows["met"].met_on = today(clock)
    await index_petition(db, fresh.id)
    await db.commit()
    dates = {name: row.rolled_on for name, row in rows.items()}
    rules = typed(
        now + timedelta(days=1), forward_notice=forward(), handle=TypedDuty("45", "calendar", "30", "第九条"),
    )  # fmt: skip
    shown = await preview_rules(db, clock, world.actor(ONE), rules)
    assert shown.moved == 1 and 0 < shown.passed < shown.running
    assert shown.kept + shown.passed == shown.running
    await confirm(db, clock, world, rules)
    ids = {name: row.id for name, row in rows.items()}
    db.expunge_all()
    found = {name: await db.get_one(PetitionClock, row_id) for name, row_id in ids.items()}
    assert found["moved"].profile == "620102@1"
    assert found["moved"].raw_on == today(clock) + timedelta(days=10)
    due = (await db.scalars(select(DueDate).where(DueDate.clock_id == ids["moved"]))).all()
    assert due and {each.rolled_on for each in due} == {found["moved"].rolled_on}
    for name in ("kept", "extended", "met"):
        assert (found[name].profile, found[name].rolled_on) == ("national-2022", dates[name]), name


async def test_two_persons_decide_once_and_who_proposed_is_not_the_second(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    one, other, day = world.actor(ONE), world.actor(OTHER), today(clock)
    rules = typed(day, forward_notice=forward())
    for key in (OTHER, "city.auditor", "chengguan.leader"):
        with pytest.raises((Forbidden, NotFound)):
            await propose_rules(db, clock, world.actor(key), rules, "试试")
    with pytest.raises(NotFound):
        await propose_rules(db, clock, one, replace(rules, region_code="6202"), "别的市")
    assert [each.region_code for each in await list_regions(db, one)] == ["6201", "620102", "620104"]
    row_id = (await propose_rules(db, clock, one, rules, "区里的新办法")).id
    with pytest.raises(Conflict) as twice:
        await propose_rules(db, clock, one, rules, "再来一次")
    assert twice.value.code == "rule_proposed"
    assert profile_for(REGION, day, profiles()).code == "national-2022", "nothing before it is confirmed"
    with pytest.raises(Forbidden):
        await decide_rules(db, clock, one, row_id, Decision.CONFIRMED)
    # Who proposed and was made security administrator since is still the one who proposed.
    changed = replace(one, posts=other.posts)
    with pytest.raises(Forbidden) as own:
        await decide_rules(db, clock, changed, row_id, Decision.CONFIRMED)
    assert own.value.code == "own_proposal"
    with pytest.raises(Invalid):
        await decide_rules(db, clock, other, row_id, Decision.REFUSED)
    await decide_rules(db, clock, other, row_id, Decision.REFUSED, "没有附文件")
    with pytest.raises(Conflict) as over:
        await decide_rules(db, clock, other, row_id, Decision.CONFIRMED)
    assert over.value.code == "rule_decided"
    assert not await list_versions(db, one, REGION) and not await list_proposals(db, other)
    again = await propose_rules(db, clock, one, rules, "附了文件")
    await decide_rules(db, clock, one, again.id, Decision.WITHDRAWN)
    acts = (await db.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence))).all()
    wanted = ["profile.proposed", "profile.refused", "profile.proposed", "profile.withdrawn"]
    assert [each for each in acts if each.startswith("profile.")] == wanted
    kept = {row.decision: row.reason for row in await list_proposals(db, other, open_only=False)}
    assert kept == {Decision.REFUSED: "没有附文件", Decision.WITHDRAWN: ""}


async def test_bad_input_is_told_at_its_field(db: AsyncSession, clock: FixedClock, world: World) -> None:
    now, one = today(clock), world.actor(ONE)
    await confirm(db, clock, world, typed(now, forward_notice=forward()))
    good = typed(now + timedelta(days=9), forward_notice=forward("9"))

    async def refused(code: str, field: str, rules: TypedRules) -> None:
        with pytest.raises(Invalid) as caught:
            await preview_rules(db, clock, one, rules)
        assert (caught.value.code, caught.value.field) == (code, field)

    for days in ("0", "-3", "", "367", "十", "1.5", "9" * 40):
        wrong = replace(good, duties={"forward_notice": forward(days)})
        await refused("bad_days", "days-forward_notice", wrong)
    longer = TypedDuty("60", "calendar", "-1", "")
    await refused("bad_days", "extension-handle", replace(good, duties={"handle": longer}))
    weeks = forward("9", "weeks")
    await refused("choose", "unit-forward_notice", replace(good, duties={"forward_notice": weeks}))
    cut = TypedDuty("29", "calendar", "0", "第三十五条")
    await refused("right_shortened", "days-review_apply", replace(good, duties={"review_apply": cut}))
    for day, code in (
        ("", "bad_date"),
        ("2026-02-30", "bad_date"),
        ((now - timedelta(days=1)).isoformat(), "effective_past"),
        ((now + timedelta(days=1200)).isoformat(), "effective_far"),
        (now.isoformat(), "effective_overlaps"),
    ):
        await refused(code, "effective_on", replace(good, effective_on=day))
    await refused("required", "law", replace(good, law=""))
    await refused("unchanged", "effective_on", replace(good, duties={"forward_notice": forward()}))
    with pytest.raises(Invalid) as caught:
        await propose_rules(db, clock, one, good, " ")
    assert caught.value.field == "reason"


async def test_one_that_does_not_hold_yet_is_put_right_on_its_own_day_and_no_day_has_two(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    begins = today(clock) + timedelta(days=5)
    await confirm(db, clock, world, typed(begins, forward_notice=forward("10")))
    with pytest.raises(Invalid) as earlier:
        await preview_rules(db, clock, world.actor(ONE), typed(begins - timedelta(days=1), handle=forward()))
    assert earlier.value.code == "effective_overlaps"
    second = await confirm(db, clock, world, typed(begins, forward_notice=forward("12", "working")))
    assert second.version == 2
    held = profile_for(REGION, begins, profiles())
    duty = held.duties["forward_notice"]
    assert (held.code, duty.days, duty.unit) == ("620102@2", 12, Unit.WORKING)
    assert profile_for(REGION, begins - timedelta(days=1), profiles()).code == "national-2022"
    # Back to the national days: the duty is again under the national text.
    back = TypedDuty("15", "calendar", "0", "第二十三条第三款")
    third = await confirm(db, clock, world, typed(begins + timedelta(days=1), forward_notice=back))
    assert third.content["duties"] == {}


async def test_a_day_that_passes_while_it_waits_is_none_to_begin_on(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    rules = typed(today(clock), forward_notice=forward())
    row = await propose_rules(db, clock, world.actor(ONE), rules, "区里的新办法")
    row_id = row.id
    assert (await effect_of(db, world.actor(OTHER), row)).draft.profile.code == "620102@1"
    clock.advance(days=1)
    with pytest.raises(Conflict) as passed:
        await decide_rules(db, clock, world.actor(OTHER), row_id, Decision.CONFIRMED)
    assert passed.value.code == "effective_passed"
    assert (await db.get_one(RuleProposal, row_id, populate_existing=True)).decided_at is None
    assert not await list_versions(db, world.actor(ONE), REGION)


async def test_the_nearest_region_counts_and_history_is_never_changed(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = today(clock)
    city = replace(typed(day, forward_notice=forward("12")), region_code="6201")
    version = await confirm(db, clock, world, typed(day, forward_notice=forward("10")))
    shown = await preview_rules(db, clock, world.actor(ONE), city)
    assert shown.below == (REGION,) and not shown.draft.longer
    await confirm(db, clock, world, city)
    days = {
        code: profile_for(code, day, profiles()).duties["forward_notice"].days
        for code in ("620102001", "620104", "6201", "62")
    }
    assert days == {"620102001": 10, "620104": 12, "6201": 12, "62": 15}
    slow = replace(city, effective_on=(day + timedelta(days=1)).isoformat(), duties={"handle": forward("95")})
    shown = await preview_rules(db, clock, world.actor(ONE), slow)
    assert [duty.code for duty in shown.draft.longer] == ["handle"], "the second person is told"
    version.why = "改写历史"
    with pytest.raises(AppendOnlyError):
        await db.flush()
    await db.rollback()
    with pytest.raises(DatabaseError):
        await db.execute(DeadlineVersion.__table__.delete())


async def test_a_clock_of_rules_that_are_not_read_yet_is_never_counted_by_others(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    await confirm(db, clock, world, typed(today(clock), forward_notice=forward()))
    petition = await make_petition(db, clock, world.chengguan)
    row = await start_clock(db, clock, petition, "forward_notice", today(clock), world.chengguan.id)
    hold_profiles({})
    assert row is not None
    with pytest.raises(RuleError) as caught:
        row.counted()
    assert caught.value.code == "rules_unread"
