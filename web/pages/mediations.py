"""调解: the list of mediations, one with its parties and history, and the agreement."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid
from cases.handling.clocks import today
from cases.mediation.agreement import LABELS, conclude_agreement, find_agreement, read_agreement
from cases.mediation.board import (
    Which,
    count_mediations,
    get_mediation,
    list_events,
    list_mediations,
    list_sittings,
)
from cases.mediation.consenting import list_consents, record_consent
from cases.mediation.court_door import DAYS, confirmable, list_court_links
from cases.mediation.matter import (
    SITTING,
    TRANSITIONS,
    MediationState,
    MediationStep,
    Side,
    scope_of_mediation,
)
from cases.mediation.mediating import (
    NewMediation,
    NewParty,
    arrange_sitting,
    choose_mediator,
    open_mediation,
    take_mediation_step,
    turn_into_petition,
)
from cases.mediation.place import list_places
from cases.mediation.third_party import ThirdPartyKind, list_third_parties
from cases.petitions import get_petition
from cases.policy import Action, allowed, require
from scheduling.booking.engagements import refuse_engaged_mediator
from scheduling.sessions.mediation_video import call_off_sittings
from scheduling.sessions.mediator_change import take_over
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.http.paging import beside, read_offset
from web.keys import ACTOR, CLOCK, DATABASE, REGISTRY, SETTINGS
from web.language import say, say_error
from web.letters.pdf import drawing
from web.pages.signin import see_other
from web.pages.signing import document as file_of
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.mediation import (
    SIDES,
    THIRD_PARTY_KINDS,
    TURNING,
    TYPED,
    agreement_view,
    court_rows,
    event_rows,
    keepers_of,
    mediation_row,
    party_rows,
    sitting_rows,
    step_forms,
)

PAGE_SIZE = 50
TABS = (
    (Which.OPEN, "正在调解"),
    (Which.CONFIRMABLE, "可以申请司法确认"),
    (Which.PERFORMING, "等待履行"),
    (Which.LATE, "履行超期"),
    (Which.OVER, "已结束"),
)
NEW_FIELDS = ("organisation", "subject", "facts", "mediator_id", "petition")
PARTY_FIELDS = ("name", "phone", "address")
MORE = 2  # Further parties of the other side on the form.
AGREEMENT_FIELDS = (*LABELS, "due_on", "effective_on")
LENGTHS = {"30": "30 分钟", "60": "60 分钟", "90": "90 分钟", "120": "120 分钟"}


async def show_list(request: web.Request) -> web.StreamResponse:
    """GET {}: `which`, `offset`."""
    actor, clock, asked = request[ACTOR], request.app[CLOCK], request.query
    offset, now = read_offset(request), today(clock)
    which = Which(asked["which"]) if asked.get("which", "") in set(Which) else Which.OPEN
    async with request.app[DATABASE].session() as db:
        found = await list_mediations(db, clock, actor, which, PAGE_SIZE + 1, offset)
        counts = await count_mediations(db, clock, actor)
    context = {
        "nav": "mediation",
        "place": "matters",
        "which": which,
        "tabs": [(code, name, counts[code]) for code, name in TABS],
        "rows": [mediation_row(each.mediation, each.agreement, now) for each in found[:PAGE_SIZE]],
        "beside": beside("/mediation", {"which": which}, offset, PAGE_SIZE, len(found)),
    }
    return page(request, "mediations.html", context, title="调解")


async def show_new(request: web.Request) -> web.StreamResponse:
    """GET {}: `petition`, the case in whose course it is."""
    return await _new_page(request, Form(initial={"petition": request.query.get("petition", "")[:32]}))


async def open_one(request: web.Request) -> web.StreamResponse:
    """POST {organisation, subject, facts, mediator_id, petition, and of each party name, phone, address}."""
    form = Form(await request.post())
    names = (*NEW_FIELDS, *(f"{side}_{field}" for side in _sides() for field in PARTY_FIELDS))
    form.values = {name: form.typed(name)[:4000] for name in names}
    async with request.app[DATABASE].session() as db:
        try:
            command = NewMediation(
                form.value("organisation")[:32], form.typed("subject"), form.typed("facts"), _parties(form),
                form.value("mediator_id")[:32], form.value("petition")[:32],
            )  # fmt: skip
            mediation = await open_mediation(db, request.app[CLOCK], request[ACTOR], command)
            return see_other(f"/mediation/{mediation.id}")
        except (Invalid, Conflict) as error:
            known = {"parties": "respondent_name", "third_party_id": "mediator_id"}
            field = known.get(error.field or "", error.field)
            form.refuse(Invalid(error.code, error.message, field), "subject")
    return await _new_page(request, form)


async def show(request: web.Request) -> web.StreamResponse:
    actor, clock, mediation_id = request[ACTOR], request.app[CLOCK], request.match_info["mediation_id"]
    async with request.app[DATABASE].session() as db:
        mediation = await get_mediation(db, actor, mediation_id)
        consents = await list_consents(db, mediation_id)
        agreement = await find_agreement(db, mediation_id)
        sittings = await sitting_rows(db, actor, await list_sittings(db, mediation_id))
        events = await list_events(db, mediation_id)
        own = [mediation.organisation_id]
        venues = {each.id: each.name for each in await list_places(db, own)}
        people = await list_third_parties(db, clock, actor, own)
        links = await list_court_links(db, mediation_id)
    trouble = take_once(request, f"mediation:{mediation_id}") or {}
    may = allowed(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    early = mediation.state in SITTING | {MediationState.RECEIVED}
    now = today(clock)
    context = {
        "nav": "mediation",
        "mediation": mediation_row(mediation, agreement, now),
        "parties": party_rows(mediation, consents),
        "agreement": agreement_view(agreement) if agreement else None,
        "sittings": sittings,
        "history": event_rows(events),
        "trouble": trouble,
        "typed": trouble.get("typed", {}),
        "forms": step_forms(mediation, trouble) if may else [],
        "may_consent": may and early,
        "may_sit": may and mediation.state in SITTING,
        "may_agree": may and TRANSITIONS.permits(mediation.state, MediationStep.AGREE),
        "may_turn": may and TRANSITIONS.permits(mediation.state, MediationStep.TURN),
        "may_court": may and confirmable(mediation, agreement, now),
        "court_days": {str(days): f"{days} 天" for days in DAYS},
        "court_links": court_rows(links, clock.now()),
        "court_link": take_once(request, f"court:{mediation_id}") if may else None,
        "ways": TYPED,
        "channels": TURNING,
        "venues": venues,
        "lengths": LENGTHS,
        "mediators": {e.id: f"{e.name}（{e.employer}）" for e in people if e.kind is ThirdPartyKind.MEDIATOR},
        "helpers": {
            e.id: f"{e.name}（{say(THIRD_PARTY_KINDS[e.kind])}，{e.employer}）"
            for e in people
            if e.id != mediation.mediator_id
        },
        "tomorrow": (now + timedelta(days=1)).isoformat(),
    }
    return page(request, "mediation.html", context, title=say(f"调解 {mediation.number}"))


async def consent(request: web.Request) -> web.StreamResponse:
    """POST {given, way, words}: what a party says to mediation."""
    form, where = Form(await request.post()), request.match_info
    party_id, given = where["party_id"], form.typed("given")

    async def act(db: AsyncSession) -> None:
        if given not in ("yes", "no"):
            raise Invalid("choose", "请选择一项。", "given")
        await record_consent(
            db, request.app[CLOCK], request[ACTOR], where["mediation_id"], party_id, given == "yes",
            form.typed("way"), form.typed("words"),
        )  # fmt: skip

    answer = await act_on(request, form, f"consent:{party_id}", ("given", "way", "words"), act)
    await call_off(request)
    return answer


async def mediator(request: web.Request) -> web.StreamResponse:
    """POST {mediator_id}."""
    form, where = Form(await request.post()), request.match_info

    async def act(db: AsyncSession) -> None:
        chosen = form.typed("mediator_id")[:32]
        if not chosen:
            raise Invalid("choose", "请选择一项。", "mediator_id")
        clock = request.app[CLOCK]
        await choose_mediator(db, clock, request[ACTOR], where["mediation_id"], chosen, take_over)

    return await act_on(request, form, "mediator", ("mediator_id",), act)


async def sit(request: web.Request) -> web.StreamResponse:
    """POST {place_id, day, time, length}: a sitting at a place of the community."""
    form, where, clock = Form(await request.post()), request.match_info, request.app[CLOCK]

    async def act(db: AsyncSession) -> None:
        begin = form.moment("day", "time", clock.now())
        if begin is None:
            field, message = next(iter(form.errors.items()))
            raise Invalid("bad_time", message, field)
        end = begin + timedelta(minutes=int(form.choice("length", LENGTHS, "") or 60))
        place = form.typed("place_id")[:32]
        await arrange_sitting(
            db, clock, request[ACTOR], where["mediation_id"], place, begin, end, refuse_engaged_mediator
        )

    return await act_on(request, form, "sit", ("place_id", "day", "time", "length"), act)


async def take(request: web.Request) -> web.StreamResponse:
    """POST {words}: followed, confirmed by the court, performed, not performed, ended."""
    form, where = Form(await request.post()), request.match_info

    async def act(db: AsyncSession) -> None:
        words = form.typed("words")
        await take_mediation_step(
            db, request.app[CLOCK], request[ACTOR], where["mediation_id"], where["step"], words
        )

    answer = await act_on(request, form, where["step"], ("words",), act)
    await call_off(request)
    return answer


async def call_off(request: web.Request) -> None:
    """What was arranged by video does not take place once a party refuses, or it is over."""
    async with request.app[DATABASE].session() as db:
        mediation_id, telling = request.match_info["mediation_id"], telling_of(request)
        ended = await call_off_sittings(db, request.app[CLOCK], mediation_id, telling)
    if ended:
        request.app[MESSENGER].ring()
    for session_id in ended:
        await request.app[REGISTRY].session_moved(session_id)


async def turn(request: web.Request) -> web.StreamResponse:
    """POST {channel}: registered as a case; the query code is shown once there."""
    form, where = Form(await request.post()), request.match_info
    try:
        async with request.app[DATABASE].session() as db:
            petition, code = await turn_into_petition(
                db, request.app[CLOCK], request[ACTOR], where["mediation_id"], form.typed("channel")
            )
    except (Invalid, Conflict) as error:
        _keep(request, "turn", {"channel": form.typed("channel")[:40]}, error)
        return see_other(f"/mediation/{where['mediation_id']}")
    if code:
        keep_once(request, f"query:{petition.id}", code)
    return see_other(f"/cases/{petition.id}")


async def show_agreement(request: web.Request) -> web.StreamResponse:
    now = today(request.app[CLOCK]).isoformat()
    return await _agreement_page(request, Form(initial={"effective_on": now}))


async def agree(request: web.Request) -> web.StreamResponse:
    """POST {facts, dispute, content, performance, due_on, effective_on, spoken}."""
    form, clock, where = Form(await request.post()), request.app[CLOCK], request.match_info
    form.values = {name: form.typed(name)[:6000] for name in AGREEMENT_FIELDS}
    given = {name: form.typed(name) for name in AGREEMENT_FIELDS}
    given["spoken"] = "yes" if form.ticked("spoken") else ""
    try:
        async with request.app[DATABASE].session() as db:
            render = drawing(clock.now, request.app[SETTINGS].faces)
            await conclude_agreement(db, clock, request[ACTOR], where["mediation_id"], given, render)
    except (Invalid, Conflict) as error:
        form.refuse(error, "facts")
        return await _agreement_page(request, form)
    return see_other(f"/mediation/{where['mediation_id']}")


async def as_pdf(request: web.Request) -> web.StreamResponse:
    """The paper to be signed, as it was made."""
    async with request.app[DATABASE].session() as db:
        body = await read_agreement(db, request[ACTOR], request.match_info["mediation_id"])
    return file_of(body, "application/pdf", "mediation-agreement.pdf")


async def act_on(
    request: web.Request, form: Form, name: str, fields: tuple[str, ...], act: Any,
    more: dict[str, str] | None = None,
) -> web.Response:  # fmt: skip
    """Back to the matter; what was refused is told there once, with everything that was typed."""
    try:
        async with request.app[DATABASE].session() as db:
            # Who may not do it is told so before what is wrong with the form.
            mediation = await get_mediation(db, request[ACTOR], request.match_info["mediation_id"])
            require(request[ACTOR], Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
            await act(db)
    except (Invalid, Conflict) as error:
        _keep(request, name, {field: form.typed(field)[:4000] for field in fields} | (more or {}), error)
    return see_other(f"/mediation/{request.match_info['mediation_id']}#{name.partition(':')[0]}")


def _keep(request: web.Request, name: str, typed: dict[str, str], error: Invalid | Conflict) -> None:
    told = {"form": name, "typed": typed, "message": say_error(error.code, error.message)}
    keep_once(request, f"mediation:{request.match_info['mediation_id']}", told)


def _sides() -> list[str]:
    return ["applicant", "respondent", *(f"respondent{number}" for number in range(2, MORE + 2))]


def _parties(form: Form) -> list[NewParty]:
    """The two that there must be, and further ones of the other side where they were named."""
    found = []
    for prefix in _sides():
        side = Side(prefix.rstrip("0123456789"))
        typed = [form.typed(f"{prefix}_{field}") for field in PARTY_FIELDS]
        if prefix in set(Side) or any(each.strip() for each in typed):
            found.append(NewParty(side, *typed))
    return found


async def _new_page(request: web.Request, form: Form) -> web.StreamResponse:
    actor, petition_id = request[ACTOR], form.value("petition")
    async with request.app[DATABASE].session() as db:
        petition = await get_petition(db, actor, petition_id) if petition_id else None
        keepers = await keepers_of(db, actor)
        people = await list_third_parties(db, request.app[CLOCK], actor, list(keepers))
    form.values.setdefault("organisation", next(iter(keepers), ""))
    if petition is not None:
        person = petition.petitioner
        begin = {"subject": petition.subject, "facts": petition.description, "applicant_name": person.name}
        begin |= {"applicant_phone": person.phone or "", "applicant_address": person.address or ""}
        for name, text in begin.items():
            form.values.setdefault(name, text)
    context = {
        "nav": "mediation",
        "form": form,
        "petition": petition,
        "keepers": keepers,
        "mediators": {e.id: f"{e.name}（{e.employer}）" for e in people if e.kind is ThirdPartyKind.MEDIATOR},
        "sides": SIDES,
        "more": [name for name in _sides() if name not in set(Side)],
    }
    wrong = bool(form.errors)
    title = say("错误：登记调解事项") if wrong else say("登记调解事项")
    return page(request, "mediation_new.html", context, title=title, status=422 if wrong else 200)


async def _agreement_page(request: web.Request, form: Form) -> web.StreamResponse:
    actor, mediation_id = request[ACTOR], request.match_info["mediation_id"]
    async with request.app[DATABASE].session() as db:
        mediation = await get_mediation(db, actor, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    if not form.errors:
        TRANSITIONS.after(mediation.state, MediationStep.AGREE)
    form.values.setdefault("facts", mediation.facts)
    row = mediation_row(mediation, None, today(request.app[CLOCK]))
    context = {"nav": "mediation", "mediation": row, "form": form}
    wrong = bool(form.errors)
    title = say("错误：调解协议") if wrong else say("调解协议")
    return page(request, "mediation_agreement.html", context, title=title, status=422 if wrong else 200)
