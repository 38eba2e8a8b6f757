"""Papers at their edges: whose template, whose paper, of which year, and what is no longer in force."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent, PetitionState
from cases.database import new_id
from cases.documents.choosing import add_template, choose_template, list_versions, read_since
from cases.documents.delivering import Upload, deliver_document
from cases.documents.document import DeliveryProof, DocumentTemplate
from cases.documents.form import FORMS
from cases.documents.issuing import _event_for, draft_document
from cases.documents.kind import DocumentKind
from cases.documents.reading import get_document, list_documents, read_own_file, read_proof
from cases.documents.template import Paragraph, Template
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.handling.clocks import today
from cases.organisations import OrganisationKind, Tier
from cases.petitions import get_petition
from cases.policy import Actor, ActorKind, PostRef
from cases.roles import Role
from tests.cases.documents.test_papers import (  # noqa: F401
    PNG,
    SERVED,
    concluded,
    deliver,
    desk,
    due,
    paper,
)
from tests.cases.handling.test_taking import CLAIM, HANDLER, KEEPER, Desk
from tests.clock import FixedClock
from tests.factories import World, make_petition

OPINION = DocumentKind.HANDLING_OPINION


@pytest.fixture
def database_system() -> str:
    """One system is enough for rules; what is stored is tested on both beside this."""
    return "sqlite"


def template_by(world: World, office: str, title: str, since: date, version: int = 1) -> DocumentTemplate:
    return DocumentTemplate(
        id=new_id(), organisation_id=world.organisations[office].id, kind=OPINION, version=version,
        since=since, title=title, body="\n".join(FORMS[OPINION].templates[0].body),
        made_at=FixedClock().now(), official_name="某人",
    )  # fmt: skip


async def test_the_nearest_office_above_has_the_word_and_nobody_beside(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    day = today(clock)

    async def chosen() -> str:
        return (await choose_template(db, world.housing, OPINION, day)).title

    national = await chosen()
    for office, title in (("xigu", "西固的"), ("province", "省里的"), ("city", "市里的")):
        db.add(template_by(world, office, title, day))
        await db.flush()
        assert await chosen() == (national if office == "xigu" else title)
    db.add(template_by(world, "province", "省里新的", day, version=2))
    await db.flush()
    assert await chosen() == "市里的", "nearer, though older"
    db.add(template_by(world, "city", "市里明天的", day + timedelta(days=1), version=2))
    await db.flush()
    assert await chosen() == "市里的"


async def test_templates_are_read_and_dated_by_whoever_may(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    admin, now = world.actor("city.sysadmin"), today(clock)
    assert await list_versions(db, admin, world.city.id, OPINION) == []
    for who, office in ((KEEPER, "chengguan"), ("city.sysadmin", "chengguan"), ("city.leader", "city")):
        with pytest.raises((Forbidden, NotFound)):
            await list_versions(db, world.actor(who), world.organisations[office].id, OPINION)
    assert read_since("", clock) == now
    assert read_since((now + timedelta(days=366)).isoformat(), clock) == now + timedelta(days=366)
    for wrong in (now - timedelta(days=1), now + timedelta(days=367)):
        with pytest.raises(Invalid) as caught:
            read_since(wrong.isoformat(), clock)
        assert caught.value.field == "since"
    with pytest.raises((Forbidden, NotFound)):
        await add_template(db, clock, world.actor(KEEPER), world.city.id, OPINION, "x", "x", "")


def colleague(world: World, role: Role) -> Actor:
    """Of the office that keeps the case, with the powers of a unit that handles."""
    post = PostRef(role, world.chengguan.id, "620102", Tier.DISTRICT, OrganisationKind.PETITION_OFFICE)
    return Actor(ActorKind.OFFICIAL, "某人", "x" * 32, (post,))


async def test_only_the_unit_that_handles_issues_and_delivers_its_papers(desk: Desk) -> None:  # noqa: F811
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    someone = colleague(desk.world, Role.HANDLER)
    with pytest.raises(Forbidden):
        await draft_document(desk.db, desk.clock, someone, desk.id, "closing_report")
    with pytest.raises(Forbidden):
        await deliver_document(desk.db, desk.clock, someone, desk.id, row.id, SERVED)
    with pytest.raises(NotFound):
        await deliver(desk, "xigu.receptionist", row)
    assert "review_apply" not in await desk.clocks()


async def another(desk: Desk, keeper: str = "chengguan") -> Desk:  # noqa: F811
    """A second case, of the same office or of another one."""
    petition = await make_petition(desk.db, desk.clock, desk.world.organisations[keeper])
    return Desk(desk.db, desk.clock, desk.world, petition)


async def test_a_paper_belongs_to_its_case(desk: Desk) -> None:  # noqa: F811
    await concluded(desk)
    row = await paper(desk, HANDLER, "handling_opinion")
    other = await another(desk)
    await concluded(other)
    handler = desk.world.actor(HANDLER)
    with pytest.raises(NotFound):
        await deliver_document(desk.db, desk.clock, handler, other.id, row.id, SERVED)
    with pytest.raises(NotFound):
        await draft_document(desk.db, desk.clock, handler, other.id, "handling_opinion", row.id)
    with pytest.raises(NotFound):
        await get_document(desk.db, handler, other.id, row.id)


async def test_what_was_corrected_is_delivered_no_more(desk: Desk) -> None:  # noqa: F811
    await concluded(desk)
    first = await paper(desk, HANDLER, "handling_opinion")
    await paper(desk, HANDLER, "handling_opinion", first.id, correction="门牌号写错。")
    with pytest.raises(Conflict) as caught:
        await deliver(desk, HANDLER, first)
    assert caught.value.code == "document_replaced" and "review_apply" not in await desk.clocks()


async def test_each_office_counts_for_itself_and_anew_each_year(desk: Desk) -> None:  # noqa: F811
    world = desk.world
    await desk.until_accepted()
    assert (await paper(desk, HANDLER, "acceptance_notice")).number == "城关区住建局信受〔2026〕1号"
    assert (await paper(desk, KEEPER, "transfer_sheet")).number == "城关区信访局信转〔2026〕1号"
    above, clerk = await another(desk, "city"), "city.receptionist"
    await above.take(clerk, "classify", **CLAIM)
    await above.take(clerk, "forward", unit=world.housing.id, words="请依法办理。")
    assert (await paper(above, clerk, "transfer_sheet")).number == "兰州市信访局信转〔2026〕1号"
    desk.clock.advance(days=200)
    later = await another(desk)
    await later.until_accepted()
    assert (await paper(later, HANDLER, "acceptance_notice")).number == "城关区住建局信受〔2027〕1号"


async def test_internal_papers_and_changed_proofs_are_not_handed_out(desk: Desk) -> None:  # noqa: F811
    await desk.until_forwarded()
    sheet = await paper(desk, KEEPER, "transfer_sheet")
    keeper = desk.world.actor(KEEPER)
    petition = await get_petition(desk.db, keeper, desk.id)
    with pytest.raises(NotFound):
        await read_own_file(desk.db, petition, sheet.id)
    await deliver(desk, KEEPER, sheet, Upload("签收单.png", PNG), recipient="城关区住建局")
    (filed,) = await list_documents(desk.db, keeper, petition)
    (one,) = filed.deliveries
    assert (await read_proof(desk.db, keeper, desk.id, sheet.id, one.id))[1] == PNG
    proof = await desk.db.get_one(DeliveryProof, one.id)
    proof.content = PNG + b"x"  # In memory only.
    with desk.db.no_autoflush, pytest.raises(Conflict) as caught:
        await read_proof(desk.db, keeper, desk.id, sheet.id, one.id)
    assert caught.value.code == "document_damaged"
    desk.db.expunge(proof)


async def test_a_clerk_of_the_station_reads_no_internal_paper(desk: Desk) -> None:  # noqa: F811
    """Who sees the case but not what offices write to one another about it."""
    await desk.until_forwarded()
    await paper(desk, KEEPER, "transfer_sheet")
    notice = await paper(desk, HANDLER, "receipt_notice")
    clerk = colleague(desk.world, Role.STATION_CLERK)
    petition = await get_petition(desk.db, clerk, desk.id)
    assert [each.document.id for each in await list_documents(desk.db, clerk, petition)] == [notice.id]
    assert await due(desk, "city.receptionist") == []


def test_no_paper_is_due_once_the_case_went_elsewhere_or_on() -> None:
    def due_of(kind: str, *told: str, state: PetitionState = PetitionState.ACCEPTED) -> bool:
        events = [PetitionEvent(kind=each, sequence=number) for number, each in enumerate(told)]
        form, petition = FORMS[DocumentKind(kind)], PetitionCase(state=state)
        return _event_for(form, petition, events) is not None

    came, accepted = "petition.forwarded", "petition.accepted"
    assert due_of("acceptance_notice", came, accepted)
    assert not due_of("acceptance_notice", came, accepted, came), "it has gone to another unit since"
    bound = [form for form in FORMS.values() if form.states]
    assert bound
    for form in bound:
        told = (form.only or came, min(form.events))
        wrong = next(state for state in PetitionState if state not in form.states)
        assert due_of(form.kind, *told, state=min(form.states))
        assert not due_of(form.kind, *told, state=wrong), form.kind


def test_a_paragraph_with_an_empty_place_is_left_out() -> None:
    template = Template("x", ("甲 {words?}", "乙 {number}"), 1, date(2026, 1, 1))
    assert template.fill({"number": "1", "words": ""}) == (Paragraph("乙 1"),)
    assert [each.text for each in template.fill({"number": "1", "words": "多"})] == ["甲 多", "乙 1"]


