"""Delivery of a paper (送达): how, when, to whom, with which proof; what it begins, begins with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.documents.document import Delivery, DeliveryProof, IssuedDocument
from cases.documents.form import ANNOUNCED_DAYS, FORMS, Form
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.fields import clean, clean_text
from cases.handling.clocks import meet_clock, today
from cases.handling.procedure import RULES, Rule, Service
from cases.handling.taking import ACTIONS, apply_step, may_take
from cases.handling.told import Told
from cases.petitions import add_petition_event, load_petition
from cases.policy import Actor, ActorKind, require

MOST_PROOF = 8 * 2**20  # Bytes.
# What a proof may be, by how its file begins.
PROOF_TYPES = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n": "image/png"}
CONFIRMED = "信访人凭编号和查询码在网上确认收到"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that proves a delivery."""

    name: str
    content: bytes

    @property
    def media_type(self) -> str:
        """By what it is, not by what it is called. Raises Invalid at `file`."""
        if len(self.content) > MOST_PROOF:
            raise Invalid("too_large", f"凭证文件最大 {MOST_PROOF // 2**20} MB。", "file")
        for start, told in PROOF_TYPES.items():
            if self.content.startswith(start):
                return told
        raise Invalid("bad_proof", "凭证请用 JPEG、PNG 或者 PDF 文件。", "file")


@atomic
async def deliver_document(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, document_id: str,
    given: Mapping[str, str], upload: Upload | None = None,
) -> Delivery:  # fmt: skip
    """Note a delivery and commit; where the delivery is a step of the case, the step is taken with it.

    `given`: service, on, recipient, proof, refused ("yes"), witness. Raises NotFound, Forbidden, Invalid at
    the field, Conflict `document_delivered`, `document_replaced`, `petition_moved`.
    """
    petition = await load_petition(db, petition_id)
    document = await find_document(db, petition, document_id)
    form = FORMS[document.kind]
    require(actor, ACTIONS[form.issuer], scope_of(petition))
    if not may_take(actor, petition, form.issuer):
        raise Forbidden(message="这份文书由出具它的单位送达。")
    row = await note_delivery(db, clock, actor, petition, document, given, upload)
    await db.commit()
    return row


async def note_delivery(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, document: IssuedDocument,
    given: Mapping[str, str], upload: Upload | None = None,
) -> Delivery:  # fmt: skip
    """The same inside the transaction of a caller who has asked the policy. Raises as `deliver_document`."""
    await _refuse_replaced(db, document)
    row = _read(clock, actor, FORMS[document.kind], document, given, upload)
    await _deliver(db, clock, actor, petition, document, row)
    if upload is not None:
        db.add(DeliveryProof(delivery_id=row.id, content=upload.content))
    await add_audit(db, clock, actor, "document.delivered", "document", document.id)
    return row


@atomic
async def confirm_receipt(
    db: AsyncSession, clock: Clock, petition: PetitionCase, document_id: str
) -> Delivery:
    """The petitioner has it; the caller has made sure that it is the petitioner. Twice is as once."""
    actor = Actor(ActorKind.ANONYMOUS, name=petition.petitioner.name)
    document = await find_document(db, petition, document_id)
    if FORMS[document.kind].internal:
        raise NotFound("document_not_found", "没有找到这份文书。")
    query = select(Delivery).where(Delivery.document_id == document.id, Delivery.by_petitioner.is_(True))
    before = (await db.scalars(query)).first()
    if before is not None:
        return before
    await _refuse_replaced(db, document)
    day = today(clock)
    row = Delivery(
        id=new_id(), document_id=document.id, way=Service.ONLINE, on=day, effective_on=day,
        recipient=petition.petitioner.name, proof=CONFIRMED, refused=False, witness="", by_petitioner=True,
        noted_at=clock.now(), official_name="",
    )  # fmt: skip
    await _deliver(db, clock, actor, petition, document, row)
    await add_audit(db, clock, actor, "document.confirmed", "document", document.id)
    await db.commit()
    return row


async def find_document(db: AsyncSession, petition: PetitionCase, document_id: str) -> IssuedDocument:
    """A paper of this case; the caller asks the policy. Raises NotFound."""
    document = await db.get(IssuedDocument, document_id)
    if document is None or document.petition_id != petition.id:
        raise NotFound("document_not_found", "没有找到这份文书。")
    return document


async def _deliver(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    petition: PetitionCase,
    document: IssuedDocument,
    row: Delivery,
) -> None:
    """The row, the line of the history, and the step, once: whatever came first has begun the clocks."""
    query = select(Delivery.id).where(Delivery.document_id == document.id)
    first = (await db.scalars(query)).first() is None
    try:
        db.add(row)
        await db.flush()
    except IntegrityError as error:
        raise Conflict("document_delivered", "这份文书的送达已经登记，请刷新页面再看。") from error
    rule = next((each for each in RULES.values() if each.delivers is document.kind), None)
    if first and rule is not None and petition.state in rule.froms:
        await _take(db, clock, actor, petition, rule, row)
    told = {"title": document.title, "number": document.number, "on": row.on.isoformat()}
    await add_petition_event(db, clock, actor, petition.id, "document.delivered", told)


async def _take(
    db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase, rule: Rule, row: Delivery
) -> None:
    for duty in rule.starts:  # What a paper began that was corrected since begins anew.
        await meet_clock(db, petition, duty, row.on)
    told = Told(service=row.way, on=row.on, proof=row.proof, effective_on=row.effective_on)
    await apply_step(db, clock, actor, petition, rule, told)


async def _refuse_replaced(db: AsyncSession, document: IssuedDocument) -> None:
    if await db.scalar(select(IssuedDocument.id).where(IssuedDocument.corrects_id == document.id)):
        raise Conflict("document_replaced", "这份文书已经更正过了，请用更正后的文书。")


def _read(
    clock: Clock,
    actor: Actor,
    form: Form,
    document: IssuedDocument,
    given: Mapping[str, str],
    upload: Upload | None,
) -> Delivery:
    typed = given.get("service", "")
    if typed not in set(form.ways):
        raise Invalid("choose", "请选择送达方式。", "service")
    way, on = Service(typed), _day(given.get("on", ""), clock, document)
    recipient = clean_text(clean(given.get("recipient", "")), "recipient", "收件人", 64)
    if not recipient:
        raise Invalid("required", "请填写收件人。", "recipient")
    refused = way is Service.LEFT or given.get("refused") == "yes"
    witness = clean_text(clean(given.get("witness", "")), "witness", "见证人", 64)
    if refused and not witness:
        raise Invalid("required", "拒绝签收的，请填写见证人。", "witness")
    proof = clean_text(clean(given.get("proof", "")), "proof", "送达凭证", 200)
    if not proof and upload is None:
        raise Invalid("required", "请填写凭证，例如签收单、邮件编号，或者上传凭证。", "proof")
    media_type = upload.media_type if upload is not None else ""
    name = clean(upload.name)[:60] if upload is not None else ""
    digest = hashlib.sha256(upload.content).hexdigest() if upload is not None else ""
    effective = on + timedelta(days=ANNOUNCED_DAYS) if way is Service.ANNOUNCED else on
    return Delivery(
        id=new_id(), document_id=document.id, way=way, on=on, effective_on=effective, recipient=recipient,
        proof=proof or name, refused=refused, witness=witness, by_petitioner=False, noted_at=clock.now(),
        official_name=actor.name, proof_name=name, proof_type=media_type, proof_sha256=digest,
    )  # fmt: skip


def _day(typed: str, clock: Clock, document: IssuedDocument) -> date:
    try:
        day = date.fromisoformat(typed.strip()) if typed.strip() else today(clock)
    except ValueError as error:
        raise Invalid("bad_date", "请按 2026-07-29 的样子填写日期。", "on") from error
    if day > today(clock):
        raise Invalid("date_in_future", "日期不能晚于今天。", "on")
    if day < document.issued_on:
        raise Invalid("date_too_early", "送达日期不能早于文书日期。", "on")
    return day
