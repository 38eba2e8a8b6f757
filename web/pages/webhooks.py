"""To where a client is told of events, how that goes, and what to send again (the administrator's page)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from cases.errors import Invalid
from cases.intake.webhook import AGAIN, KIND_NAMES, WebhookEvent, WebhookState
from cases.intake.webhooks import (
    create_webhook,
    end_webhook,
    find_client,
    list_events,
    list_webhooks,
    resend_event,
)
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.webhooks import RECEIVERS

PAGE_SIZE = 50
KINDS = dict(KIND_NAMES)


async def show(request: web.Request) -> web.StreamResponse:
    """The addresses and the log, newest first; `?state=dead` shows these events alone."""
    return await _page(request, Form(initial={"kinds": "\n".join(KINDS)}), 200)


async def create(request: web.Request) -> web.StreamResponse:
    form = Form(await request.post())
    client_id = request.match_info["client_id"]
    form.values["address"] = form.typed("address")[:500]
    kinds = form.choices("kinds", KINDS)
    async with request.app[DATABASE].session() as db:
        try:
            seal = request.app[MESSENGER].secrets.envelope.seal
            _, secret = await create_webhook(
                db, request.app[CLOCK], request[ACTOR], request.app[RECEIVERS], seal, client_id,
                form.typed("address"), kinds,
            )  # fmt: skip
        except Invalid as error:
            form.refuse(error, "address")
    if form.errors:
        return await _page(request, form, 422)
    keep_once(request, f"webhook:{client_id}", secret)
    return see_other(f"/clients/{client_id}/webhooks")


async def end(request: web.Request) -> web.StreamResponse:
    await request.post()
    client_id, webhook_id = request.match_info["client_id"], request.match_info["webhook_id"]
    async with request.app[DATABASE].session() as db:
        await end_webhook(db, request.app[CLOCK], request[ACTOR], client_id, webhook_id)
    return see_other(f"/clients/{client_id}/webhooks")


async def resend(request: web.Request) -> web.StreamResponse:
    """POST: the event goes out once more, under its own id."""
    await request.post()
    where = request.match_info
    async with request.app[DATABASE].session() as db:
        await resend_event(
            db, request.app[CLOCK], request[ACTOR], where["client_id"], where["webhook_id"], where["event_id"]
        )
    return see_other(f"/clients/{where['client_id']}/webhooks")


async def _page(request: web.Request, form: Form, status: int) -> web.Response:
    client_id, offset = request.match_info["client_id"], read_offset(request)
    asked = request.query.get("state", "")
    state = WebhookState(asked) if asked in set(WebhookState) else None
    async with request.app[DATABASE].session() as db:
        client = await find_client(db, request[ACTOR], client_id)
        hooks = await list_webhooks(db, request[ACTOR], client_id)
        events = await list_events(db, request[ACTOR], client_id, state, PAGE_SIZE + 1, offset)
    addresses = {each.webhook.id: each.webhook.address for each in hooks}
    context = {
        "nav": "administration",
        "form": form,
        "client": client,
        "hooks": [
            {
                "standing": each,
                "kinds": [KINDS[kind] for kind in each.webhook.kinds.split(" ") if kind in KINDS],
            }
            for each in hooks
        ],
        "events": [_told(event, addresses) for event in events[:PAGE_SIZE]],
        "state": str(state or ""),
        "kinds": KINDS,
        "secret": take_once(request, f"webhook:{client_id}"),
        "beside": beside(
            f"/clients/{client_id}/webhooks", {"state": str(state or "")}, offset, PAGE_SIZE, len(events)
        ),
    }
    title = "错误：事件推送" if form.errors else "事件推送"
    return page(request, "webhooks.html", context, title=title, status=status)


def _told(event: WebhookEvent, addresses: dict[str, str]) -> dict[str, Any]:
    """Administrators see no content of cases, and not which case it is."""
    return {
        "id": event.id,
        "webhook_id": event.webhook_id,
        "kind": KINDS.get(event.kind, event.kind),
        "address": addresses.get(event.webhook_id, ""),
        "at": event.at,
        "state": event.state,
        "attempts": event.attempts,
        "answer": event.answer,
        "again": event.state in AGAIN,
    }
