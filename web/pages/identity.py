"""C2 and C3 of the citizen's journey: who is with you, and who you are."""

from __future__ import annotations

import contextlib
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid, RuleError
from cases.fields import mask_phone
from scheduling.arrival.consent import RELATION_NAMES, Relation, declare_companions
from scheduling.arrival.identity import (
    check_id_number,
    confirm_code,
    needs_id_number,
    needs_identity,
    phone_of,
    send_code,
)
from scheduling.requests.citizen_requests import Asked, RequestState, ask, end_identity_wishes, find_request
from web.figures import RATE_LIMITED
from web.http.access import client_address, terminal_of
from web.http.forms import Form
from web.keys import CLOCK, DATABASE, LIMITS, SETTINGS
from web.language import say_error
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER, ShownGateway
from web.views.link_pages import Holder, code_of, context_of, find_holder, next_page, problem_page

RELATIONS = {str(relation): name for relation, name in RELATION_NAMES.items()}
ASKABLE = {Asked.VOICE_CODE, Asked.STAFF_CHECK}
TOO_FAST = "操作太快，请等一分钟再试，或请工作人员核验。"


async def send_first_code(request: web.Request, db: AsyncSession, found: Holder) -> None:
    """The code is on its way when the page opens; what stands against it the page says when asked again."""
    actor, invitation, _ = found
    if needs_identity(invitation) and phone_of(invitation) and request.app[MESSENGER].works:
        with contextlib.suppress(RuleError):
            await send_code(db, request.app[CLOCK], actor, request.app[MESSENGER].secrets)
        request.app[MESSENGER].ring()


async def show(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if not needs_identity(found[1]):
            return see_other(next_page(request, found[1], found[2]))
        return await _page(request, db, found, Form(), sent="sent" in request.query)


async def submit(request: web.Request) -> web.StreamResponse:
    """One of three acts: another code, what was typed, or a request to the staff."""
    form = Form(await request.post())
    act = form.typed("act")
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if not request.app[LIMITS].allow("identity", client_address(request)):
            RATE_LIMITED.labels("identity").inc()
            form.fail("code", TOO_FAST)
            return await _page(request, db, found, form, 429)
        try:
            where = await _act(request, db, found, act, form)
        except RuleError as error:
            form.fail("code", say_error(error.code, error.message))
            return await _page(request, db, found, form, 422)
    return see_other(where)


async def say_on_page(
    request: web.Request, db: AsyncSession, found: Holder, error: RuleError
) -> web.Response:
    """The page with what went wrong elsewhere, and the other ways."""
    return await _page(request, db, found, Form(), 422, failed=say_error(error.code, error.message))


async def _act(request: web.Request, db: AsyncSession, found: Holder, act: str, form: Form) -> str:
    clock, messenger, code = request.app[CLOCK], request.app[MESSENGER], code_of(request)
    if act == "send":
        await send_code(db, clock, found[0], messenger.secrets)
        messenger.ring()
        return f"/j/{code}/identity?sent"
    if act in ASKABLE:
        await ask(db, clock, found[0], Asked(act))
        return f"/j/{code}/identity"
    invitation = await confirm_code(db, clock, found[0], messenger.secrets, form.typed("code"))
    await end_identity_wishes(db, clock, invitation.id, found[0].name)
    return next_page(request, invitation, found[2])


async def show_id_number(request: web.Request) -> web.StreamResponse:
    return await _id_number(request, Form(), False)


async def submit_id_number(request: web.Request) -> web.StreamResponse:
    return await _id_number(request, Form(await request.post()), True)


async def _id_number(request: web.Request, form: Form, posted: bool) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        actor, invitation, session = found
        if not needs_id_number(invitation, session.id_number_needed):
            return see_other(next_page(request, invitation, session))
        if posted:
            if not request.app[LIMITS].allow("identity", client_address(request)):
                RATE_LIMITED.labels("identity").inc()
                form.fail("id_number", TOO_FAST)
            else:
                try:
                    typed = form.typed("id_number")
                    invitation = await check_id_number(db, request.app[CLOCK], actor, typed)
                    return see_other(next_page(request, invitation, session))
                except RuleError as error:
                    form.fail("id_number", say_error(error.code, error.message))
        context = await context_of(db, request, found) | {"form": form}
    status, title = (422, "错误：填写身份证号") if form.errors else (200, "填写身份证号")
    return page(request, "citizen/id_number.html", context, title=title, status=status)


async def show_companions(request: web.Request) -> web.StreamResponse:
    return await _companions(request, Form(initial={"people": "2"}), False)


async def submit_companions(request: web.Request) -> web.StreamResponse:
    return await _companions(request, Form(await request.post()), True)


async def _companions(request: web.Request, form: Form, posted: bool) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        told = found[1].companions
        if told and not posted:
            form.values |= {"people": str(told["people"]), "relations": "\n".join(told["with"])}
        if posted:
            chosen = form.choices("relations", RELATIONS)
            people = form.take("people", _people)
            if not form.errors:
                try:
                    relations = tuple(Relation(one) for one in chosen)
                    await declare_companions(db, request.app[CLOCK], found[0], int(people), relations)
                    return see_other(next_page(request, found[1], found[2]))
                except Invalid as error:
                    form.fail(error.field or "people", say_error(error.code, error.message))
        context = await context_of(db, request, found) | {"form": form, "relations": RELATIONS}
    status, title = (422, "错误：谁和您在一起") if form.errors else (200, "谁和您在一起")
    return page(request, "citizen/companions.html", context, title=title, status=status)


def _people(typed: str) -> str:
    digits = typed.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 3):
        raise Invalid("bad_people", "请填写人数，例如 2。", "people")
    return digits


async def _page(
    request: web.Request, db: AsyncSession, found: Holder, form: Form, status: int = 200, sent: bool = False,
    failed: str = "",
) -> web.Response:  # fmt: skip
    """`failed`: what did not work elsewhere, about no field of this page."""
    invitation, gateway = found[1], request.app[MESSENGER].gateway
    phone = phone_of(invitation)
    asked: dict[str, Any] = {}
    for kind in sorted(ASKABLE):
        request_made = await find_request(db, invitation.id, kind)
        asked[kind] = request_made is not None and request_made.state is RequestState.OPEN
    context = await context_of(db, request, found) | {
        "form": form,
        "phone": mask_phone(phone) if phone else "",
        "by_code": bool(phone) and request.app[MESSENGER].works,
        "asked": asked,
        # On a station's terminal the provider's own sign-in would stay for the next person.
        "provider": bool(request.app[SETTINGS].oidc.authorize) and not terminal_of(request),
        "sent": sent,
        "failed": failed,
        "shown": gateway.shown.get(phone or "", "") if isinstance(gateway, ShownGateway) else "",
    }
    title = "错误：核验身份" if form.errors or failed else "核验身份"
    return page(request, "citizen/identity.html", context, title=title, status=status)
