"""Papers as tests issue them: drawn as plain bytes, with what every form asks for filled in."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.documents.delivering import deliver_document
from cases.documents.document import Delivery, IssuedDocument
from cases.documents.issuing import Render, Tell, draft_document, issue_document
from cases.documents.letter import Letter
from cases.handling.procedure import RULES, Step
from cases.policy import Actor

TYPED = {
    "demand": "请求修理漏水的楼道。",
    "facts": "经现场查看，三单元楼道顶部渗水，面积约两平方米。",
    "reasons": "屋面防水层老化，属于保修范围。",
    "opinion": "由物业公司在九月底前修好。",
    "basis": "《物业管理条例》第三十五条",
    "matter": "楼道漏水由谁维修。",
    "requirement": "请依法办理。",
    "hearing_at": "2026年8月10日9时",
    "hearing_place": "区信访局二楼听证室",
    "procedure": "按信访程序办理。",
}


async def draw(letter: Letter) -> bytes:
    """A file whose bytes are its words."""
    lines = [letter.title, letter.number, letter.recipient, *(each.text for each in letter.paragraphs)]
    return "\n".join(["%PDF-", *lines, letter.office, letter.date, letter.note]).encode()


async def issue(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    petition_id: str,
    kind: str,
    corrects: str = "",
    draw: Render = draw,
    tell: Tell | None = None,
    **typed: str,
) -> IssuedDocument:
    """Issue a paper; what is not in `typed` is filled in."""
    draft = await draft_document(db, clock, actor, petition_id, kind, corrects)
    given = {name: text or TYPED.get(name, "") for name, text in draft.prefilled().items()}
    return await issue_document(db, clock, actor, petition_id, kind, given | typed, draw, corrects, tell)


async def deliver_step(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, step: str, **given: str
) -> Delivery:
    """Issue the paper whose delivery is this step, and deliver it the same day."""
    kind = RULES[Step(step)].delivers
    assert kind is not None
    paper = await issue(db, clock, actor, petition_id, kind)
    typed = {"service": "in_person", "recipient": "李德福", "proof": "签收单"} | given
    return await deliver_document(db, clock, actor, petition_id, paper.id, typed)
