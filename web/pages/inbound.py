"""What other networks hand in: messages by SMS and WeChat, signed; and a page that plays such a network."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
from contextlib import suppress
from functools import partial
from typing import Any

from aiohttp import web

from cases.casefile import Channel
from cases.errors import Invalid
from cases.fields import clean, clean_phone
from cases.intake.signature import check_signature, sign
from cases.intake.threads import CHANNELS, Incoming, Taken, read_query, receive_message
from web.figures import RATE_LIMITED
from web.http.errors import trouble
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import CLOCK, DATABASE, LIMITS, SERVER_KEY, SETTINGS
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER, ShownGateway
from web.views.message_answers import answer_message, tell_taken
from web.words import CHANNELS as CHANNEL_WORDS

MOMENT, NONCE, SIGNATURE = "X-Lianxin-Timestamp", "X-Lianxin-Nonce", "X-Lianxin-Signature"
LARGEST = 16 * 1024
ANSWER_SHOWN_WITHIN = 3.0  # Seconds.
BY_MESSAGE = {str(each): CHANNEL_WORDS[each] for each in sorted(CHANNELS)}


async def take(request: web.Request) -> web.StreamResponse:
    """POST {id, from, text, to?}: one message, signed (docs/interfaces.md). Answers {taken}."""
    name = request.match_info["channel"]
    secret = secret_of(request.app, name)
    if name not in BY_MESSAGE or not secret:
        return trouble(request, 404)
    body = await request.content.read(LARGEST + 1)
    if len(body) > LARGEST:
        return trouble(request, 413)
    given = [request.headers.get(each, "")[:200] for each in (MOMENT, NONCE, SIGNATURE)]
    check_signature(secret, request.app[CLOCK].now(), given[0], given[1], given[2], body)
    incoming = _incoming(request.app, Channel(name), body)
    if read_query(incoming.text) and not request.app[LIMITS].allow("query", f"{name}:{incoming.sender}"):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        tell = partial(tell_taken, request.app, db)
        taken = await receive_message(db, request.app[CLOCK], incoming, given[1], tell)
    if taken is Taken.QUERY:
        await answer_message(request.app, incoming)
    request.app[MESSENGER].ring()
    return web.json_response({"taken": str(taken)})


async def show_simulator(request: web.Request) -> web.StreamResponse:
    return _simulator(request, Form(initial={"channel": Channel.SMS, "sender": "13800138000"}))


async def simulate(request: web.Request) -> web.StreamResponse:
    """Send one message as an operator's network would: signed, through the same door."""
    form = Form(await request.post())
    channel = form.choice("channel", BY_MESSAGE, "请选择渠道")
    told = {"id": secrets.token_hex(8), "from": form.take("sender", str), "text": form.take("text", str)}
    if form.errors:
        return _simulator(request, form, 422)
    gateway = request.app[MESSENGER].gateway
    if isinstance(gateway, ShownGateway):
        gateway.shown.pop(_number(told["from"]), None)  # What was answered before is no answer to this.
    try:
        taken = await _send_to_ourselves(request, channel, told)
    except Invalid as error:
        form.fail({"from": "sender"}.get(error.field or "", "text"), error.message)
        return _simulator(request, form, 422)
    answer = await _shown(request.app, told["from"]) if taken is not Taken.REPEATED else ""
    keep_once(request, "simulated", {"taken": str(taken), "answer": answer})
    return see_other("/demo/messages")


def secret_of(app: web.Application, channel: str) -> str:
    """What signs messages of this channel; a demonstration makes one of its own. Empty: none are taken."""
    settings = app[SETTINGS]
    given = {"sms": settings.inbound.sms_secret, "wechat": settings.inbound.wechat_secret}.get(channel, "")
    if given or not settings.demo:
        return given
    return hmac.new(app[SERVER_KEY], f"inbound {channel}".encode(), hashlib.sha256).hexdigest()


async def _send_to_ourselves(request: web.Request, channel: str, told: dict[str, str]) -> Taken:
    body, nonce = json.dumps(told, ensure_ascii=False).encode(), secrets.token_hex(16)
    now = request.app[CLOCK].now()
    secret = secret_of(request.app, channel)
    seconds = int(now.timestamp())
    check_signature(secret, now, str(seconds), nonce, sign(secret, seconds, nonce, body), body)
    incoming = _incoming(request.app, Channel(channel), body)
    async with request.app[DATABASE].session() as db:
        tell = partial(tell_taken, request.app, db)
        taken = await receive_message(db, request.app[CLOCK], incoming, nonce, tell)
    if taken is Taken.QUERY:
        await answer_message(request.app, incoming)
    request.app[MESSENGER].ring()
    return taken


async def _shown(app: web.Application, sender: str) -> str:
    """What was answered to this sender, as soon as it left; a later message of a thread is not answered."""
    gateway = app[MESSENGER].gateway
    if not isinstance(gateway, ShownGateway):
        return ""
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SHOWN_WITHIN):
            return await gateway.until_shown(_number(sender))
    return ""


def _number(sender: str) -> str:
    try:
        return clean_phone(sender)
    except Invalid:
        return clean(sender)


def _simulator(request: web.Request, form: Form, status: int = 200) -> web.Response:
    context = {
        "nav": "cases",
        "form": form,
        "channels": BY_MESSAGE,
        "simulated": take_once(request, "simulated"),
    }
    return page(request, "demo/messages.html", context, title="模拟短信和微信", status=status)


def _incoming(app: web.Application, channel: Channel, body: bytes) -> Incoming:
    try:
        told: Any = json.loads(body.decode("utf-8-sig"))  # Of bytes it would guess UTF-16 and UTF-32, too.
    except (ValueError, RecursionError) as error:
        raise Invalid("bad_json", "内容不是 JSON。") from error
    if not isinstance(told, dict):
        raise Invalid("bad_json", "内容要是一个 JSON 对象。")
    for name in ("id", "from", "text"):
        if not isinstance(told.get(name), str):
            raise Invalid("required", f"缺少 {name}。", name)
    to = told.get("to") or app[SETTINGS].inbound.office
    if not isinstance(to, str) or len(to) > 12:
        raise Invalid("no_office", "没有这个地区的信访部门。", "to")
    return Incoming(channel, told["id"], told["from"], told["text"], to)
