"""Messages by SMS and WeChat that wait: a clerk reads a thread and makes a case of it, or puts it away."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel
from cases.errors import Conflict, Invalid
from cases.fields import clean
from cases.intake.thread import MessageThread, ThreadState
from cases.intake.threads import dismiss_thread, get_thread, list_messages, list_threads, register_thread
from web.http.flash import keep_once
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say_error
from web.pages.register import FIELDS, all_units, clerk_matter, custodians
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.views.message_answers import tell_registered
from web.words import CHANNELS, CLASSES, masked_phone

PAGE_SIZE = 30
SUBJECT_LENGTH = 40


async def show_list(request: web.Request) -> web.StreamResponse:
    """Open threads; `?state=registered` and `?state=dismissed` show what was done."""
    actor, offset = request[ACTOR], read_offset(request)
    asked = request.query.get("state", "")
    state = ThreadState(asked) if asked in set(ThreadState) else ThreadState.OPEN
    async with request.app[DATABASE].session() as db:
        found = await list_threads(db, actor, state, PAGE_SIZE + 1, offset)
        rows = [await _row(db, thread) for thread in found[:PAGE_SIZE]]
    context = {
        "nav": "cases",
        "rows": rows,
        "state": str(state),
        "beside": beside("/messages", {"state": str(state)}, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "messages.html", context, title="短信和微信来信")


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form())


async def register(request: web.Request) -> web.StreamResponse:
    actor, form = request[ACTOR], Form(await request.post())
    thread_id = request.match_info["thread_id"]
    async with request.app[DATABASE].session() as db:
        thread = await get_thread(db, actor, thread_id)
        offices, units = await custodians(db, actor), await all_units(db)
        matter = clerk_matter(request, form, offices, units, thread.channel)
        if not form.errors:
            try:
                tell = partial(tell_registered, request.app, db)
                petition, code = await register_thread(
                    db, request.app[CLOCK], actor, thread_id, matter, tell
                )
            except Invalid as error:
                field = error.field or "subject"
                form.fail(FIELDS.get(field, field), say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    keep_once(request, f"query:{petition.id}", code)
    request.app[MESSENGER].ring()
    if not petition.confidential:
        keep_once(request, f"told:{petition.id}", True)
    return see_other(f"/cases/{petition.id}")


async def dismiss(request: web.Request) -> web.StreamResponse:
    form = Form(await request.post())
    thread_id = request.match_info["thread_id"]
    reason = form.take("reason", str)
    async with request.app[DATABASE].session() as db:
        try:
            await dismiss_thread(db, request.app[CLOCK], request[ACTOR], thread_id, reason)
        except Conflict:
            raise
        except Invalid as error:
            form.fail("reason", say_error(error.code, error.message))
    if form.errors:
        return await _page(request, form, 422)
    return see_other("/messages")


async def _page(request: web.Request, form: Form, status: int = 200) -> web.Response:
    actor = request[ACTOR]
    async with request.app[DATABASE].session() as db:
        thread = await get_thread(db, actor, request.match_info["thread_id"])
        messages = await list_messages(db, thread.id)
        offices, units = await custodians(db, actor), await all_units(db)
    whole = "\n".join(message.text for message in messages)
    first = clean(whole.split("\n")[0]) if messages else ""
    defaults = {
        "phone": thread.sender if thread.channel is Channel.SMS else "",
        "subject": first[:SUBJECT_LENGTH],
        "description": whole,
        "custodian": thread.organisation_id,
        "class": "claim",
    }
    for name, value in defaults.items():
        form.values.setdefault(name, value)
    context = {
        "nav": "cases",
        "form": form,
        "thread": thread,
        "sender": _sender(thread),
        "messages": messages,
        "organisations": offices,
        "units": units,
        "classes": CLASSES,
        "open": thread.state is ThreadState.OPEN,
    }
    return page(request, "thread.html", context, title="短信和微信来信", status=status)


async def _row(db: AsyncSession, thread: MessageThread) -> dict[str, Any]:
    messages = await list_messages(db, thread.id)
    return {
        "id": thread.id,
        "channel": CHANNELS[thread.channel],
        "sender": _sender(thread),
        "text": messages[0].text if messages else "",
        "count": thread.message_count,
        "at": thread.last_at,
        "state": thread.state,
        "petition_id": thread.petition_id,
    }


def _sender(thread: MessageThread) -> str:
    return masked_phone(thread.sender) if thread.channel is Channel.SMS else thread.sender
