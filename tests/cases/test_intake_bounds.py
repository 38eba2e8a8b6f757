"""Intake at its edges: who is told nothing, what is forgotten when, and how much is too much."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionClass
from cases.errors import Conflict, Invalid
from cases.intake import spreadsheet, threads
from cases.intake.import_check import hand_in_import
from cases.intake.imports import list_imports, list_rows
from cases.intake.joins import join_histories, list_joined
from cases.intake.likeness import alike, suggest
from cases.intake.matters import list_mailboxes, submit_matter
from cases.intake.spreadsheet import open_sheet
from cases.intake.thread import InboundMark
from cases.intake.threads import Taken, receive_message
from cases.people import Official, Post
from tests.cases.test_imports import GOOD, HEAD, check, row, workbook
from tests.cases.test_intake import matter, seen
from tests.cases.test_joins import CLERK, LEAK, hand_in
from tests.cases.test_threads import message, receive
from tests.clock import FixedClock
from tests.factories import World

ENTITY = '<!DOCTYPE sst [<!ENTITY more "漏水">]><sst xmlns="{}"><si><t>&more;</t></si></sst>'
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


@pytest.fixture
def database_system() -> str:
    """One system is enough for rules; what is stored is tested on both beside this."""
    return "sqlite"


async def test_a_nonce_is_known_for_longer_than_its_request_could_come_again(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """A moment may lie five minutes ahead of our clock and is good until five minutes behind it."""
    await receive_message(db, clock, message(), "n" * 20)
    clock.advance(minutes=10)
    with pytest.raises(Conflict) as caught:
        await receive_message(db, clock, message(number=2), "n" * 20)
    assert caught.value.code == "replayed"
    clock.advance(minutes=6)
    await receive(db, clock, message(number=3))
    assert await db.scalar(select(func.count()).select_from(InboundMark)) == 1, "older ones are forgotten"


async def test_a_thread_that_nobody_reads_takes_no_more(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "MOST_OF_THREAD", 2)
    for number in range(2):
        assert await receive(db, clock, message(number=number)) is Taken.THREADED
    with pytest.raises(Conflict) as caught:
        await receive(db, clock, message(number=3))
    assert caught.value.code == "thread_full"
    assert await receive(db, clock, message(number=4, sender="13900000000")) is Taken.THREADED


async def keep_nothing(import_id: str, content: bytes) -> None:
    raise AssertionError("nothing of it is kept")


async def test_imports_are_their_own_offices_and_no_departments(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    import_id = await check(db, clock, world, f"{HEAD}\n{GOOD}".encode())
    assert [each.id for each in await list_imports(db, world.actor(CLERK))] == [import_id]
    for key in ("xigu.receptionist", "city.receptionist"):
        assert await list_imports(db, world.actor(key)) == []
    titles, clerk = HEAD.split(","), world.actor(CLERK)
    with pytest.raises(Invalid) as caught:
        await hand_in_import(db, clock, clerk, world.housing.id, "x.csv", b"x", titles, keep_nothing)
    assert caught.value.field == "custodian"


async def test_of_an_identity_number_only_the_end_is_digested_without_the_key(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    """Else whoever has the database could try all numbers out."""
    who = "李德福,楼道漏水三个月"
    content = f"姓名,事项,身份证号\n{who},11010519491231002X\n{who},62010219491231002X"
    first, second = await list_rows(db, await check(db, clock, world, content.encode()))
    assert second.external_id == first.external_id


async def test_counted_days_are_those_of_the_spreadsheet(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    told = "姓名,事项,收到日期\n李德福,楼道漏水三个月,46225\n王五,楼道漏水三个月,46226".encode()
    today_, tomorrow = await list_rows(db, await check(db, clock, world, told))
    assert today_.data["received_on"] == "2026-07-22"
    assert tomorrow.field == "收到日期", "a day that has not come"


def test_no_entity_is_read_and_no_part_unpacked_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = row(1, "姓名", "事项") + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>'
    with pytest.raises(Invalid) as caught:
        open_sheet(workbook(rows, shared=ENTITY.format(NAMESPACE)))
    assert caught.value.code == "bad_file"
    monkeypatch.setattr(spreadsheet, "UNPACKED", 4_000)
    with pytest.raises(Invalid) as caught:
        open_sheet(workbook(row(1, "姓名", "事项") + row(2, "李", "漏" * 4_000)))
    assert caught.value.code == "file_too_large"


def test_half_of_the_words_is_enough() -> None:
    assert alike("甲乙丙", "甲乙丙丁戊") and not alike("甲乙丙", "甲乙丙丁戊己")


async def test_what_is_long_past_is_not_suggested_for_its_words(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    old = await hand_in(db, clock, world, phone="13900000009")
    clock.advance(days=181)
    petition = await hand_in(db, clock, world)
    assert await suggest(db, world.actor(CLERK), petition) == []
    clock.advance(days=-2)
    petition = await hand_in(db, clock, world, LEAK, "13900000008")
    assert old.id in {each.petition.id for each in await suggest(db, world.actor(CLERK), petition)}


async def test_a_joined_case_that_became_secret_is_seen_no_more_in_the_other(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    one, two = await hand_in(db, clock, world), await hand_in(db, clock, world)
    await join_histories(db, clock, world.actor(CLERK), one.id, two.id, "同一处漏水")
    two.confidential = True
    await db.commit()
    assert await list_joined(db, world.actor(CLERK), one.id) == []


async def test_only_who_is_in_office_now_is_written_to_or_given_an_accusation(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    accusation = matter(world, class_=PetitionClass.ACCUSATION, accused_id=world.chengguan.id)
    leader = world.officials["city.leader"].id

    async def keeps(key: str) -> bool:
        petition, _ = await submit_matter(db, clock, accusation)
        return petition.id in await seen(db, world.actor(key))

    assert await keeps("city.leader") and not await keeps("city.receptionist")
    account = update(Official).where(Official.id == leader)
    await db.execute(account.values(disabled_at=clock.now()))
    assert await keeps("city.receptionist"), "a leader whose account is closed receives nothing"
    await db.execute(account.values(disabled_at=None))
    await db.execute(update(Post).where(Post.official_id == leader).values(ended_at=clock.now()))
    clock.advance(days=1)
    db.expire_all()
    assert await keeps("city.receptionist")
    assert world.city.id not in {box.organisation_id for box in await list_mailboxes(db)}
