"""Events on their way to other systems: queued with what they tell, sent in order, tried again, given up.

A receiver that fails is left alone for a while that doubles, and the oldest event is tried again first, so
that events of a case arrive in their order. After ATTEMPTS tries an event is dead: it stays in the log, where
an administrator sends it again. The queue of a receiver has a ceiling; what comes above it is counted in
`missed` and not kept, for no case may wait because another system is down. Whether the client may know of the
case is asked when the event is written and again before each try (Art. 30: an accusation is for no client).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionEvent
from cases.clock import Clock
from cases.intake.client import ApiClient, actor_of
from cases.intake.signature import sign
from cases.intake.webhook import KINDS, Webhook, WebhookEvent, WebhookState
from cases.visibility import visible_petitions

MOST_WAITING = 10_000  # Events of one webhook.
ATTEMPTS = 12  # With the pauses below about four hours of a receiver that is down.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(hours=1)
CLAIM = timedelta(minutes=5)  # So long a sender has one webhook to itself.
AT_ONCE = 20  # Events of one webhook in one turn; each may take the sender's patience.
KEPT = timedelta(days=90)  # So long the log of an event is kept after its end.
MAX_ANSWER = 100
MOMENT, NONCE, SIGNATURE = "X-Lianxin-Timestamp", "X-Lianxin-Nonce", "X-Lianxin-Signature"


class WebhookError(Exception):
    """The receiver did not take an event over; the text says why. It is tried again."""


class Sender(Protocol):
    """Whatever carries events to other systems."""

    async def send(self, address: str, headers: Mapping[str, str], body: bytes) -> str:
        """Post one event; returns what was answered, in short. Raises WebhookError."""


async def queue_webhooks(db: AsyncSession, clock: Clock, event: PetitionEvent) -> None:
    """Queue what just happened for every client that asked for it, inside the caller's transaction."""
    if event.kind not in KINDS:
        return
    query = select(Webhook, ApiClient).join(ApiClient, ApiClient.id == Webhook.client_id)
    query = query.where(Webhook.ended_at.is_(None), ApiClient.revoked_at.is_(None))
    for hook, client in (await db.execute(query)).all():
        if event.kind not in hook.kinds.split(" "):
            continue
        told = await _told(db, client, event.petition_id)
        if told is None:
            continue
        if await _count_waiting(db, hook.id) >= MOST_WAITING:
            await db.execute(update(Webhook).where(Webhook.id == hook.id).values(missed=Webhook.missed + 1))
            continue
        db.add(
            WebhookEvent(
                webhook_id=hook.id, petition_id=event.petition_id, sequence=event.sequence, kind=event.kind,
                number=told[0], case_state=told[1], at=event.at, state=WebhookState.QUEUED, attempts=0,
                answer="", queued_at=clock.now(),
            )
        )  # fmt: skip


async def due_webhooks(db: AsyncSession, clock: Clock) -> Sequence[str]:
    """Those for which something waits and that are not left alone at the moment."""
    waiting = select(WebhookEvent.webhook_id).where(WebhookEvent.state == WebhookState.QUEUED)
    query = select(Webhook.id).join(ApiClient, ApiClient.id == Webhook.client_id)
    query = query.where(Webhook.ended_at.is_(None), ApiClient.revoked_at.is_(None), Webhook.id.in_(waiting))
    rested = or_(Webhook.rest_until.is_(None), Webhook.rest_until <= clock.now())
    return (await db.scalars(query.where(rested).order_by(Webhook.id))).all()


async def send_events(
    db: AsyncSession, clock: Clock, opened: Callable[[str], str | None], sender: Sender, webhook_id: str
) -> int:
    """Send what waits for one webhook, oldest first, committing each; returns how many were taken over.

    `opened` opens a sealed secret, None where it was sealed with another key. Ends at the first failure.
    """
    if not await _claim(db, clock, webhook_id):
        return 0
    query = select(WebhookEvent.id)
    query = query.where(WebhookEvent.webhook_id == webhook_id, WebhookEvent.state == WebhookState.QUEUED)
    query = query.order_by(WebhookEvent.queued_at, WebhookEvent.sequence, WebhookEvent.id)
    left = 0
    for event_id in (await db.scalars(query.limit(AT_ONCE))).all():
        taken = await _send(db, clock, opened, sender, event_id)
        if taken is False:
            return left
        left += taken is True
    await db.execute(update(Webhook).where(Webhook.id == webhook_id).values(rest_until=None))
    await db.commit()
    return left


async def forget_events(db: AsyncSession, clock: Clock) -> int:
    """Forget the log of what ended long ago; commits. Returns how many."""
    old = (WebhookEvent.state != WebhookState.QUEUED) & (WebhookEvent.ended_at <= clock.now() - KEPT)
    gone = list(await db.scalars(delete(WebhookEvent).where(old).returning(WebhookEvent.id)))
    await db.commit()
    return len(gone)


def pause_after(failures: int) -> timedelta:
    """How long a receiver is left alone after so many failures in a row."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(failures - 1, 12)))


async def _send(
    db: AsyncSession, clock: Clock, opened: Callable[[str], str | None], sender: Sender, event_id: str
) -> bool | None:
    """True: taken over. False: this webhook rests now. None: nothing to do, go on."""
    event = await db.get_one(WebhookEvent, event_id, populate_existing=True)
    hook = await db.get_one(Webhook, event.webhook_id, populate_existing=True)
    client = await db.get_one(ApiClient, hook.client_id)
    if event.state is not WebhookState.QUEUED or hook.ended_at is not None:
        return None
    if await _told(db, client, event.petition_id) is None:
        _end(event, clock, WebhookState.WITHHELD, "这件信访件不再给这个系统")
        await db.commit()
        return None
    secret = opened(hook.sealed_secret)
    event.attempts += 1
    await db.commit()  # What follows takes seconds; nobody waits for our transaction meanwhile.
    try:
        if secret is None:
            raise WebhookError("密钥已更换，请重新建立推送")
        body = body_of(event, hook.missed)
        answer = await sender.send(hook.address, signed(secret, clock, event.id, body), body)
    except WebhookError as error:
        event.answer = str(error)[:MAX_ANSWER]
        hook.failures += 1
        hook.rest_until = clock.now() + pause_after(hook.failures)
        if event.attempts >= ATTEMPTS:
            _end(event, clock, WebhookState.DEAD, event.answer)
        await db.commit()
        return False
    _end(event, clock, WebhookState.SENT, answer[:MAX_ANSWER])
    hook.failures = 0
    await db.commit()
    return True


def body_of(event: WebhookEvent, missed: int) -> bytes:
    """What is sent (docs/interfaces.md)."""
    told = {
        "id": event.id,
        "kind": event.kind,
        "at": event.at.isoformat(),
        "case": {"number": event.number, "state": event.case_state, "sequence": event.sequence},
        "missed": missed,
    }
    return json.dumps(told, ensure_ascii=False).encode()


def signed(secret: str, clock: Clock, event_id: str, body: bytes) -> dict[str, str]:
    """Headers as cases/intake/signature.py checks them; the nonce is the event's id."""
    seconds = int(clock.now().timestamp())
    return {
        "Content-Type": "application/json",
        MOMENT: str(seconds),
        NONCE: event_id,
        SIGNATURE: sign(secret, seconds, event_id, body),
    }


def _end(event: WebhookEvent, clock: Clock, state: WebhookState, answer: str) -> None:
    event.state, event.answer, event.ended_at = state, answer, clock.now()


async def _told(db: AsyncSession, client: ApiClient, petition_id: str) -> tuple[str, str] | None:
    """Number and state of a case that this client may see, else None."""
    query = select(PetitionCase.number, PetitionCase.state).where(PetitionCase.id == petition_id)
    found = (await db.execute(query.where(visible_petitions(actor_of(client))))).one_or_none()
    return (found[0], str(found[1])) if found else None


async def _count_waiting(db: AsyncSession, webhook_id: str) -> int:
    same = (WebhookEvent.webhook_id == webhook_id) & (WebhookEvent.state == WebhookState.QUEUED)
    return await db.scalar(select(func.count()).select_from(WebhookEvent).where(same)) or 0


async def _claim(db: AsyncSession, clock: Clock, webhook_id: str) -> bool:
    rested = or_(Webhook.rest_until.is_(None), Webhook.rest_until <= clock.now())
    take = update(Webhook).where(Webhook.id == webhook_id, Webhook.ended_at.is_(None), rested)
    taken = await db.scalar(take.values(rest_until=clock.now() + CLAIM).returning(Webhook.id))
    await db.commit()
    return taken is not None
