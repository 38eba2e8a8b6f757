"""The papers of an order: the order itself (督办单) and the unit's answer (督办反馈单), Art. 40.

They are papers like those of a case (cases/documents): by a versioned template, numbered by who issues them,
kept as they were issued. But they belong to two offices: the one that issued the order, and the unit it
went to. Whoever else sees the case sees that there is an order, and not its papers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionEvent, scope_of
from cases.clock import BEIJING, Clock, chinese_date
from cases.database import atomic
from cases.documents.choosing import choose_template
from cases.documents.delivering import note_delivery
from cases.documents.document import Delivery, IssuedDocument
from cases.documents.facts import facts_of
from cases.documents.form import FORMS
from cases.documents.issuing import Draft, Render, issue_draft
from cases.documents.kind import DocumentKind
from cases.documents.reading import Filed, list_filed, read_file
from cases.errors import Conflict, Forbidden, NotFound
from cases.handling.clocks import today
from cases.handling.procedure import Service
from cases.policy import Action, Actor, Scope, allowed, require, visible_organisation_ids
from cases.supervision.order import REASON_NAMES, SupervisionOrder
from cases.supervision.ordering import acts_for, load_order

# The step of the order that a paper is about.
ABOUT: Mapping[DocumentKind, str] = {
    DocumentKind.SUPERVISION_ORDER: "supervision.ordered",
    DocumentKind.SUPERVISION_FEEDBACK: "supervision.reported",
}
# What stands between two answers; the second one is read against it.
RETURNED = "supervision.sent_back"
SIGNED_FOR = "收文单位在系统里签收"


def is_of_unit(kind: DocumentKind) -> bool:
    """Whether the unit issues it, and not the office that supervises."""
    return kind is DocumentKind.SUPERVISION_FEEDBACK


def scope_of_order(order: SupervisionOrder) -> Scope:
    """The case as far as it goes to the two offices of the order; what hides the case hides its papers."""
    offices = frozenset({order.issuer_id, order.unit_id})
    return replace(scope_of(order.petition), organisation_ids=offices)


async def list_order_papers(db: AsyncSession, actor: Actor, order: SupervisionOrder) -> Sequence[Filed]:
    """The papers of an order, oldest first; none for whoever belongs to neither office."""
    if not allowed(actor, Action.SEE_ORDER_PAPERS, scope_of_order(order)):
        return ()
    ids = {event.id for event in await _events(db, order)}
    return [each for each in await list_filed(db, order.petition) if each.document.event_id in ids]


async def papers_of_orders(
    db: AsyncSession, actor: Actor, orders: Sequence[SupervisionOrder]
) -> dict[str, str]:
    """Of each order whose paper is for the actor's offices, the id of that paper, by the order's id.

    The orders come from a list that hides what is hidden; whoever opens a paper is asked again.
    """
    own = set(visible_organisation_ids(actor, Action.SEE_ORDER_PAPERS))
    may = [each for each in orders if own & {each.issuer_id, each.unit_id}]
    if not may:
        return {}
    seen = {each.number: each.id for each in may}
    query = select(PetitionEvent.data, IssuedDocument.id)
    query = query.join(PetitionEvent, PetitionEvent.id == IssuedDocument.event_id)
    query = query.where(
        IssuedDocument.kind == DocumentKind.SUPERVISION_ORDER,
        IssuedDocument.petition_id.in_({each.petition_id for each in may}),
    )
    found = [(data["number"], document_id) for data, document_id in await db.execute(query)]
    return {seen[number]: document_id for number, document_id in found if number in seen}


async def papers_due(db: AsyncSession, actor: Actor, order: SupervisionOrder) -> list[DocumentKind]:
    """What this official may issue and nobody has: the order's paper, or that of the last answer."""
    if not allowed(actor, Action.SEE_ORDER_PAPERS, scope_of_order(order)):
        return []
    last = {event.kind: event.id for event in await _events(db, order)}
    issued = {each.document.event_id for each in await list_order_papers(db, actor, order)}
    return [
        kind
        for kind, step in ABOUT.items()
        if step in last and last[step] not in issued and acts_for(actor, order, is_of_unit(kind))
    ]


async def issue_order_paper(
    db: AsyncSession, clock: Clock, actor: Actor, order_id: str, kind: str, render: Render
) -> IssuedDocument:
    """Issue a paper of an order and commit.

    Raises NotFound, Forbidden; Conflict `document_not_due`, or `document_exists` where somebody was first.
    """

    async def prepare() -> Draft:
        return await _draft(db, clock, actor, order_id, kind)

    return await issue_draft(db, clock, actor, prepare, {}, render)


async def read_order_paper(
    db: AsyncSession, actor: Actor, order_id: str, document_id: str
) -> tuple[IssuedDocument, bytes]:
    """The PDF as it was issued. Raises NotFound, Forbidden, Conflict `document_damaged`."""
    _, filed = await _load(db, actor, order_id, document_id)
    return filed.document, await read_file(db, filed.document)


@atomic
async def deliver_order_paper(
    db: AsyncSession, clock: Clock, actor: Actor, order_id: str, document_id: str, given: Mapping[str, str]
) -> Delivery:
    """Note how a paper reached the other office, and commit.

    `given`: service, on, recipient, proof, refused, witness. Raises NotFound, Forbidden, Invalid at the
    field, Conflict `document_delivered`.
    """
    order, filed = await _load(db, actor, order_id, document_id)
    if not acts_for(actor, order, is_of_unit(filed.document.kind)):
        raise Forbidden(message="送达由出具这份文书的单位登记。")
    return await _deliver(db, clock, actor, order, filed, given)


@atomic
async def sign_for_order_paper(
    db: AsyncSession, clock: Clock, actor: Actor, order_id: str, document_id: str
) -> Delivery:
    """The office that a paper went to says that it has it (签收), and commit; twice is as once.

    Raises NotFound, Forbidden, Conflict `document_delivered`.
    """
    order, filed = await _load(db, actor, order_id, document_id)
    if not acts_for(actor, order, not is_of_unit(filed.document.kind)):
        raise Forbidden(message="签收由收到这份文书的单位办理。")
    if filed.deliveries:
        return filed.deliveries[0]
    office = order.issuer if is_of_unit(filed.document.kind) else order.unit
    given = {"service": str(Service.ONLINE), "recipient": office.name[:64], "proof": SIGNED_FOR}
    return await _deliver(db, clock, actor, order, filed, given)


async def _deliver(
    db: AsyncSession, clock: Clock, actor: Actor, order: SupervisionOrder, filed: Filed,
    given: Mapping[str, str],
) -> Delivery:  # fmt: skip
    row = await note_delivery(db, clock, actor, order.petition, filed.document, given)
    await db.commit()
    return row


async def _load(
    db: AsyncSession, actor: Actor, order_id: str, document_id: str
) -> tuple[SupervisionOrder, Filed]:
    order = await load_order(db, order_id)
    require(actor, Action.SEE_ORDER_PAPERS, scope_of_order(order))
    for filed in await list_order_papers(db, actor, order):
        if filed.document.id == document_id:
            return order, filed
    raise NotFound("document_not_found", "没有找到这份文书。")


async def _draft(db: AsyncSession, clock: Clock, actor: Actor, order_id: str, named: str) -> Draft:
    order = await load_order(db, order_id)
    require(actor, Action.SEE_ORDER_PAPERS, scope_of_order(order))
    kind = next((each for each in ABOUT if each == named), None)
    if kind is None:
        raise NotFound("document_not_found", "没有找到这份文书。")
    if not acts_for(actor, order, is_of_unit(kind)):
        raise Forbidden(message="督办单由督办单位出具，反馈单由被督办单位出具。")
    events = await _events(db, order)
    event = next((each for each in reversed(events) if each.kind == ABOUT[kind]), None)
    if event is None:
        raise Conflict("document_not_due", "现在还不到出具这份文书的时候。")
    office = order.unit if is_of_unit(kind) else order.issuer
    template = await choose_template(db, office, kind, today(clock))
    facts = await facts_of(db, order.petition, event, kind, office) | _facts(order, events, event)
    return Draft(order.petition, FORMS[kind], event, office, template, facts, {})


def _facts(order: SupervisionOrder, events: Sequence[PetitionEvent], event: PetitionEvent) -> dict[str, str]:
    """The order as it was issued, and before an answer why the one before was sent back."""
    ordered = events[0]
    answered = event is not ordered
    before = [each for each in events if each.kind == RETURNED and each.sequence < event.sequence]
    return {
        "supervisor": order.issuer.name,
        "supervised": order.unit.name,
        "order_number": order.number,
        "ordered_on": chinese_date(ordered.at.astimezone(BEIJING).date()),
        "order_reason": REASON_NAMES[order.reason],
        "order_words": order.words,
        "order_due": chinese_date(date.fromisoformat(ordered.data["due_on"])),
        "order_returned": _returned(before[-1]) if before else "",
        "feedback": str(event.data.get("words", "")) if answered else "",
        "adoption": str(event.data.get("adoption", "")) if answered else "",
    }


def _returned(event: PetitionEvent) -> str:
    day = chinese_date(event.at.astimezone(BEIJING).date())
    due = chinese_date(date.fromisoformat(event.data["due_on"]))
    return f"{day}退回重报，请于{due}前反馈。退回的原因：{event.data['words']}"


async def _events(db: AsyncSession, order: SupervisionOrder) -> list[PetitionEvent]:
    """Those of the case's history that papers of this order tell of, oldest first."""
    kinds = sorted({*ABOUT.values(), RETURNED})
    query = select(PetitionEvent).where(
        PetitionEvent.petition_id == order.petition_id, PetitionEvent.kind.in_(kinds)
    )
    found = (await db.scalars(query.order_by(PetitionEvent.sequence))).all()
    return [each for each in found if each.data.get("number") == order.number]
