"""Papers on both databases: who issues them, what they say, how they are numbered, kept and corrected."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.append_only import AppendOnlyError
from cases.casefile import PetitionState
from cases.database import Database
from cases.documents.choosing import add_template, choose_template
from cases.documents.delivering import MOST_PROOF, Upload, confirm_receipt, deliver_document
from cases.documents.document import IssuedDocument
from cases.documents.form import FORMS
from cases.documents.issuing import Incomplete, draft_document, issue_document, list_due
from cases.documents.kind import DocumentKind
from cases.documents.reading import get_document, list_documents, list_for_petitioner, read_file, read_proof
from cases.documents.template import read_body
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.procedure import RULES, Step
from cases.intake.matter import PetitionIntake
from cases.petitions import get_petition, list_petition_events
from cases.supervision.paper import ABOUT
from tests.cases.documents.papers import TYPED, draw, issue
from tests.cases.handling.test_taking import CLAIM, HANDLER, HEAD, KEEPER, Desk
from tests.clock import FixedClock
from tests.factories import World, make_petition

REVIEWER, RECHECKER = "chengguan.reviewer", "province.reviewer"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
SERVED = {"service": "in_person", "on": "", "recipient": "李德福", "proof": "签收单"}


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world, await make_petition(db, clock, world.chengguan))


async def paper(desk: Desk, who: str, kind: str, corrects: str = "", **typed: str) -> IssuedDocument:
    return await issue(desk.db, desk.clock, desk.world.actor(who), desk.id, kind, corrects, **typed)


async def text_of(desk: Desk, row: IssuedDocument) -> str:
    return (await read_file(desk.db, row)).decode()


async def due(desk: Desk, who: str) -> list[str]:
    petition = await get_petition(desk.db, desk.world.actor(who), desk.id)
    return [str(form.kind) for form in await list_due(desk.db, desk.world.actor(who), petition)]


async def deliver(
    desk: Desk, who: str, row: IssuedDocument, upload: Upload | None = None, **given: str
) -> None:
    actor = desk.world.actor(who)
    await deliver_document(desk.db, desk.clock, actor, desk.id, row.id, SERVED | given, upload)


async def concluded(desk: Desk) -> None:
    await desk.until_accepted()
    await desk.take(HANDLER, "conclude", conclusion="support", words="九月底前修好。")


def test_every_paper_comes_from_a_step_and_every_template_is_whole() -> None:
    made = {kind for rule in RULES.values() for kind in rule.makes}
    assert made | set(ABOUT) == set(DocumentKind) == set(FORMS)
    assert {rule.delivers for rule in RULES.values()} - {None} <= made
    for form in FORMS.values():
        assert set(form.prefill) <= set(form.templates[0].places()), form.kind


async def test_the_papers_of_a_case_to_its_conclusion(desk: Desk) -> None:
    await desk.until_forwarded("assign", days="45")
    assert await due(desk, KEEPER) == ["assignment_sheet"] and await due(desk, HANDLER) == ["receipt_notice"]
    sheet = await text_of(desk, await paper(desk, KEEPER, "assignment_sheet"))
    assert "城关区信访局信交〔2026〕1号" in sheet and "请于2026年9月7日前反馈办理结果" in sheet
    assert "自收到之日起5个工作日内（2026年7月29日前）提出异议" in sheet
    notice = await paper(desk, HANDLER, "receipt_notice")
    assert "由城关区信访局转来" in await text_of(desk, notice)
    await deliver(desk, HANDLER, notice)
    assert (await get_petition(desk.db, desk.world.actor(KEEPER), desk.id)).state is PetitionState.NOTIFIED
    await desk.take(HANDLER, "accept", on="", words="决定受理。")
    accepted = await text_of(desk, await paper(desk, HANDLER, "acceptance_notice"))
    assert "自受理之日起60日内办结，最迟2026年9月20日。" in accepted
    await desk.take(HEAD, "extend", days="20", words="要做房屋鉴定。")
    assert await due(desk, HANDLER) == ["extension_notice"]
    extended = await text_of(desk, await paper(desk, HANDLER, "extension_notice"))
    assert "延长办理期限20日" in extended and "2026年10月10日为止" in extended and "要做房屋鉴定" in extended
    await desk.take(HANDLER, "conclude", conclusion="support", words="九月底前修好。")
    assert await due(desk, HANDLER) == ["handling_opinion", "closing_report"]
    opinion = await text_of(desk, await paper(desk, HANDLER, "handling_opinion"))
    for words in (
        "支持。",
        "九月底前修好。",
        TYPED["facts"],
        TYPED["reasons"],
        "《信访工作条例》第三十二条。",
    ):
        assert words in opinion
    assert "自收到本意见书之日起30日内，书面向城关区信访局请求复查" in opinion
    assert await due(desk, HANDLER) == ["closing_report"]


async def test_what_an_opinion_lacks_is_told_at_each_field(desk: Desk) -> None:
    await concluded(desk)
    actor = desk.world.actor(HANDLER)
    given = {"demand": " ", "facts": "事实\u202e", "reasons": "", "basis": "有关规定", "opinion": "好" * 3001}
    with pytest.raises(Incomplete) as refused:
        await issue_document(desk.db, desk.clock, actor, desk.id, "handling_opinion", given, draw)
    assert {name: code for name, (code, _) in refused.value.wrong.items()} == {
        "demand": "required",
        "reasons": "required",
        "basis": "no_article",
        "opinion": "too_long",
    }
    assert refused.value.field == "demand" and "handling_opinion" in await due(desk, HANDLER)
    petition = await get_petition(desk.db, actor, desk.id)
    assert not await list_documents(desk.db, actor, petition), "nothing half done"


@pytest.mark.parametrize(
    ("who", "kind", "error"),
    [
        (KEEPER, "handling_opinion", Forbidden),
        ("xigu.receptionist", "handling_opinion", NotFound),
        ("city.sysadmin", "handling_opinion", NotFound),
        (HANDLER, "review_opinion", Forbidden),
        (HANDLER, "extension_notice", Conflict),
        (HANDLER, "closing_report", Conflict),
        (KEEPER, "love_letter", NotFound),
    ],
)
async def test_who_issues_what(desk: Desk, who: str, kind: str, error: type[Exception]) -> None:
    await concluded(desk)
    with pytest.raises(error):
        await draft_document(desk.db, desk.clock, desk.world.actor(who), desk.id, kind)


async def test_a_paper_is_kept_as_it_was_issued(desk: Desk) -> None:
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    desk.db.expunge(row)
    assert row.sha256 == hashlib.sha256(await read_file(desk.db, row)).hexdigest()
    for table in ("documents", "document_files"):
        with pytest.raises(DatabaseError):
            await desk.db.execute(text(f"DELETE FROM {table}"))
        await desk.db.rollback()
    with pytest.raises(AppendOnlyError):
        await desk.db.execute(update(IssuedDocument).values(title="x"))
    await desk.db.rollback()
    row.sha256 = "0" * 64  # In memory only.
    with pytest.raises(Conflict) as changed:
        await read_file(desk.db, row)
    assert changed.value.code == "document_damaged"


async def test_a_correction_is_a_new_paper_that_names_the_old_one(desk: Desk) -> None:
    await concluded(desk)
    first = await paper(desk, HANDLER, "handling_opinion")
    await deliver(desk, HANDLER, first)
    assert (await desk.clocks())["review_apply"] == (date(2026, 8, 21), None)
    desk.clock.advance(days=4)
    with pytest.raises(Incomplete) as bare:
        await paper(desk, HANDLER, "handling_opinion", first.id)
    assert bare.value.field == "correction"
    second = await paper(desk, HANDLER, "handling_opinion", first.id, correction="门牌号写错。")
    words = await text_of(desk, second)
    assert f"本文书替换{first.number}《信访事项处理意见书》，原文书不再使用。更正原因：门牌号写错。" in words
    assert second.number.endswith("〔2026〕2号") and second.corrects_id == first.id
    filed = await get_document(desk.db, desk.world.actor(HANDLER), desk.id, first.id)
    assert filed.replaced_by is not None and filed.replaced_by.id == second.id
    with pytest.raises(Conflict) as twice:
        await paper(desk, HANDLER, "handling_opinion", first.id, correction="再改。")
    assert twice.value.code == "document_replaced"
    await deliver(desk, HANDLER, second)
    assert (await desk.clocks())["review_apply"] == (date(2026, 8, 25), None), "counted from the new one"


async def test_numbers_have_no_gap_and_no_double_when_two_issue_at_once(
    database: Database, clock: FixedClock, world: World, db: AsyncSession
) -> None:
    desks = [Desk(db, clock, world, await make_petition(db, clock, world.chengguan)) for _ in range(4)]
    for each in desks:
        await each.until_accepted()

    async def one(petition_id: str) -> str:
        async with database.session() as own:
            actor = world.actor(HANDLER)
            return (await issue(own, clock, actor, petition_id, "acceptance_notice")).number

    numbers = await asyncio.gather(*(one(each.id) for each in desks))
    assert sorted(numbers) == [f"城关区住建局信受〔2026〕{count}号" for count in range(1, 5)]
    again = await asyncio.gather(one(desks[0].id), return_exceptions=True)
    assert isinstance(again[0], Conflict) and again[0].code == "document_exists"


async def test_internal_papers_are_not_the_petitioners(desk: Desk) -> None:
    await desk.until_forwarded()
    sheet = await paper(desk, KEEPER, "transfer_sheet")
    notice = await paper(desk, HANDLER, "receipt_notice")
    petition = await get_petition(desk.db, desk.world.actor(KEEPER), desk.id)
    shown = await list_for_petitioner(desk.db, petition)
    assert [each.document.id for each in shown] == [notice.id]
    clerk = desk.world.actor("city.inspector")
    assert len(await list_documents(desk.db, clerk, petition)) == 2
    with pytest.raises(NotFound):
        await confirm_receipt(desk.db, desk.clock, petition, sheet.id)


async def test_nothing_of_an_accusation_reaches_whom_it_accuses(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    accused = await make_petition(db, clock, world.city, accused_organisation_id=world.chengguan.id)
    desk = Desk(db, clock, world, accused)
    accusation = {"class": "accusation", "way": "discipline", "words": "反映收受好处。"}
    await desk.take("city.receptionist", "classify", **accusation)
    await desk.take("city.receptionist", "route", body="兰州市纪委监委", words="按干部管理权限移送。")
    row = await paper(desk, "city.receptionist", "routing_notice")
    assert "兰州市纪委监委" in await text_of(desk, row)
    for who in (KEEPER, HANDLER, "province.receptionist", "city.leader"):
        with pytest.raises(NotFound):
            await get_document(db, world.actor(who), accused.id, row.id)


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"service": "pigeon"}, "choose", "service"),
        ({"service": "telephone"}, "choose", "service"),
        ({"service": "left"}, "required", "witness"),
        ({"refused": "yes"}, "required", "witness"),
        ({"recipient": " "}, "required", "recipient"),
        ({"proof": ""}, "required", "proof"),
        ({"on": "2026-02-30"}, "bad_date", "on"),
        ({"on": "9999-12-31"}, "date_in_future", "on"),
        ({"on": "1970-01-01"}, "date_too_early", "on"),
    ],
)
async def test_what_a_delivery_lacks(desk: Desk, given: dict[str, str], code: str, field: str) -> None:
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    with pytest.raises(Invalid) as refused:
        await deliver(desk, HANDLER, row, **given)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "review_apply" not in await desk.clocks()


async def test_a_delivery_starts_the_clock_and_keeps_its_proof(desk: Desk) -> None:
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    desk.clock.advance(days=3)
    with pytest.raises(Invalid):
        await deliver(desk, HANDLER, row, Upload("virus.exe", b"MZ"))
    with pytest.raises(Invalid):
        await deliver(desk, HANDLER, row, Upload("big.png", PNG + bytes(MOST_PROOF)))
    await deliver(
        desk, HANDLER, row, Upload("照片.png", PNG), service="left", witness="社区干部张梅", on="2026-07-24"
    )
    assert (await desk.clocks())["review_apply"] == (date(2026, 8, 24), None), "a Sunday rolls on"
    with pytest.raises(Conflict) as again:
        await deliver(desk, HANDLER, row)
    assert again.value.code == "document_delivered"
    actor = desk.world.actor(KEEPER)
    (filed,) = await list_documents(desk.db, actor, await get_petition(desk.db, actor, desk.id))
    (one,) = filed.deliveries
    assert one.refused and one.witness == "社区干部张梅" and one.on == date(2026, 7, 24)
    assert (await read_proof(desk.db, actor, desk.id, row.id, one.id))[1] == PNG
    kinds = [each.kind for each in await list_petition_events(desk.db, actor, desk.id)]
    assert kinds[-2:] == ["petition.delivered", "document.delivered"]


async def test_what_is_announced_counts_thirty_days_later(desk: Desk) -> None:
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    await deliver(desk, HANDLER, row, service="announced", proof="甘肃日报第 4 版")
    # 22 July and thirty days is 21 August; thirty more end on Sunday, 20 September.
    assert (await desk.clocks())["review_apply"] == (date(2026, 9, 20), None)


async def test_the_petitioner_confirms_and_the_first_delivery_counts(desk: Desk) -> None:
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    petition = await get_petition(desk.db, desk.world.actor(KEEPER), desk.id)
    await confirm_receipt(desk.db, desk.clock, petition, row.id)
    counted = (await desk.clocks())["review_apply"]
    assert counted == (date(2026, 8, 21), None)
    desk.clock.advance(days=5)
    await confirm_receipt(desk.db, desk.clock, petition, row.id)
    await deliver(desk, HANDLER, row)
    assert (await desk.clocks())["review_apply"] == counted
    filed = await get_document(desk.db, desk.world.actor(KEEPER), desk.id, row.id)
    assert filed.confirmed and len(filed.deliveries) == 2


async def test_no_opinion_is_delivered_that_was_not_made(desk: Desk) -> None:
    await concluded(desk)
    with pytest.raises(Conflict) as bare:
        step = {"service": "post", "on": "", "proof": "EMS 1"}
        await desk.take_bare(HANDLER, "deliver", **step)
    assert bare.value.code == "deliver_by_paper"


async def test_an_office_has_its_own_template_and_old_papers_keep_theirs(desk: Desk) -> None:
    await concluded(desk)
    old = await paper(desk, HANDLER, "handling_opinion")
    admin, city = desk.world.actor("city.sysadmin"), desk.world.city.id
    body = "\n".join(
        (*FORMS[DocumentKind.HANDLING_OPINION].templates[-1].body, "# 七、落款前的话", "特此告知。")
    )
    kind = DocumentKind.HANDLING_OPINION
    made = await add_template(desk.db, desk.clock, admin, city, kind, "处理意见书", body, "2026-07-25")
    assert made.version == 1
    office = desk.world.housing
    assert not (await choose_template(desk.db, office, kind, date(2026, 7, 24))).source
    assert (await choose_template(desk.db, office, kind, date(2026, 7, 25))).source == city
    desk.clock.advance(days=3)
    new = await paper(desk, HANDLER, "handling_opinion", old.id, correction="换用新样式。")
    assert "特此告知。" in await text_of(desk, new) and "特此告知。" not in await text_of(desk, old)
    assert (old.template_source, old.template_version) == ("", 2)
    assert (new.template_source, new.template_version) == (city, 1)
    with pytest.raises((Forbidden, NotFound)):
        await add_template(desk.db, desk.clock, desk.world.actor(KEEPER), city, kind, "处理意见书", body, "")
    with pytest.raises((Forbidden, NotFound)):
        await add_template(desk.db, desk.clock, admin, desk.world.chengguan.id, kind, "处理意见书", body, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "required"),
        ("{petitioner}：{gossip}", "place_unknown"),
        ("{petitioner", "place_broken"),
        ("{petitioner}：{number?}", "place_missing"),
        ("字" * 8001, "too_long"),
    ],
)
def test_templates_that_are_refused(body: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_body(body, ("petitioner", "number"))
    assert (refused.value.code, refused.value.field) == (code, "body")


async def test_what_people_type_is_never_read_as_a_template(desk: Desk) -> None:
    await desk.take(KEEPER, "classify", **CLAIM)
    await desk.take(KEEPER, "refuse", words="{petitioner} # 一、{number}")
    row = await paper(desk, KEEPER, "refusal_notice", facts="# 不是标题 {office}")
    words = await text_of(desk, row)
    assert "{petitioner} # 一、{number}" in words and "# 不是标题 {office}" in words
    assert [heading for heading, told in row.paragraphs if "不是标题" in told] == [False]


def test_steps_that_are_deliveries_have_their_paper() -> None:
    assert [step for step, rule in RULES.items() if rule.delivers] == [
        Step.NOTIFY,
        Step.DELIVER,
        Step.DELIVER_REVIEW,
        Step.DELIVER_RECHECK,
    ]


async def test_a_sheet_is_corrected_for_the_unit_that_got_it(desk: Desk) -> None:
    await desk.until_forwarded()
    first = await paper(desk, KEEPER, "transfer_sheet")
    await desk.take(HANDLER, "object", words="属于城管职责。")
    await desk.take(KEEPER, "agree_return", words="核实无误。")
    await desk.take(KEEPER, "forward", unit=desk.world.station.id, words="请依法办理。")
    corrected = await paper(desk, KEEPER, "transfer_sheet", first.id, correction="写错门牌。")
    assert corrected.recipient == "城关区住建局"
    assert (await paper(desk, KEEPER, "transfer_sheet")).recipient == "酒泉路街道接访点"


async def test_a_paper_of_a_joint_petition_names_how_many_there_are(desk: Desk) -> None:
    desk.db.add(PetitionIntake(petition_id=desk.id, headcount=12, came_at=desk.clock.now()))
    await desk.db.commit()
    await desk.take(KEEPER, "classify", **CLAIM)
    await desk.take(KEEPER, "refuse", words="正在办理。")
    row = await paper(desk, KEEPER, "refusal_notice")
    assert row.recipient == "李德福等12人"


async def test_an_accusation_is_passed_on_and_nobody_is_told_to_go_there_himself(desk: Desk) -> None:
    way = {"class": "accusation", "way": "discipline", "words": "涉嫌违纪。"}
    await desk.take(KEEPER, "classify", **way)
    await desk.take(KEEPER, "route", body="区纪委监委", words="依规移送。")
    told = await text_of(desk, await paper(desk, KEEPER, "routing_notice"))
    assert "您不需要另行提出" in told and "第三十条" in told and "请您在法定期限内" not in told
