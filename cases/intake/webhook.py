"""Rows of webhooks: which client is told of which events at which address, and each event on its way.

An event is a row before it leaves, written in the transaction of what it tells. It names the case and says
nothing of the person or the matter: whoever gets it asks the programming interface, and the policy with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.vocabulary import VOCABULARY

# Kinds of the history (cases/vocabulary.json) that leave the house. A rating is none of them: who is rated
# learns neither that he was nor how (cases/petition_rating.py).
KINDS: tuple[str, ...] = (
    *("petition.registered", "petition.classified", "petition.forwarded", "petition.assigned"),
    *("petition.routed", "petition.refused", "petition.no_longer_accepted", "petition.returned"),
    *("petition.notified", "petition.accepted", "petition.extended", "document.issued"),
    *("document.corrected", "document.delivered", "petition.concluded", "petition.review_requested"),
    *("petition.reviewed", "petition.recheck_requested", "petition.rechecked", "petition.terminated"),
    "petition.closed",
)
KIND_NAMES: Mapping[str, str] = {kind: VOCABULARY["event"][kind].official for kind in KINDS}


class WebhookState(StrEnum):
    """Where an event stands. `dead`: given up after so many tries; `withheld`: no longer for this client."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"
    WITHHELD = "withheld"


TRANSITIONS: Mapping[WebhookState, frozenset[WebhookState]] = {
    WebhookState.QUEUED: frozenset({WebhookState.SENT, WebhookState.DEAD, WebhookState.WITHHELD}),
    WebhookState.SENT: frozenset({WebhookState.QUEUED}),  # Sent again by hand.
    WebhookState.DEAD: frozenset({WebhookState.QUEUED}),
    WebhookState.WITHHELD: frozenset(),
}
# From which an official may send again.
AGAIN = frozenset(state for state, then in TRANSITIONS.items() if WebhookState.QUEUED in then)


class Webhook(Base):
    """An address of a client. `failures` counts tries in a row; until `rest_until` nothing more is tried.

    `missed`: events that were not queued because the queue was full, since the beginning.
    """

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    client_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("api_clients.id"), index=True)
    address: Mapped[str] = mapped_column(String(500))
    kinds: Mapped[str] = mapped_column(String(1000))
    sealed_secret: Mapped[str] = mapped_column(String(400))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    rest_until: Mapped[datetime | None] = mapped_column(default=None)
    failures: Mapped[int] = mapped_column(default=0)
    missed: Mapped[int] = mapped_column(default=0)


class WebhookEvent(Base):
    """One event for one webhook; `id` is its name on the wire, the same at each try.

    `sequence` counts the history of the case, `case_state` is what the case was after it.
    """

    __tablename__ = "webhook_events"
    __table_args__ = (Index("ix_webhook_events_queue", "webhook_id", "state", "queued_at"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    webhook_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("webhooks.id"))
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"))
    sequence: Mapped[int]
    kind: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(32))
    case_state: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    state: Mapped[WebhookState]
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str] = mapped_column(String(400), default="")
    queued_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)


async def end_webhooks(db: AsyncSession, clock: Clock, which: ColumnElement[bool]) -> list[str]:
    """End them inside the caller's transaction; what still waits is not sent. Returns those that lived."""
    end = update(Webhook).where(which, Webhook.ended_at.is_(None)).values(ended_at=clock.now())
    ended = list(await db.scalars(end.returning(Webhook.id)))
    waiting = (WebhookEvent.webhook_id.in_(ended)) & (WebhookEvent.state == WebhookState.QUEUED)
    values = {"state": WebhookState.WITHHELD, "ended_at": clock.now(), "answer": "推送已停用"}
    await db.execute(update(WebhookEvent).where(waiting).values(**values))
    return ended
