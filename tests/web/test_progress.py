"""What a citizen reads of his matter: who has it, what comes next, and no date where none is due."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from cases.casefile import PetitionCase
from cases.handling.taking import take_step
from cases.people import PersonDetails
from cases.petitions import Channel, RegisterPetition, load_petition, register_petition
from cases.policy import SYSTEM
from scheduling.booking.bookings import BookPublicly, book_publicly
from tests.cases.documents.papers import deliver_step, issue
from tests.factories import make_session, make_slots
from tests.web.conftest import House
from web.views import progress
from web.words import local, long_date, spoken_time

KEEPER, HANDLER = "chengguan.receptionist", "housing.handler"
HANDLED = {"class": "claim", "way": "handle", "words": "修屋顶"}


@pytest.fixture
def database_system() -> str:
    """One system is enough: the words are the same on both."""
    return "sqlite"


class Matter:
    """A matter with its number and code, and steps that are taken in it."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def register(self) -> None:
        person, office = PersonDetails("李德福", "13800001234"), self.house.world.chengguan
        command = RegisterPetition(Channel.WEB, "屋顶漏水", "漏。", person, office.id)
        async with self.house.database.session() as db:
            self.petition, self.code = await register_petition(db, self.house.clock, SYSTEM, command)

    async def take(self, who: str, step: str, **given: str) -> PetitionCase:
        async with self.house.database.session() as db:
            actor = self.house.world.actor(who)
            return await take_step(db, self.house.clock, actor, self.petition.id, step, given)

    async def page(self) -> str:
        typed = {"number": self.petition.number, "query_code": self.code}
        return await (await self.house.browser().send("/progress", "/progress", **typed)).text()


@pytest.fixture
async def matter(house: House) -> Matter:
    matter = Matter(house)
    await matter.register()
    return matter


async def test_who_has_it_and_what_comes_next(house: House, matter: Matter) -> None:
    page = await matter.page()
    assert "城关区信访局最迟2026年8月6日交给负责的单位。" in page
    assert "还没有受理，先按登记的日子计算" in page and "登记的日子是2026年7月22日，加 60 日" in page
    await matter.take(KEEPER, "classify", **HANDLED)
    await matter.take(KEEPER, "forward", unit=house.world.housing.id, words="请办理")
    page = await matter.page()
    assert "<dd>城关区住建局</dd>" in page, "the unit has it now"
    assert "城关区住建局最迟2026年8月6日书面告诉您" in page
    house.clock.advance(days=16)
    assert "这个期限已经过了，您可以打电话询问。" in await matter.page()
    await matter.take(HANDLER, "accept", words="受理")
    page = await matter.page()
    assert "受理的日子是2026年8月7日，加 60 日" in page and "还没有受理" not in page
    async with house.database.session() as db:
        await issue(db, house.clock, house.world.actor(HANDLER), matter.petition.id, "acceptance_notice")
    page = await matter.page()
    assert "还没有登记送达。看过以后" in page and "计算您请求复查" not in page, "begins no time to ask"
    await matter.take(HANDLER, "conclude", conclusion="explain", words="已修好")
    page = await matter.page()
    assert "最迟什么时候答复" not in page and "处理意见书还没有送达。" in page
    async with house.database.session() as db:
        await deliver_step(db, house.clock, house.world.actor(HANDLER), matter.petition.id, "deliver")
    assert "最迟2026年9月7日可以书面请求复查。" in await matter.page()
    house.clock.advance(days=40)
    assert "请求复查。这个期限已经过了。" in await matter.page()


async def test_of_many_steps_the_last_three_stand_open(
    matter: Matter, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def many(*_: object) -> list[SimpleNamespace]:
        now = matter.house.clock.now()
        return [SimpleNamespace(kind="petition.seen", at=now, words=f"第{n}件") for n in range(9)]

    monkeypatch.setattr(progress, "list_progress", many)
    folded, _, rest = (await matter.page()).partition("以前的 6 步")[2].partition("</details>")
    assert folded.count('class="moment"') == 6 and rest.count('class="moment"') == 3
    assert 'start="7"' in rest and "第8件" in rest


@pytest.mark.parametrize(
    ("step", "given", "words"),
    [
        ("route", {"body": "仲裁委员会"}, "请按告知书写明的法定途径提出。"),
        ("refuse", {}, "理由写在告知书里。"),
        ("cease", {}, "理由写在告知书里。"),
    ],
)
async def test_no_answer_is_due_of_what_goes_another_way(
    matter: Matter, step: str, given: dict[str, str], words: str
) -> None:
    way = "arbitration" if step == "route" else "handle"
    await matter.take(KEEPER, "classify", **(HANDLED | {"way": way}))
    assert ("最迟什么时候答复" in await matter.page()) == (way == "handle")
    await matter.take(KEEPER, step, words="告知。", **given)
    page = await matter.page()
    assert "最迟什么时候答复" not in page and words in page


async def test_the_time_of_a_reception_stands_there_asked_for_arranged_and_over(house: House) -> None:
    async with house.database.session() as db:
        slots = await make_slots(db, house.clock, house.world.chengguan)
        booked = await book_publicly(
            db, house.clock, BookPublicly(slots[1].id, "张桂芳", "13900001111", "供暖不热", "")
        )
        asked = local(slots[1].starts_at)
        typed = {"number": booked.petition.number, "query_code": booked.query_code}

    async def page() -> str:
        answer = await house.browser().send("/progress", "/progress", **typed)
        assert answer.headers["Cache-Control"] == "private, no-cache", "back shows it, not an error"
        return await answer.text()

    told = await page()
    assert f"{long_date(asked)} {spoken_time(asked)}" in told and "正在等工作人员确认" in told
    assert "<dd>供暖不热</dd>" in told
    assert 'action="/progress/book"' not in told, "one matter is not booked twice"
    assert 'action="/progress/cancel"' in told
    async with house.database.session() as db:
        starts = house.clock.now() + timedelta(hours=5)
        span = {"starts_at": starts, "ends_at": starts + timedelta(minutes=30)}
        case = await load_petition(db, booked.petition.id)
        await make_session(db, house.clock, house.world, case, **span)
    told = await page()
    assert f"{long_date(starts)} {spoken_time(starts)}" in told and "已经安排好" in told
    assert 'action="/progress/cancel"' not in told, "others sit at that table, it is called off by telephone"
    house.clock.advance(hours=6)
    assert "您的接访" not in await page() and 'action="/progress/book"' in await page()
