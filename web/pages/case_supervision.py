"""One case is supervised: an order, or what weighs more."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from cases.documents.kind import DocumentKind
from cases.errors import Conflict, Forbidden, Invalid, RuleError
from cases.handling.clocks import profile_of, today
from cases.petitions import get_petition
from cases.policy import Action
from cases.supervision.measures import KIND_NAMES, NewMeasure, take_measure
from cases.supervision.order import REASON_NAMES
from cases.supervision.ordering import NewOrder, issue_order, issuer_of, list_supervised
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.language import say, say_error
from web.pages.order_papers import issue_with
from web.pages.signin import see_other
from web.rendering import page
from web.views.supervision import supervision_card

ORDER_FIELDS, MEASURE_FIELDS = (
    ("unit_id", "reason", "due_on", "words"),
    ("kind", "unit_id", "due_on", "words"),
)


async def show(request: web.Request) -> web.StreamResponse:
    return await _page(request, Form(), Form())


async def issue(request: web.Request) -> web.StreamResponse:
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    typed = _typed(form, ORDER_FIELDS)
    async with request.app[DATABASE].session() as db:
        try:
            order = await issue_order(db, request.app[CLOCK], request[ACTOR], petition_id, NewOrder(**typed))
        except (Invalid, Conflict) as error:
            _fail(form, error, "words")
        else:
            await issue_with(request, db, order.id, DocumentKind.SUPERVISION_ORDER)
    if form.errors:
        return await _page(request, form, Form())
    return see_other(f"/supervision/{order.id}")


async def measure(request: web.Request) -> web.StreamResponse:
    form, petition_id = Form(await request.post()), request.match_info["petition_id"]
    typed = _typed(form, MEASURE_FIELDS)
    async with request.app[DATABASE].session() as db:
        try:
            await take_measure(db, request.app[CLOCK], request[ACTOR], petition_id, NewMeasure(**typed))
        except (Invalid, Conflict) as error:
            _fail(form, error, "kind")
    if form.errors:
        # Fields of the second form of the page have names of their own there.
        form.errors = {f"m_{name}": message for name, message in form.errors.items()}
        form.values = {f"m_{name}": text for name, text in form.values.items()}
        return await _page(request, Form(), form)
    return see_other(f"/cases/{petition_id}#supervision")


def _typed(form: Form, names: tuple[str, ...]) -> dict[str, str]:
    typed = {name: form.typed(name) or form.typed(f"m_{name}") for name in names}
    form.values.update({name: text[:4000] for name, text in typed.items()})
    return typed


def _fail(form: Form, error: RuleError, otherwise: str) -> None:
    form.fail(error.field or otherwise, say_error(error.code, error.message))


async def _page(request: web.Request, form: Form, second: Form) -> web.StreamResponse:
    actor, petition_id, now = request[ACTOR], request.match_info["petition_id"], today(request.app[CLOCK])
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, petition_id)
        orders, lists = (
            issuer_of(actor, petition, action) for action in (Action.SUPERVISE_PETITION, Action.LIST_PETITION)
        )
        issuer_id = orders or lists
        if issuer_id is None:
            raise Forbidden(message="督办由登记单位或者上级信访部门决定。")
        units = {unit.id: unit.name for unit in await list_supervised(db, petition, issuer_id)}
        card = await supervision_card(request, db, petition, now)
    usual = (now + timedelta(days=profile_of(petition).feedback_days)).isoformat()
    for each, names in ((form, ("due_on", "unit_id")), (second, ("m_due_on", "m_unit_id"))):
        first = next(iter(units)) if len(units) == 1 else ""
        for name, value in zip(names, (usual, first), strict=True):
            each.values.setdefault(name, value)
    wrong = form.errors or second.errors
    context = {
        "nav": "supervision",
        "petition": petition,
        "units": units,
        "form": form,
        "second": second,
        "may_order": orders is not None,
        "may_list": lists is not None,
        "reasons": {str(code): name for code, name in REASON_NAMES.items()},
        "kinds": {str(code): name for code, name in KIND_NAMES.items()},
        "supervision": card,
    }
    title = say("错误：督办") if wrong else say("督办")
    return page(request, "supervision_case.html", context, title=title, status=422 if wrong else 200)
