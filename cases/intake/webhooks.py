"""The administrator's side of webhooks: let a client be told of events, end it, read the log, send again."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.intake.client import ApiClient
from cases.intake.receivers import Receivers
from cases.intake.webhook import AGAIN, KINDS, Webhook, WebhookEvent, WebhookState, end_webhooks
from cases.policy import Action, Actor, require

PREFIX = "lxw_"
MOST_OF_CLIENT = 10


@dataclass(frozen=True, slots=True)
class Standing:
    """A webhook and how many of its events wait and are dead."""

    webhook: Webhook
    waiting: int
    dead: int

    @property
    def failing(self) -> bool:
        """Whether somebody should look: events were lost, given up, or fail now."""
        live = self.webhook.ended_at is None
        return live and bool(self.dead or self.webhook.failures or self.webhook.missed)


@atomic
async def create_webhook(
    db: AsyncSession, clock: Clock, actor: Actor, receivers: Receivers, seal: Callable[[str], str],
    client_id: str, address: str, kinds: Iterable[str],
) -> tuple[Webhook, str]:  # fmt: skip
    """Tell a client of events at an address; commits. Returns it with the signing secret, told once.

    Raises Invalid at `address` or `kinds`, NotFound, Conflict `too_many_webhooks`.
    """
    client = await find_client(db, actor, client_id)
    if client.revoked_at is not None:
        raise Conflict("client_revoked", "这个系统已经停用。")
    chosen = [kind for kind in KINDS if kind in set(kinds)]
    if not chosen:
        raise Invalid("required", "请选择至少一种事件。", "kinds")
    kept = receivers.check(address)
    live = (Webhook.client_id == client.id) & Webhook.ended_at.is_(None)
    if (await db.scalar(select(func.count()).select_from(Webhook).where(live)) or 0) >= MOST_OF_CLIENT:
        raise Conflict("too_many_webhooks", f"一个系统最多 {MOST_OF_CLIENT} 个推送地址。")
    secret = PREFIX + secrets.token_urlsafe(32)
    hook = Webhook(
        id=new_id(), client_id=client.id, address=kept, kinds=" ".join(chosen), sealed_secret=seal(secret),
        created_at=clock.now(), failures=0, missed=0,
    )  # fmt: skip
    db.add(hook)
    await db.flush()
    await add_audit(db, clock, actor, "webhook.created", "webhook", hook.id, detail={"address": kept})
    await db.commit()
    return hook, secret


@atomic
async def end_webhook(db: AsyncSession, clock: Clock, actor: Actor, client_id: str, webhook_id: str) -> None:
    """Nothing more is sent there; commits. Raises NotFound."""
    await find_client(db, actor, client_id)
    own = (Webhook.id == webhook_id) & (Webhook.client_id == client_id)
    if not await end_webhooks(db, clock, own):
        raise NotFound("webhook_not_found", "没有找到这个推送地址，或者已经停用。")
    await add_audit(db, clock, actor, "webhook.ended", "webhook", webhook_id)
    await db.commit()


@atomic
async def resend_event(
    db: AsyncSession, clock: Clock, actor: Actor, client_id: str, webhook_id: str, event_id: str
) -> None:
    """Queue an event that is dead or was sent once more, under its own id; commits.

    Raises NotFound, Conflict `webhook_ended` or `not_resendable`.
    """
    await find_client(db, actor, client_id)
    hook = await db.get(Webhook, webhook_id, populate_existing=True)
    event = await db.get(WebhookEvent, event_id)
    if hook is None or hook.client_id != client_id or event is None or event.webhook_id != webhook_id:
        raise NotFound("webhook_not_found", "没有找到这个推送地址，或者已经停用。")
    if hook.ended_at is not None:
        raise Conflict("webhook_ended", "这个推送地址已经停用，不能再发。")
    again = update(WebhookEvent).where(WebhookEvent.id == event_id, WebhookEvent.state.in_(AGAIN))
    values = {"state": WebhookState.QUEUED, "attempts": 0, "answer": "", "ended_at": None}
    if await db.scalar(again.values(**values).returning(WebhookEvent.id)) is None:
        raise Conflict("not_resendable", "这个事件正在发送，或者不能再发。")
    hook.failures, hook.rest_until = 0, None  # Whoever asks for it has made sure that somebody listens.
    await add_audit(db, clock, actor, "webhook.resent", "webhook", webhook_id, detail={"event": event_id})
    await db.commit()


async def find_client(db: AsyncSession, actor: Actor, client_id: str) -> ApiClient:
    """A system that was ever let in. Raises NotFound."""
    require(actor, Action.MANAGE_ACCOUNTS)
    client = await db.get(ApiClient, client_id)
    if client is None:
        raise NotFound("client_not_found", "没有找到这个系统，或者已经停用。")
    return client


async def list_webhooks(db: AsyncSession, actor: Actor, client_id: str | None = None) -> list[Standing]:
    """Webhooks of one client or of all, the living first."""
    require(actor, Action.MANAGE_ACCOUNTS)
    query = select(Webhook).order_by(Webhook.ended_at.is_not(None), Webhook.created_at, Webhook.id)
    if client_id is not None:
        query = query.where(Webhook.client_id == client_id)
    sums = select(WebhookEvent.webhook_id, WebhookEvent.state, func.count())
    sums = sums.where(WebhookEvent.state.in_((WebhookState.QUEUED, WebhookState.DEAD)))
    found = await db.execute(sums.group_by(WebhookEvent.webhook_id, WebhookEvent.state))
    counts = {(hook, state): number for hook, state, number in found}
    return [
        Standing(
            hook, counts.get((hook.id, WebhookState.QUEUED), 0), counts.get((hook.id, WebhookState.DEAD), 0)
        )
        for hook in await db.scalars(query)
    ]


async def list_events(
    db: AsyncSession, actor: Actor, client_id: str, state: WebhookState | None = None, limit: int = 50,
    offset: int = 0,
) -> Sequence[WebhookEvent]:  # fmt: skip
    """The log of a client, newest first; without what the case is about."""
    require(actor, Action.MANAGE_ACCOUNTS)
    query = select(WebhookEvent).join(Webhook, Webhook.id == WebhookEvent.webhook_id)
    query = query.where(Webhook.client_id == client_id)
    if state is not None:
        query = query.where(WebhookEvent.state == state)
    query = query.order_by(WebhookEvent.queued_at.desc(), WebhookEvent.sequence.desc(), WebhookEvent.id)
    return (await db.scalars(query.limit(limit).offset(offset))).all()
