"""Papers of a case as its page shows them: what is due, what was issued, how it was delivered."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.documents.document import Delivery
from cases.documents.form import FORMS
from cases.documents.issuing import letter_of, list_due
from cases.documents.reading import Filed, list_documents, list_for_petitioner
from cases.handling.procedure import RULES, SERVICE_NAMES
from cases.handling.taking import may_take
from cases.policy import Actor
from scheduling.notices.notice import CHANNEL_NAMES, Notice, NoticeEvent, NoticeState
from scheduling.notices.proof import SERVICES
from web.keys import ACTOR

# Papers whose delivery begins the petitioner's time to ask for a review or a recheck.
BEGINNING = frozenset(rule.delivers for rule in RULES.values() if rule.delivers and rule.starts)


async def documents_desk(request: web.Request, db: AsyncSession, petition: PetitionCase) -> dict[str, Any]:
    """What the card 文书 shows."""
    actor = request[ACTOR]
    due = await list_due(db, actor, petition)
    return {
        "due": [{"kind": str(form.kind), "title": form.title, "optional": form.optional} for form in due],
        "issued": [row_of(each) for each in await list_documents(db, actor, petition)],
    }


async def documents_of_petitioner(db: AsyncSession, petition: PetitionCase) -> list[dict[str, Any]]:
    """What the petitioner finds beside the progress; what was corrected since is not offered any more."""
    filed = await list_for_petitioner(db, petition)
    return [row_of(each) for each in filed if each.replaced_by is None]


def row_of(filed: Filed) -> dict[str, Any]:
    """One paper in a list."""
    document, counts = filed.document, filed.counts_from
    return {
        "id": document.id,
        "title": document.title,
        "number": document.number,
        "office": document.organisation.name,
        "issued_on": document.issued_on,
        "internal": FORMS[document.kind].internal,
        "begins": document.kind in BEGINNING,
        "replaced": filed.replaced_by is not None,
        "delivered": delivery_row(counts) if counts else None,
        "received": filed.received,
    }


def document_view(actor: Actor, petition: PetitionCase, filed: Filed) -> dict[str, Any]:
    """One paper on its own page."""
    document, form = filed.document, FORMS[filed.document.kind]
    mine = filed.replaced_by is None and may_take(actor, petition, form.issuer)
    noted = any(not each.by_petitioner for each in filed.deliveries)
    return row_of(filed) | {
        "kind": str(document.kind),
        "letter": letter_of(document),
        "sha256": document.sha256,
        "official": document.official_name,
        "issued_at": document.issued_at,
        "template": document.template_version,
        "own_template": bool(document.template_source),
        "recipient": document.recipient,
        "reason": document.reason,
        "corrects_id": document.corrects_id,
        "replaced_by": filed.replaced_by,
        "deliveries": [delivery_row(each) for each in filed.deliveries],
        "may_deliver": mine and not noted,
        "may_tell": mine and not noted and not form.internal,
        "may_correct": mine,
        "ways": {str(way): SERVICE_NAMES[way] for way in form.ways},
    }


def notice_of(notice: Notice, last: NoticeEvent, view: dict[str, Any]) -> dict[str, Any]:
    """A message about a paper; `proves` where it left on a way in which this paper may be delivered."""
    sent = last.state is NoticeState.SENT and str(SERVICES[notice.channel]) in view["ways"]
    return {
        "id": notice.id,
        "channel": CHANNEL_NAMES[notice.channel],
        "state": last.state,
        "at": last.at,
        "reason": last.reason,
        "proves": sent and view["may_deliver"],
    }


def delivery_row(delivery: Delivery) -> dict[str, Any]:
    """One delivery in words."""
    return {
        "id": delivery.id,
        "way": SERVICE_NAMES[delivery.way],
        "on": delivery.on,
        "effective_on": delivery.effective_on,
        "recipient": delivery.recipient,
        "proof": delivery.proof,
        "refused": delivery.refused,
        "witness": delivery.witness,
        "by_petitioner": delivery.by_petitioner,
        "noted_at": delivery.noted_at,
        "official": delivery.official_name,
        "file": delivery.proof_name if delivery.proof_type else "",
    }
