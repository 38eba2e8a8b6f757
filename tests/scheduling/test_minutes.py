"""The minutes: begun from a template, written by two at once, refused when locked, shown when allowed."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.database import Database, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.minutes.editing import (
    MOST_PARAGRAPHS,
    Change,
    Changed,
    DescribeParagraph,
    EditParagraph,
    InsertParagraph,
    MoveParagraph,
    RemoveParagraph,
    change_minutes,
)
from scheduling.minutes.merge import merge
from scheduling.minutes.paragraph import MinutesParagraph, MinutesRevision, ParagraphKind, RevisionAct
from scheduling.minutes.record import (
    TRANSITIONS,
    MinutesState,
    begin_minutes,
    find_minutes,
    follow_minutes,
    let_write,
    move_minutes,
    read_minutes,
    show_live,
)
from scheduling.minutes.template import TEMPLATES
from scheduling.session import Session, SessionState
from scheduling.sessions.invitations import Invitee, invite, list_invitations
from scheduling.sessions.sessions import move_session
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_session

KINDS = ParagraphKind


@dataclass
class Desk:
    """One session with minutes begun, and somebody who writes."""

    db: AsyncSession
    clock: FixedClock
    session: Session
    writer: Actor

    async def do(self, change: Change, actor: Actor | None = None) -> Changed:
        return await change_minutes(self.db, self.clock, actor or self.writer, self.session.id, change)

    async def insert(self, text: str, after: str | None = None, ago_ms: int = 0) -> MinutesParagraph:
        change = InsertParagraph(
            edit_id=new_id(), paragraph_id=new_id(), after_id=after, kind=KINDS.ANSWER, speaker_id=None,
            text=text, ago_ms=ago_ms,
        )  # fmt: skip
        return (await self.do(change)).paragraph

    async def edit(self, paragraph_id: str, base: int, text: str, actor: Actor | None = None) -> Changed:
        change = EditParagraph(edit_id=new_id(), paragraph_id=paragraph_id, base=base, text=text)
        return await self.do(change, actor)

    async def texts(self) -> list[str]:
        return [each.text for each in (await read_minutes(self.db, self.writer, self.session.id)).paragraphs]


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    petition = await make_petition(db, clock, world.chengguan)
    session = await make_session(db, clock, world, petition)
    writer = world.actor("chengguan.receptionist")
    await begin_minutes(db, clock, writer, session.id)
    return Desk(db, clock, session, writer)


async def open_sitting(desk: Desk) -> None:
    await move_session(desk.db, desk.clock, desk.writer, desk.session.id, SessionState.LIVE)


async def test_the_template_is_filled_from_the_session(desk: Desk) -> None:
    sheet = await read_minutes(desk.db, desk.writer, desk.session.id)
    text = "\n".join(each.text for each in sheet.paragraphs)
    assert "城关区信访局" in text and "李德福" in text and "{" not in text
    headings = [each.text for each in sheet.paragraphs if each.kind is KINDS.HEADING]
    for word in ("时间", "地点", "参加人", "告知", "信访人陈述", "问答", "处理意见", "信访人意见"):
        assert word in headings
    again = await begin_minutes(desk.db, desk.clock, desk.writer, desk.session.id, "mediation")
    assert again.minutes.id == sheet.minutes.id and again.minutes.template != "mediation"
    assert all(version.lines for versions in TEMPLATES.values() for version in versions)


async def test_two_write_in_one_paragraph_and_every_wording_stays(desk: Desk, world: World) -> None:
    one = await desk.insert("楼道漏水")
    other = world.actor("chengguan.recorder")
    first = await desk.edit(one.id, 1, "楼道三月起漏水")
    second = await desk.edit(one.id, 1, "楼道漏水没人修", other)
    assert first.act is RevisionAct.EDITED and second.act is RevisionAct.MERGED and not second.overlaps
    assert second.paragraph.text == "楼道三月起漏水没人修" and second.other == desk.writer.name
    third = await desk.edit(one.id, 2, "楼道四月起漏水")
    assert third.overlaps == () and third.paragraph.text == "楼道四月起漏水没人修"
    fourth = await desk.edit(one.id, 3, "楼道五月起漏水没人修", other)
    assert fourth.overlaps == (("四", "五"),)
    assert fourth.paragraph.text == "楼道四〔另记：五〕月起漏水没人修"
    query = select(MinutesRevision.text, MinutesRevision.by).where(MinutesRevision.paragraph_id == one.id)
    rows = (await desk.db.execute(query.order_by(MinutesRevision.number))).all()
    assert [len(rows), rows[0].text, rows[2].by] == [5, "楼道漏水", other.name]


async def test_a_change_sent_twice_is_done_once(desk: Desk) -> None:
    one = await desk.insert("楼道漏水")
    change = EditParagraph(edit_id=new_id(), paragraph_id=one.id, base=1, text="楼道漏水三个月")
    await desk.do(change)
    await desk.edit(one.id, 2, "东楼道漏水三个月了")
    again = await desk.do(change)
    assert again.repeated and again.paragraph.text == "东楼道漏水三个月了"
    assert (await desk.texts()).count("东楼道漏水三个月了") == 1


async def test_places_and_removal(desk: Desk, world: World) -> None:
    top = (await read_minutes(desk.db, desk.writer, desk.session.id)).paragraphs[0]
    for number in range(19):  # Always at one place: the room between two paragraphs runs out.
        await desk.insert(f"段{number}", top.id)
    assert (await desk.texts())[1:20] == [f"段{number}" for number in range(18, -1, -1)]
    first, second = (await read_minutes(desk.db, desk.writer, desk.session.id)).paragraphs[1:3]
    move = MoveParagraph(edit_id=new_id(), paragraph_id=second.id, after_id=top.id)
    assert (await desk.do(move)).paragraph.place < first.place
    with pytest.raises(Invalid, match="bad_place"):
        await desk.do(MoveParagraph(edit_id=new_id(), paragraph_id=second.id, after_id=second.id))
    await desk.edit(first.id, 1, "段18，改过", world.actor("chengguan.recorder"))
    remove = RemoveParagraph(edit_id=new_id(), paragraph_id=first.id, base=1)
    with pytest.raises(Conflict, match="minutes_changed"):
        await desk.do(remove)
    await desk.do(RemoveParagraph(edit_id=new_id(), paragraph_id=first.id, base=2))
    assert "段18，改过" not in await desk.texts()
    back = await desk.edit(first.id, 2, "段18，改过，又写")  # Somebody was writing in it all the while.
    assert back.act is RevisionAct.RESTORED and "段18，改过，又写" in await desk.texts()


async def test_a_paragraph_belongs_to_its_second(desk: Desk) -> None:
    before = await desk.insert("开始以前")
    assert before.said_at is None and before.monotonic_ms is None
    await open_sitting(desk)
    desk.clock.advance(seconds=90)
    said = await desk.insert("三个月没人修", ago_ms=30_000)
    assert said.said_at == desk.clock.now() - timedelta(seconds=30) and said.monotonic_ms is not None
    early = await desk.insert("网断的时候写的", ago_ms=100_000)
    assert early.said_at is None
    with pytest.raises(Invalid, match="bad_time"):
        await desk.insert("x", ago_ms=-1)


async def test_a_speaker_has_name_and_office(desk: Desk) -> None:
    people = await list_invitations(desk.db, desk.session.id)
    one = await desk.insert("三个月没人修")
    change = DescribeParagraph(
        edit_id=new_id(), paragraph_id=one.id, kind=KINDS.STATEMENT, speaker_id=people[0].id
    )
    told = (await desk.do(change)).paragraph
    assert (told.speaker_name, told.kind) == ("李德福", KINDS.STATEMENT)
    stranger = DescribeParagraph(edit_id=new_id(), paragraph_id=one.id, kind=KINDS.NOTE, speaker_id=new_id())
    with pytest.raises(Invalid, match="speaker_unknown"):
        await desk.do(stranger)


async def test_what_no_paragraph_can_hold_is_told(desk: Desk) -> None:
    one = await desk.insert("好")
    wrong = {"啊" * 4001: "too_long", "é" + "\u0301" * 10_000: "too_many_marks", "x" * 70_000: "too_long"}
    for text, code in wrong.items():
        with pytest.raises(Invalid, match=code):
            await desk.edit(one.id, 1, text)
    assert (await desk.edit(one.id, 1, "a\u202eb\u0000c\u200b")).paragraph.text == "abc"
    with pytest.raises(Invalid, match="base_unknown"):
        await desk.edit(one.id, 99, "好的")


async def test_a_thousand_paragraphs_are_enough(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    standing = len(await desk.texts())
    assert MOST_PARAGRAPHS == 1000
    monkeypatch.setattr("scheduling.minutes.editing.MOST_PARAGRAPHS", standing + 1)
    await desk.insert("最后一段")
    with pytest.raises(Conflict, match="minutes_full"):
        await desk.insert("再来一段")


async def test_locked_is_locked_and_a_signature_closes_the_way_back(desk: Desk) -> None:
    one = await desk.insert("好")
    for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
        await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, state)
    for _ in range(2):
        with pytest.raises(Conflict, match="minutes_locked"):
            await desk.edit(one.id, 1, "不好")
    line = (
        await desk.db.scalars(select(AuditEntry).where(AuditEntry.action == "minutes.change_refused"))
    ).one()
    assert (line.outcome, line.object_id, line.actor_id) == (
        "refused",
        desk.session.id,
        desk.writer.official_id,
    )
    await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, MinutesState.DRAFTING)
    await desk.edit(one.id, 1, "不好")
    for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
        await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, state)
    minutes = await find_minutes(desk.db, desk.session.id)
    assert minutes is not None
    minutes.signature_count = 1
    await desk.db.commit()
    with pytest.raises(Conflict, match="minutes_signed"):
        await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, MinutesState.DRAFTING)
    with pytest.raises(Conflict, match="minutes_unsigned"):
        await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, MinutesState.LOCKED)
    minutes = await find_minutes(desk.db, desk.session.id)
    assert minutes is not None
    minutes.state = MinutesState.LOCKED
    await desk.db.commit()
    with pytest.raises(Conflict, match="bad_transition"):
        await move_minutes(desk.db, desk.clock, desk.writer, desk.session.id, MinutesState.DRAFTING)
    assert reachable_from(TRANSITIONS, MinutesState.DRAFTING) == set(MinutesState)


async def test_who_reads_and_who_writes(desk: Desk, world: World) -> None:
    one = await desk.insert("好")
    note = InsertParagraph(
        edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=KINDS.NOTE, speaker_id=None,
        text="内部备注",
    )  # fmt: skip
    await desk.do(note)
    citizen = next(
        Actor(
            ActorKind.INVITEE, each.display_name, invitation_id=each.id, session_id=desk.session.id,
            invitation_role=each.role,
        )
        for each in await list_invitations(desk.db, desk.session.id)
        if each.role is InvitationRole.PETITIONER
    )  # fmt: skip
    with pytest.raises(Forbidden, match="minutes_not_shown"):
        await follow_minutes(desk.db, citizen, desk.session.id)
    await show_live(desk.db, desk.clock, desk.writer, desk.session.id, True)
    shown = (await follow_minutes(desk.db, citizen, desk.session.id)).public
    assert one.id in {each.id for each in shown} and "内部备注" not in {each.text for each in shown}
    with pytest.raises(Forbidden):
        await read_minutes(desk.db, citizen, desk.session.id)
    with pytest.raises(NotFound):
        await read_minutes(desk.db, world.actor("xigu.receptionist"), desk.session.id)
    guest = await invite(
        desk.db, desk.clock, desk.writer, desk.session.id,
        Invitee(InvitationRole.JOINT_RECEPTIONIST, official_id=world.officials["xigu.receptionist"].id),
    )  # fmt: skip
    xigu = world.actor("xigu.receptionist")
    assert (await read_minutes(desk.db, xigu, desk.session.id)).paragraphs
    with pytest.raises(Forbidden):
        await desk.edit(one.id, 1, "改", xigu)
    await let_write(desk.db, desk.clock, desk.writer, desk.session.id, guest.id, True)
    assert (await desk.edit(one.id, 1, "改", xigu)).paragraph.text == "改"
    await let_write(desk.db, desk.clock, desk.writer, desk.session.id, guest.id, False)
    with pytest.raises(Forbidden):
        await desk.edit(one.id, 2, "再改", xigu)
    with pytest.raises(Forbidden):
        await let_write(desk.db, desk.clock, xigu, desk.session.id, guest.id, True)


# Two pages on a slow line


@dataclass
class Page:
    """What the editor's page does: sends one change at a time, goes on typing, takes the answer in."""

    first: int
    shown: str
    base: int
    known: str
    sent: EditParagraph | None = None
    typed: set[str] = field(default_factory=set)

    def type(self, dice: random.Random) -> None:
        word = chr(self.first + len(self.typed))
        self.typed.add(word)
        at = dice.randint(0, len(self.shown))
        self.shown = self.shown[:at] + word + self.shown[at:]

    def send(self, paragraph_id: str) -> None:
        if self.sent is None and self.shown != self.known:
            self.sent = EditParagraph(
                edit_id=new_id(), paragraph_id=paragraph_id, base=self.base, text=self.shown
            )

    def answered(self, done: Changed) -> None:
        assert self.sent is not None
        self.shown = merge(self.sent.text, done.paragraph.text, self.shown).text
        self.sent, self.base, self.known = None, done.paragraph.revision, done.paragraph.text

    def heard(self, revision: int, text: str) -> None:
        """A push: taken in only where nothing is typed, for what is typed the server merges."""
        if self.sent is None and self.shown == self.known and revision > self.base:
            self.base, self.shown, self.known = revision, text, text


async def step(desk: Desk, dice: random.Random, page: Page, pages: list[Page], paragraph_id: str) -> None:
    """One thing happens: a word typed, a change sent, or an answer (perhaps the second) that comes back."""
    act = dice.random()
    if act < 0.5:
        page.type(dice)
    elif act < 0.75:
        page.send(paragraph_id)
    elif page.sent is not None:
        done = await desk.do(page.sent)
        if dice.random() < 0.3:
            done = await desk.do(page.sent)
        if dice.random() < 0.5:
            for each in pages:
                each.heard(done.paragraph.revision, done.paragraph.text)
        page.answered(done)


@pytest.mark.parametrize("seed", range(2))
async def test_two_pages_on_a_slow_line_lose_no_word_and_end_alike(desk: Desk, seed: int) -> None:
    dice = random.Random(seed)
    one = await desk.insert("原话")
    pages = [Page(0x6000, "原话", 1, "原话"), Page(0x7000, "原话", 1, "原话")]
    for _ in range(60):
        await step(desk, dice, dice.choice(pages), pages, one.id)
    for page in [*pages, *pages]:
        for _ in range(2):
            page.send(one.id)
            if page.sent is not None:
                page.answered(await desk.do(page.sent))
        for each in pages:
            each.heard(page.base, page.known)
    assert pages[0].shown == pages[1].shown
    for word in pages[0].typed | pages[1].typed | {"原", "话"}:
        assert pages[0].shown.count(word) == 1
    assert len(pages[0].typed) > 5 < len(pages[1].typed)


async def test_two_processes_write_at_once(desk: Desk, database: Database, world: World) -> None:
    one = await desk.insert("原话")
    other = world.actor("chengguan.recorder")

    async def write(actor: Actor, text: str) -> None:
        async with database.session() as db:
            change = EditParagraph(edit_id=new_id(), paragraph_id=one.id, base=1, text=text)
            await change_minutes(db, desk.clock, actor, desk.session.id, change)

    await asyncio.gather(write(desk.writer, "先说原话"), write(other, "原话后说"))
    assert "先说原话后说" in await desk.texts()
