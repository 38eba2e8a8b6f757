"""Issuing a paper: what is due, what it begins with, what is asked, and how it becomes a row and a file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase, PetitionEvent, scope_of
from cases.clock import Clock, chinese_date
from cases.database import abandon, atomic, new_id, violates
from cases.documents.choosing import choose_template
from cases.documents.document import DocumentFile, IssuedDocument
from cases.documents.facts import facts_of
from cases.documents.form import FORMS, Form
from cases.documents.kind import DocumentKind
from cases.documents.letter import Letter, correction_note, number_of
from cases.documents.template import FACTS, FIELDS, PLACE, Paragraph, Shape, Template, label_of
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean, clean_text
from cases.handling.clocks import today
from cases.handling.procedure import Taker
from cases.handling.taking import ACTIONS, may_take
from cases.organisations import Organisation
from cases.petitions import add_petition_event, load_petition
from cases.policy import Action, Actor, require

Render = Callable[[Letter], Awaitable[bytes]]
Prepare = Callable[[], Awaitable["Draft"]]
# Tells whom a new paper concerns, in the transaction in which it is issued.
Tell = Callable[[PetitionCase, IssuedDocument], Awaitable[object]]
ATTEMPTS = 5  # Of finding a number that nobody took meanwhile.
ARRIVALS = frozenset({"petition.forwarded", "petition.assigned"})
# A basis is cited by name and article, or by name and number of issue.
CITED = re.compile(r"《[^》]+》.*?(?:第[一二三四五六七八九十百千零〇\d]+条|〔\d{4}〕)")


class Incomplete(Invalid):
    """Several fields at once; `wrong`: field → message."""

    def __init__(self, wrong: Mapping[str, tuple[str, str]]) -> None:
        field, (code, message) = next(iter(wrong.items()))
        super().__init__(code, message, field)
        self.wrong = {name: (code, message) for name, (code, message) in wrong.items()}


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper that may be issued now. `asked`: field → whether it may not stay empty."""

    petition: PetitionCase
    form: Form
    event: PetitionEvent
    office: Organisation
    template: Template
    facts: Mapping[str, str]
    asked: Mapping[str, bool]
    corrects: IssuedDocument | None = None

    def prefilled(self) -> dict[str, str]:
        """What the fields begin with."""
        told = {name: self.form.prefill.get(name, "") for name in self.asked}
        return {
            name: PLACE.sub(lambda found: self.facts.get(found[1], ""), text) for name, text in told.items()
        }


async def list_due(db: AsyncSession, actor: Actor, petition: PetitionCase) -> Sequence[Form]:
    """Papers that this official may issue now and that were not issued for the step they are about."""
    require(actor, Action.SEE_PETITION, scope_of(petition))
    events = await _events(db, petition.id)
    query = select(IssuedDocument.event_id, IssuedDocument.kind).where(
        IssuedDocument.petition_id == petition.id
    )
    issued = {(event_id, kind) for event_id, kind in await db.execute(query)}
    return [
        form
        for form in FORMS.values()
        if (event := _event_for(form, petition, events)) is not None
        and (event.id, form.kind) not in issued
        and may_take(actor, petition, form.issuer)
    ]


async def draft_document(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, kind: str, corrects_id: str = ""
) -> Draft:
    """What is needed to write a paper, or to write anew the one of `corrects_id`.

    Raises NotFound, Forbidden; Conflict `document_not_due`, `document_replaced`.
    """
    petition = await load_petition(db, petition_id)
    form = FORMS.get(DocumentKind(kind)) if kind in set(DocumentKind) else None
    require(actor, ACTIONS[form.issuer] if form else Action.SEE_PETITION, scope_of(petition))
    if form is None:
        raise NotFound("document_not_found", "没有找到这份文书。")
    if not may_take(actor, petition, form.issuer):
        raise Forbidden(message="这份文书由办理这一步的单位出具。")
    corrects = await _replaced(db, petition, form, corrects_id) if corrects_id else None
    event = await db.get(PetitionEvent, corrects.event_id) if corrects else None
    event = event or _event_for(form, petition, await _events(db, petition.id))
    if event is None:
        raise Conflict("document_not_due", "现在还不到出具这份文书的时候。")
    office = _office(petition, form.issuer)
    template = await choose_template(db, office, form.kind, today(clock))
    facts = await facts_of(db, petition, event, form.kind, office)
    asked = {name: needed for name, needed in template.places().items() if name in FIELDS}
    return Draft(petition, form, event, office, template, facts, asked, corrects)


def compose(draft: Draft, clock: Clock, number: str, given: Mapping[str, str]) -> Letter:
    """The paper in words. Raises Incomplete at the fields, Conflict `fact_missing`."""
    values = dict(draft.facts) | _read(draft, given)
    for name, needed in draft.template.places().items():
        if needed and name in FACTS and not values.get(name):
            raise Conflict("fact_missing", f"还没有「{label_of(name)}」，不能出具这份文书。")
    recipients = {
        "petitioner": draft.facts["petitioner"],
        "handler": draft.petition.handler.name if draft.petition.handler else "",
        "custodian": draft.petition.custodian.name,
        "supervisor": draft.facts.get("supervisor", ""),
        "supervised": draft.facts.get("supervised", ""),
    }
    note = ""
    if draft.corrects is not None:
        # The unit it went to, also where the case has gone to another since.
        recipients["handler"] = draft.corrects.recipient
        note = correction_note(draft.corrects.number, draft.corrects.title, values["correction"])
    return Letter(
        draft.office.name, draft.template.title, number, recipients[draft.form.recipient],
        draft.template.fill(values), chinese_date(today(clock)), note,
    )  # fmt: skip


@atomic
async def issue_document(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, kind: str, given: Mapping[str, str],
    render: Render, corrects_id: str = "", tell: Tell | None = None,
) -> IssuedDocument:  # fmt: skip
    """Issue a paper and commit. `render` draws it; nothing is locked meanwhile, so it may be drawn again.

    `tell`: notes in the same commit whom to tell of it.

    Raises as `draft_document` and `compose`; Conflict `document_exists` where somebody was first.
    """

    async def prepare() -> Draft:
        return await draft_document(db, clock, actor, petition_id, kind, corrects_id)

    return await issue_draft(db, clock, actor, prepare, given, render, tell)


async def issue_draft(
    db: AsyncSession, clock: Clock, actor: Actor, prepare: Prepare, given: Mapping[str, str],
    render: Render, tell: Tell | None = None,
) -> IssuedDocument:  # fmt: skip
    """Number, draw and file what `prepare` makes, and commit; it asks the policy, each time anew.

    Raises as `compose`; Conflict `document_exists`, `document_replaced`, `document_crowded`.
    """
    for _ in range(ATTEMPTS):
        draft = await prepare()
        if draft.corrects is None:
            await _refuse_second(db, draft)
        year, sequence = today(clock).year, await _next(db, clock, draft)
        number = number_of(draft.office.name, draft.form.word, year, sequence)
        letter = compose(draft, clock, number, given)
        content = await render(letter)
        row = _row(clock, actor, draft, letter, sequence, content, clean(given.get("correction", "")))
        try:
            db.add(row)
            await db.flush()
        except IntegrityError as error:
            await abandon(db)
            if violates(error, "ix_documents_first", "documents.event_id"):
                raise Conflict("document_exists", "这份文书刚刚已经出具，请刷新页面再看。") from error
            if violates(error, "corrects_id"):
                raise Conflict("document_replaced", "这份文书已经更正过了，请刷新页面再看。") from error
            continue
        db.add(DocumentFile(document_id=row.id, content=content))
        told = {"title": row.title, "number": row.number}
        happened = "document.corrected" if row.corrects_id else "document.issued"
        await add_petition_event(db, clock, actor, row.petition_id, happened, told)
        detail = {"petition": row.petition_id}
        await add_audit(db, clock, actor, happened, "document", row.id, detail=detail)
        if tell is not None:
            await tell(draft.petition, row)
        await db.commit()
        return row
    raise Conflict("document_crowded", "现在出具文书的人太多，请再试一次。")


def _row(
    clock: Clock, actor: Actor, draft: Draft, letter: Letter, sequence: int, content: bytes, reason: str
) -> IssuedDocument:
    return IssuedDocument(
        id=new_id(), petition_id=draft.petition.id, event_id=draft.event.id, kind=draft.form.kind,
        organisation_id=draft.office.id, organisation=draft.office, year=today(clock).year,
        sequence=sequence, number=letter.number, title=letter.title, recipient=letter.recipient,
        paragraphs=[[each.heading, each.text] for each in letter.paragraphs],
        template_source=draft.template.source, template_version=draft.template.version,
        issued_on=today(clock), issued_at=clock.now(), official_id=actor.official_id,
        official_name=actor.name, corrects_id=draft.corrects.id if draft.corrects else None,
        reason=reason if draft.corrects else "", note=letter.note, sha256=hashlib.sha256(content).hexdigest(),
    )  # fmt: skip


def letter_of(document: IssuedDocument) -> Letter:
    """The words of a paper that was issued."""
    told = tuple(Paragraph(text, heading) for heading, text in document.paragraphs)
    return Letter(
        document.organisation.name, document.title, document.number, document.recipient, told,
        chinese_date(document.issued_on), document.note,
    )  # fmt: skip


def _read(draft: Draft, given: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    wrong: dict[str, tuple[str, str]] = {}
    asked = dict(draft.asked) | ({"correction": True} if draft.corrects else {})
    for name, needed in asked.items():
        label = FIELDS[name].label if name in FIELDS else "更正原因"
        line = name in FIELDS and FIELDS[name].shape is Shape.LINE
        most = FIELDS[name].most if name in FIELDS else 500
        try:
            values[name] = clean_text(clean(given.get(name, ""), lines=not line), name, label, most)
        except Invalid as error:
            wrong[name] = (error.code, error.message)
            continue
        if needed and not values[name]:
            wrong[name] = ("required", f"请填写{label}。")
        elif name == "basis" and not CITED.search(values[name]):
            wrong[name] = ("no_article", "请写明依据的名称和条款，例如《信访工作条例》第三十二条。")
    if wrong:
        raise Incomplete(wrong)
    values["basis"] = values.get("basis", "").rstrip("。")
    return values


async def _events(db: AsyncSession, petition_id: str) -> Sequence[PetitionEvent]:
    query = select(PetitionEvent).where(PetitionEvent.petition_id == petition_id)
    return (await db.scalars(query.order_by(PetitionEvent.sequence))).all()


def _event_for(form: Form, petition: PetitionCase, events: Sequence[PetitionEvent]) -> PetitionEvent | None:
    """The newest step that calls for the paper, unless the case has gone to another unit since."""
    found = next((each for each in reversed(events) if each.kind in form.events), None)
    arrival = next((each for each in reversed(events) if each.kind in ARRIVALS), None)
    if found is None or (arrival is not None and found.sequence < arrival.sequence):
        return None
    if form.states and petition.state not in form.states:
        return None
    if form.only and (arrival is None or arrival.kind != form.only):
        return None
    return found


def _office(petition: PetitionCase, taker: Taker) -> Organisation:
    office = {Taker.KEEPER: petition.custodian, Taker.REVIEWER: petition.reviewer}.get(
        taker, petition.handler
    )
    assert office is not None  # Or nobody might take the step.
    return office


async def _replaced(db: AsyncSession, petition: PetitionCase, form: Form, document_id: str) -> IssuedDocument:
    row = await db.get(IssuedDocument, document_id)
    if row is None or row.petition_id != petition.id or row.kind != form.kind:
        raise NotFound("document_not_found", "没有找到这份文书。")
    if await db.scalar(select(IssuedDocument.id).where(IssuedDocument.corrects_id == row.id)):
        raise Conflict("document_replaced", "这份文书已经更正过了，请刷新页面再看。")
    return row


async def _refuse_second(db: AsyncSession, draft: Draft) -> None:
    query = select(IssuedDocument.id).where(
        IssuedDocument.event_id == draft.event.id, IssuedDocument.kind == draft.form.kind
    )
    if (await db.scalars(query)).first():
        raise Conflict("document_exists", "这份文书刚刚已经出具，请刷新页面再看。")


async def _next(db: AsyncSession, clock: Clock, draft: Draft) -> int:
    query = select(func.max(IssuedDocument.sequence)).where(
        IssuedDocument.organisation_id == draft.office.id,
        IssuedDocument.kind == draft.form.kind,
        IssuedDocument.year == today(clock).year,
    )
    return (await db.scalar(query) or 0) + 1
