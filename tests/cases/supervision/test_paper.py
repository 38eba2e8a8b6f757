"""The papers of an order on both databases: what stands in them, whose they are, how they arrive."""

from __future__ import annotations

import pytest

from cases.documents.delivering import deliver_document
from cases.documents.kind import DocumentKind
from cases.documents.reading import get_document, list_documents
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.petitions import load_petition
from cases.supervision.order import SupervisionOrder
from cases.supervision.paper import (
    SIGNED_FOR,
    deliver_order_paper,
    issue_order_paper,
    list_order_papers,
    papers_due,
    papers_of_orders,
    read_order_paper,
    sign_for_order_paper,
)
from tests.cases.documents.papers import draw
from tests.cases.supervision.conftest import HANDLER, HEAD, INSPECTOR, KEEPER, LEADER, Matter

ORDER, FEEDBACK = DocumentKind.SUPERVISION_ORDER, DocumentKind.SUPERVISION_FEEDBACK
SERVED = {"service": "post", "recipient": "房管局收发室", "proof": "EMS 1098"}


async def paper(matter: Matter, who: str, order: SupervisionOrder, kind: str = ORDER) -> str:
    row = await issue_order_paper(matter.db, matter.clock, matter.actor(who), order.id, kind, draw)
    return row.id


async def text_of(matter: Matter, who: str, order: SupervisionOrder, document_id: str) -> str:
    _, body = await read_order_paper(matter.db, matter.actor(who), order.id, document_id)
    return body.decode()


async def test_the_order_and_each_answer_become_papers(matter: Matter) -> None:
    order = await matter.issue()
    assert await papers_due(matter.db, matter.actor(LEADER), order) == [ORDER]
    issued = await paper(matter, LEADER, order)
    text = await text_of(matter, HANDLER, order, issued)
    unit = matter.world.housing.name
    for words in ("城关区信访局信督〔2026〕1号", unit, "未按规定期限办理", "请说明原因。", "2026年8月10日前"):
        assert words in text, words
    with pytest.raises(Conflict, match="document_exists"):
        await paper(matter, LEADER, order)
    with pytest.raises(Conflict, match="document_not_due"):
        await paper(matter, HANDLER, order, FEEDBACK)
    for words in ("屋顶已修，墙面月底前修。", "墙面也修好了。"):
        order = await matter.take(HEAD, order, "report", adoption="partly", words=words)
        assert await papers_due(matter.db, matter.actor(HANDLER), order) == [FEEDBACK]
        answer = await text_of(matter, LEADER, order, await paper(matter, HEAD, order, FEEDBACK))
        assert words in answer and "部分采纳" in answer and f"{unit}信督反〔2026〕" in answer
        # The second answer is read against what sent the first one back.
        again = "2026年7月22日退回重报，请于2026年8月20日前反馈。退回的原因：再报。" in answer
        assert again == (words == "墙面也修好了。") and "2026年8月10日前" not in answer
        assert "城关区信访局" in answer and await papers_due(matter.db, matter.actor(HEAD), order) == []
        order = await matter.take(LEADER, order, "send_back", due_on="2026-08-20", words="再报。")
    assert "2026年8月10日前" in await text_of(matter, LEADER, order, issued)


async def test_two_offices_have_the_papers_and_nobody_else(matter: Matter) -> None:
    order = await matter.issue(INSPECTOR)  # The city supervises the department; the district keeps the case.
    document_id = await paper(matter, INSPECTOR, order)
    db, actors = matter.db, {who: matter.actor(who) for who in (INSPECTOR, HANDLER, HEAD, "city.leader")}
    for who, actor in actors.items():
        assert [each.document.id for each in await list_order_papers(db, actor, order)] == [document_id], who
        assert await papers_of_orders(db, actor, [order]) == {order.id: document_id}
    for who in (KEEPER, LEADER, "province.reviewer", "xigu.leader"):
        assert await list_order_papers(db, matter.actor(who), order) == ()
        assert await papers_of_orders(db, matter.actor(who), [order]) == {}
        with pytest.raises((Forbidden, NotFound)):
            await read_order_paper(db, matter.actor(who), order.id, document_id)
        with pytest.raises((Forbidden, NotFound)):
            await paper(matter, who, order)
    with pytest.raises(Forbidden):  # It is of the issuer's to write and of the unit's to answer.
        await paper(matter, HANDLER, order)
    petition = await load_petition(db, matter.id)
    for actor in (*actors.values(), matter.actor(KEEPER)):
        assert not [each for each in await list_documents(db, actor, petition) if each.document.kind == ORDER]
        with pytest.raises(NotFound):
            await get_document(db, actor, matter.id, document_id)
        with pytest.raises(Forbidden):
            await deliver_document(db, matter.clock, actor, matter.id, document_id, SERVED)


async def test_an_accusation_hides_the_papers_from_whom_it_accuses(matter: Matter) -> None:
    order = await matter.issue()
    document_id = await paper(matter, LEADER, order)
    petition = await load_petition(matter.db, matter.id)
    petition.accused_organisation_id = matter.world.housing.id
    await matter.db.commit()
    with pytest.raises(NotFound):
        await read_order_paper(matter.db, matter.actor(HANDLER), order.id, document_id)
    petition = await load_petition(matter.db, matter.id)
    petition.confidential = True
    await matter.db.commit()
    with pytest.raises(NotFound):
        await read_order_paper(matter.db, matter.actor(LEADER), order.id, document_id)


async def test_a_paper_arrives_once_by_whoever_notes_it_first(matter: Matter) -> None:
    order = await matter.issue()
    db, clock, sent = matter.db, matter.clock, await paper(matter, LEADER, order)
    with pytest.raises(Forbidden):  # Who sends it does not sign for it, who gets it does not say how.
        await sign_for_order_paper(db, clock, matter.actor(LEADER), order.id, sent)
    with pytest.raises(Forbidden):
        await deliver_order_paper(db, clock, matter.actor(HANDLER), order.id, sent, SERVED)
    with pytest.raises(Invalid) as refused:
        await deliver_order_paper(db, clock, matter.actor(LEADER), order.id, sent, SERVED | {"proof": ""})
    assert refused.value.field == "proof"
    signed = await sign_for_order_paper(db, clock, matter.actor(HANDLER), order.id, sent)
    assert (signed.proof, signed.recipient) == (SIGNED_FOR, matter.world.housing.name)
    again = await sign_for_order_paper(db, clock, matter.actor(HEAD), order.id, sent)
    assert again.id == signed.id
    with pytest.raises(Conflict, match="document_delivered"):
        await deliver_order_paper(db, clock, matter.actor(LEADER), order.id, sent, SERVED)
    assert (await matter.history())[-2:] == ["document.issued", "document.delivered"]
    other = await matter.issue()
    post = await paper(matter, LEADER, other)
    row = await deliver_order_paper(db, clock, matter.actor(LEADER), other.id, post, SERVED)
    assert row.proof == "EMS 1098" and "2号" in await text_of(matter, LEADER, other, post)
