"""The register's search finds what looking at every case would find, for everybody who may look."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, scope_of
from cases.cursor import Cursor
from cases.database import Database
from cases.errors import Forbidden
from cases.handling.taking import take_step
from cases.people import PersonDetails
from cases.petitions import Channel, Part, PetitionState, add_petition_organisation, grant_petition
from cases.policy import SYSTEM, Action, Actor, allowed
from cases.register import search
from cases.register.due import DueDate
from cases.register.index import PetitionTerm, index_missing, index_petition, terms_of_petition
from cases.register.search import RegisterQuery, search_register
from cases.register.terms import fold, terms_of_initials
from tests.clock import FixedClock
from tests.factories import World, make_petition

SUBJECTS = (
    "小区供暖不足",
    "路灯不亮，供电不稳",
    "拖欠工资三个月",
    "供暖不足，反映两次",
    "WiFi信号塔辐射",
    "不足",
)
MARKS = (
    ("bound", "set_config('enable_sort', 'off', true)"),
    ("free", "set_config('enable_sort', 'on', true)"),
    ("walk", "ORDER BY anon_1.at DESC"),
    ("load", "FROM petitions JOIN people"),
)
NAMES = ("李德福", "单雄信", "曾国", "欧阳询", "王五", "Anna Li")


async def found(db: AsyncSession, actor: Actor, query: RegisterQuery) -> list[str]:
    """Numbers of all pages."""
    numbers: list[str] = []
    before: Cursor | None = None
    for _ in range(200):
        page = await search_register(db, actor, query, before)
        numbers += [each.number for each in page.found]
        if page.older is None:
            return numbers
        before = page.older
    raise AssertionError("the pages do not end")


async def mixed_cases(db: AsyncSession, clock: FixedClock, world: World, count: int) -> list[PetitionCase]:
    dice = random.Random(20)
    offices = (world.chengguan, world.xigu, world.city, world.province, world.station)
    made = []
    for _ in range(count):
        petition = await make_petition(
            db,
            clock,
            dice.choice(offices),
            dice.choice(SUBJECTS),
            channel=dice.choice(list(Channel)),
            confidential=dice.random() < 0.2,
            petitioner=PersonDetails(dice.choice(NAMES), "13800000000"),
            accused_organisation_id=dice.choice((None, None, None, world.housing.id, world.chengguan.id)),
        )
        if dice.random() < 0.3:
            await add_petition_organisation(db, petition.id, world.housing.id, Part.HANDLER)
        if dice.random() < 0.5:
            clock.advance(seconds=dice.randrange(90_000))
        made.append(petition)
    await db.commit()
    return made


def test_initials_are_those_of_every_reading() -> None:
    assert terms_of_initials("张三丰") == {"y:z", "y:zs", "y:zsf"}
    assert {"y:dxx", "y:sxx", "y:cxx"} <= terms_of_initials("单雄信")
    assert terms_of_initials("·") == set()
    assert len(terms_of_initials("单" * 100)) <= 8 * 12


async def test_pages_hold_what_the_policy_permits_one_by_one(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "PAGE", 3)
    monkeypatch.setattr(search, "AT_ONCE", 5)
    cases = await mixed_cases(db, clock, world, 40)
    for petition in cases:
        await db.refresh(petition)
        await db.refresh(petition, ["organisations", "grants"])
    cases.sort(key=lambda each: (each.registered_at, each.id), reverse=True)
    queries = (
        RegisterQuery(),
        RegisterQuery("供暖不足"),
        RegisterQuery("供暖 反映"),
        RegisterQuery("不足"),
        RegisterQuery("李"),
        RegisterQuery("欧阳"),
        RegisterQuery("wifi"),
        RegisterQuery("无此"),
        RegisterQuery("%"),
        RegisterQuery("不足", channel=Channel.WEB),
        RegisterQuery(state=PetitionState.CLASSIFIED),
        RegisterQuery(custodian_id=world.xigu.id, since=clock.now().date() - timedelta(days=9)),
        RegisterQuery(until=clock.now().date() - timedelta(days=5)),
    )
    of_each = {key.partition(".")[0]: key for key in world.officials}
    for key in (*of_each.values(), "city.receptionist", "city.sysadmin", "housing.handler"):
        actor = world.actor(key)
        if not allowed(actor, Action.SEE_PETITION):
            with pytest.raises(Forbidden):
                await search_register(db, actor, RegisterQuery())
            continue
        seen = [each for each in cases if allowed(actor, Action.SEE_PETITION, scope_of(each))]
        for query in queries:
            expected = [each.number for each in seen if fits(each, query)]
            assert await found(db, actor, query) == expected, (key, query)
    assert await found(db, SYSTEM, RegisterQuery()) == [each.number for each in cases]


def fits(petition: PetitionCase, query: RegisterQuery) -> bool:
    text = (fold(petition.subject), fold(petition.petitioner.name))
    day = petition.registered_at.astimezone(search.BEIJING).date()
    return (
        all(len(word) > 1 or word in text[1] for word in query.words.split())
        and all(any(fold(word) in each for each in text) for word in query.words.split())
        and query.channel in (None, petition.channel)
        and query.state in (None, petition.state)
        and query.custodian_id in ("", petition.custodian_id)
        and (query.since is None or day >= query.since)
        and (query.until is None or day <= query.until)
    )


async def test_numbers_and_first_letters(db: AsyncSession, clock: FixedClock, world: World) -> None:
    first = await make_petition(db, clock, world.chengguan, "路灯不亮")
    clock.advance(minutes=1)
    second = await make_petition(db, clock, world.chengguan, "路灯不亮")
    actor = world.actor("city.receptionist")
    for words, numbers in (
        (second.number.lower(), [second.number]),
        (first.number.removeprefix("LZ"), [first.number]),
        (first.number.rpartition("-")[2], [first.number]),
        ("1", [first.number]),
        ("LZ1999-000001", []),
        ("ldf", [second.number, first.number]),
        ("LD", [second.number, first.number]),
        ("dl", []),
        ("灯", []),
        ("路灯 李德", [second.number, first.number]),
        ("路灯 王五", []),
    ):
        assert await found(db, actor, RegisterQuery(words)) == numbers, words


async def test_a_page_that_has_walked_enough_says_how_far_back(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_WALKED", 5)
    oldest = await make_petition(db, clock, world.chengguan, "供暖不足", channel=Channel.WEB)
    for subject in ("供暖", "不足") * 8:
        clock.advance(minutes=1)
        await make_petition(db, clock, world.chengguan, subject, channel=Channel.VISIT)
    query = RegisterQuery("供暖", channel=Channel.WEB)
    actor = world.actor("city.receptionist")
    assert await found(db, actor, query) == [oldest.number]
    for petition in [oldest, *[await make_petition(db, clock, world.xigu, "电话") for _ in range(12)]]:
        await db.refresh(petition)
    # Both are common and meet only at the very end.
    for _ in range(12):
        clock.advance(minutes=1)
        await make_petition(db, clock, world.xigu, "燃气", channel=Channel.WEB)
    page = await search_register(db, actor, query)
    assert page.found == () and page.older is not None and page.looked_back_to is not None
    assert await found(db, actor, query) == [oldest.number]
    # By leave it is found at once, by region only further back: it is listed once, where both have looked.
    assert actor.official_id is not None
    await grant_petition(db, clock, SYSTEM, oldest.id, actor.official_id)
    assert (await search_register(db, actor, query)).found == ()
    assert await found(db, actor, query) == [oldest.number]


async def test_an_index_that_lags_behind_hides_and_never_reveals(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan, "供暖不足")
    stranger = world.actor("xigu.receptionist")
    for reach in ("r:620104", f"o:{world.xigu.id}"):
        db.add(PetitionTerm(term=reach, at=petition.registered_at, petition_id=petition.id))
    await db.commit()
    assert await found(db, stranger, RegisterQuery("供暖")) == []
    assert await found(db, world.actor("city.receptionist"), RegisterQuery("供暖")) == [petition.number]


async def test_only_the_walk_is_bound_to_indexes(
    db: AsyncSession, clock: FixedClock, world: World, database: Database
) -> None:
    """What is found is loaded by its key, with every way open: bound, forty of a million took 2.7 s."""
    if not database.url.drivername.startswith("postgresql"):
        return  # Nothing is bound there.
    await make_petition(db, clock, world.chengguan, "供暖不足")
    told: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        told.extend(word for word, mark in MARKS if mark in statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    await search_register(db, world.actor("city.receptionist"), RegisterQuery("供暖"))
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)
    assert told == ["bound", "walk", "free", "load"]


async def test_the_index_follows_the_case(db: AsyncSession, clock: FixedClock, world: World) -> None:
    petition = await make_petition(db, clock, world.chengguan, "供暖不足")
    housing = world.actor("housing.handler")
    assert await found(db, housing, RegisterQuery()) == []
    await add_petition_organisation(db, petition.id, world.housing.id, Part.HANDLER)
    assert await found(db, housing, RegisterQuery()) == [petition.number]
    clock.advance(minutes=1)
    secret = await make_petition(db, clock, world.chengguan, "不足", confidential=True)
    receptionist = world.actor("city.receptionist")
    assert await found(db, receptionist, RegisterQuery("不足")) == [petition.number]
    official = receptionist.official_id
    assert official is not None
    await grant_petition(db, clock, SYSTEM, secret.id, official)
    assert await found(db, receptionist, RegisterQuery("不足")) == [secret.number, petition.number]
    petition.state = PetitionState.CLOSED
    await db.flush()
    await index_petition(db, petition.id)
    assert await found(db, receptionist, RegisterQuery(state=PetitionState.REGISTERED)) == [secret.number]


async def test_cases_of_an_earlier_version_are_indexed_at_the_start(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    petition = await make_petition(db, clock, world.chengguan, "供暖不足")
    await db.execute(delete(PetitionTerm))
    await db.commit()
    actor = world.actor("city.receptionist")
    assert await found(db, actor, RegisterQuery()) == []
    assert await index_missing(db) == 1
    assert await index_missing(db) == 0
    assert await found(db, actor, RegisterQuery()) == [petition.number]
    loaded = await db.get_one(PetitionCase, petition.id)
    stored = set(await db.scalars(select(PetitionTerm.term)))
    assert stored == terms_of_petition(loaded)


async def test_due_dates_follow_the_case(db: AsyncSession, clock: FixedClock, world: World) -> None:
    """As many as clocks run, for whoever may see the case, from the step on that changes either."""

    async def due(term: str) -> list[str]:
        found = await db.scalars(select(DueDate.rolled_on).where(DueDate.reach == term))
        return [each.isoformat() for each in found]

    petition = await make_petition(db, clock, world.chengguan)
    keeper, handler = world.actor("chengguan.receptionist"), world.actor("housing.handler")
    unit = f"o:{world.housing.id}"
    assert (await due("r:6201"), await due("r:620104"), await due(unit)) == (["2026-08-06"], [], [])
    given = {"class": "claim", "way": "handle", "words": "修屋顶"}
    await take_step(db, clock, keeper, petition.id, "classify", given)
    await take_step(db, clock, keeper, petition.id, "forward", {"unit": world.housing.id, "words": "请办理"})
    assert await due(unit) == await due("r:62") == ["2026-08-06"]
    await take_step(db, clock, handler, petition.id, "accept", {"words": "受理"})
    assert await due(unit) == await due("a:") == ["2026-09-20"]
    await take_step(db, clock, handler, petition.id, "conclude", {"conclusion": "explain", "words": "已修好"})
    assert await due("a:") == []
    accused = await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id)
    await add_petition_organisation(db, accused.id, world.station.id, Part.JOINT)
    terms = set(await db.scalars(select(DueDate.reach).where(DueDate.petition_id == accused.id)))
    assert terms == {"a:", "r:62", "r:6201", f"o:{world.city.id}"}
