"""Papers of a case for who may see them: officials by the policy, the petitioner what is addressed to him."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent, scope_of
from cases.documents.delivering import find_document
from cases.documents.document import Delivery, DeliveryProof, DocumentFile, IssuedDocument
from cases.documents.form import FORMS
from cases.documents.kind import DocumentKind
from cases.errors import Conflict, NotFound
from cases.handling.procedure import Service
from cases.handling.taking import OF_ORDERS
from cases.petitions import get_petition
from cases.policy import Action, Actor, allowed, require

ORDER = {kind: place for place, kind in enumerate(DocumentKind)}


@dataclass(frozen=True, slots=True)
class Filed:
    """A paper with its deliveries, oldest first; `replaced_by`: the one that corrects it."""

    document: IssuedDocument
    deliveries: tuple[Delivery, ...]
    replaced_by: IssuedDocument | None

    @property
    def counts_from(self) -> Delivery | None:
        """The delivery from which time is counted: the first."""
        return self.deliveries[0] if self.deliveries else None

    @property
    def confirmed(self) -> bool:
        """Whether the petitioner said himself that he has it."""
        return any(each.by_petitioner for each in self.deliveries)

    @property
    def received(self) -> bool:
        """Whether the petitioner has it for certain: said so himself, or took it from somebody's hand."""
        by_hand = any(each.way is Service.IN_PERSON and not each.refused for each in self.deliveries)
        return self.confirmed or by_hand


async def list_documents(db: AsyncSession, actor: Actor, petition: PetitionCase) -> Sequence[Filed]:
    """The papers of a case, the newest first; those of its orders are for two offices alone."""
    scope = scope_of(petition)
    require(actor, Action.SEE_PETITION, scope)
    inside = allowed(actor, Action.SEE_INTERNAL_DOCUMENTS, scope)
    filed = [each for each in await list_filed(db, petition) if _of_case(each)]
    return [each for each in reversed(filed) if inside or not FORMS[each.document.kind].internal]


async def list_for_petitioner(db: AsyncSession, petition: PetitionCase) -> Sequence[Filed]:
    """What the petitioner may read, oldest first; the caller has made sure that it is the petitioner."""
    return [each for each in await list_filed(db, petition) if not FORMS[each.document.kind].internal]


async def get_document(db: AsyncSession, actor: Actor, petition_id: str, document_id: str) -> Filed:
    """One paper. Raises NotFound, also for who may not know of it."""
    petition = await get_petition(db, actor, petition_id)
    found = [each for each in await list_documents(db, actor, petition) if each.document.id == document_id]
    if not found:
        raise NotFound("document_not_found", "没有找到这份文书。")
    return found[0]


async def read_file(db: AsyncSession, document: IssuedDocument) -> bytes:
    """The PDF as it was issued. Raises Conflict `document_damaged` when it is not the same any more."""
    file = await db.get(DocumentFile, document.id)
    if file is None or hashlib.sha256(file.content).hexdigest() != document.sha256:
        raise Conflict("document_damaged", "这份文书的文件与出具时不一致，请联系系统管理员。")
    return file.content


async def read_own_file(
    db: AsyncSession, petition: PetitionCase, document_id: str
) -> tuple[IssuedDocument, bytes]:
    """The PDF for the petitioner; the caller has made sure that it is the petitioner. Raises NotFound."""
    document = await find_document(db, petition, document_id)
    if FORMS[document.kind].internal:
        raise NotFound("document_not_found", "没有找到这份文书。")
    return document, await read_file(db, document)


async def read_proof(
    db: AsyncSession, actor: Actor, petition_id: str, document_id: str, delivery_id: str
) -> tuple[Delivery, bytes]:
    """The file that proves a delivery. Raises NotFound, Conflict `document_damaged`."""
    filed = await get_document(db, actor, petition_id, document_id)
    found = next((each for each in filed.deliveries if each.id == delivery_id), None)
    proof = await db.get(DeliveryProof, found.id) if found is not None else None
    if found is None or proof is None:
        raise NotFound("document_not_found", "没有找到这份凭证。")
    if hashlib.sha256(proof.content).hexdigest() != found.proof_sha256:
        raise Conflict("document_damaged", "这份凭证的文件与上传时不一致，请联系系统管理员。")
    return found, proof.content


def _of_case(filed: Filed) -> bool:
    return FORMS[filed.document.kind].issuer not in OF_ORDERS


async def list_filed(db: AsyncSession, petition: PetitionCase) -> list[Filed]:
    """All papers of a case, oldest first. The caller asks the policy for each."""
    query = select(IssuedDocument, PetitionEvent.sequence)
    query = query.join(PetitionEvent, PetitionEvent.id == IssuedDocument.event_id)
    found = (await db.execute(query.where(IssuedDocument.petition_id == petition.id))).all()
    # Two papers of one step and one moment stand as the procedure names them, on every database.
    placed = [((row.issued_at, step, ORDER[row.kind], row.sequence), row) for row, step in found]
    rows = [row for _, row in sorted(placed, key=itemgetter(0))]
    ids = [row.id for row in rows]
    noted = (
        select(Delivery)
        .where(Delivery.document_id.in_(ids))
        .order_by(Delivery.noted_at, Delivery.effective_on)
    )
    deliveries: dict[str, list[Delivery]] = {}
    for each in (await db.scalars(noted)).all():
        deliveries.setdefault(each.document_id, []).append(each)
    newer = {row.corrects_id: row for row in rows if row.corrects_id}
    return [Filed(row, tuple(deliveries.get(row.id, ())), newer.get(row.id)) for row in rows]
