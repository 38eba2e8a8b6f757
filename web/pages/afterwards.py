"""C11 to C13: rating, receipt and progress. Open from the personal link until 30 days after the end."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.documents.delivering import confirm_receipt
from cases.errors import Conflict, Invalid, NotFound
from cases.mediation.agreement import list_own_agreements
from cases.petition_rating import RatePetition, rate_petition
from cases.petitions import find_by_query_code
from recordings.recording import Recording
from scheduling.afterwards.ratings import (
    QUESTIONS,
    RATEABLE,
    RATERS,
    SCORES,
    Question,
    answered,
    rate,
)
from scheduling.arrival.coming import coming_reception
from scheduling.requests.citizen_requests import Asked, RequestState, ask, find_request
from scheduling.requests.review_requests import AskReview, appeal_of, request_review
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.back import shown_again
from web.http.errors import trouble
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE, LIMITS, RATING_SUMS, SETTINGS
from web.language import say, say_error
from web.pages import own_documents
from web.pages.signin import see_other
from web.rendering import page
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of
from web.views.documents import documents_of_petitioner
from web.views.link_pages import Holder, code_of, context_of, find_holder, next_page, problem_page
from web.views.petition_rating import rating_of
from web.views.progress import progress_of
from web.views.slot_proposals import times_of_petitioner
from web.words import date_time

WRONG_CODE = "编号或查询码不对，请核对。忘记了请打电话。"
ORDER = tuple(Question)
CHOICES = {str(score): words for score, words in SCORES.items()}


async def start_rating(request: web.Request) -> web.StreamResponse:
    """To the first question that is not answered yet, or to the receipt."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        return see_other(await _after(db, found))


async def show_question(request: web.Request) -> web.StreamResponse:
    return await _question(request, Form(), False)


async def answer_question(request: web.Request) -> web.StreamResponse:
    return await _question(request, Form(await request.post()), True)


async def _question(request: web.Request, form: Form, posted: bool) -> web.StreamResponse:
    asked = request.match_info["question"]
    if asked not in QUESTIONS:
        raise web.HTTPNotFound
    question, done = Question(asked), False
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if found[2].state not in RATEABLE or found[1].role not in RATERS:
            return see_other(next_page(request, found[1], found[2]))
        done = question in await answered(db, found[1].id)
        if posted and not done:
            done = await _rate(db, request, found, question, form)
            if not form.errors and not done:
                return see_other(await _after(db, found))
        context = await context_of(db, request, found)
        unit = found[2].case.custodian.name if question is Question.OUTCOME else found[2].host.name
    context |= {
        "form": form,
        "question": QUESTIONS[question],
        "about": unit,
        "choices": CHOICES,
        "done": done,
        "place": ORDER.index(question) + 1,
        "count": len(ORDER),
    }
    status, title = (422, "错误：评价") if form.errors else (200, "评价")
    return page(request, "citizen/rating.html", context, title=title, status=status)


async def _rate(
    db: AsyncSession, request: web.Request, found: Holder, question: Question, form: Form
) -> bool:
    """Note the answer; True when it had been given before (the same form sent twice)."""
    refused = form.typed("decision") == "refuse"
    chosen = "" if refused else form.choice("score", CHOICES, "请选一项，或者点「不评价」。")
    form.values["words"] = form.typed("words")
    if form.errors:
        return False
    try:
        score = None if refused else int(chosen)
        await rate(db, request.app[CLOCK], found[0], question, score, form.typed("words"))
    except Invalid as error:
        form.fail(error.field or "score", say_error(error.code, error.message))
    except Conflict:
        return True
    return False


async def _after(db: AsyncSession, found: Holder) -> str:
    _, invitation, session = found
    base = f"/j/{invitation.code}"
    if session.state in RATEABLE and invitation.role in RATERS:
        given = await answered(db, invitation.id)
        for question in ORDER:
            if question not in given:
                return f"{base}/rate/{question}"
    return f"{base}/receipt"


async def receipt(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if (where := next_page(request, found[1], found[2])) != f"/j/{found[1].code}/receipt":
            return see_other(where)
        context = await context_of(db, request, found)
        if found[2].mediation_id is not None:  # What came of it is the parties' agreement, not an answer.
            return page(request, "citizen/mediation_over.html", context, title="调解已结束")
        context |= await _receipt_of(db, request.app[CLOCK], found)
    return page(request, "citizen/receipt.html", context, title="接访回执")


async def saved_receipt(request: web.Request) -> web.StreamResponse:
    """The receipt as a text file, for whoever wants to keep it."""
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        own = f"/j/{found[1].code}/receipt"
        if found[2].mediation_id is not None or next_page(request, found[1], found[2]) != own:
            return see_other(own)
        told = await _receipt_of(db, request.app[CLOCK], found)
    lines = [
        "视频接访回执",
        f"信访件编号：{told['number']}",
        f"事项：{found[2].title}",
        f"接访时间：{date_time(found[2].opened_at)}",
        f"承办单位：{told['handler']}",
        *([f"最迟答复：{told['deadline']}"] if told["deadline"] else []),
        *(f"录像摘要（SHA-256）：{digest}" for digest in told["digests"]),
        f"咨询电话：{request.app[SETTINGS].web.help_phone}",
    ]
    response = web.Response(text="\ufeff" + "\r\n".join(map(say, lines)) + "\r\n", content_type="text/plain")
    response.headers["Content-Disposition"] = f'attachment; filename="{told["number"]}.txt"'
    return response


async def ask_for_replay(request: web.Request) -> web.StreamResponse:
    async with request.app[DATABASE].session() as db:
        found = await find_holder(db, request)
        if found is None:
            return problem_page(request)
        if found[2].state in RATEABLE:
            await ask(db, request.app[CLOCK], found[0], Asked.REPLAY)
    return see_other(f"/j/{code_of(request)}/receipt")


async def show_progress(request: web.Request) -> web.StreamResponse:
    return progress_page(request, Form())


async def find_progress(request: web.Request) -> web.StreamResponse:
    """Number and query code to the disclosed dates; wrong numbers and wrong codes look alike."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    form = Form(await request.post())
    form.values["number"] = form.typed("number")[:40]
    async with request.app[DATABASE].session() as db:
        return await tell_progress(db, request, form)


async def rate_matter(request: web.Request) -> web.StreamResponse:
    """A rating of the matter, or a change of one; back to the dates, with what was wrong at its form."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    form = Form(await request.post())
    form.values |= {"number": form.typed("number")[:40], "words": form.typed("words")[:2000]}
    names = ("number", "query_code", "rated", "score")
    typed = {name: form.typed(name)[:40] for name in names}
    async with request.app[DATABASE].session() as db:
        try:
            given = RatePetition(**typed, words=form.typed("words"))
            await rate_petition(db, request.app[CLOCK], given)
        except (Invalid, Conflict) as error:
            form.fail(error.field or "score", say_error(error.code, error.message))
        except NotFound:
            form.fail("number", WRONG_CODE)
            return progress_page(request, form)
        return await tell_progress(db, request, form, typed["rated"])


async def ask_review(request: web.Request) -> web.StreamResponse:
    """A review or a recheck is asked for; back to the dates, with what was wrong at its form."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    form = Form(await request.post())
    form.values |= {"number": form.typed("number")[:40], "reason": form.typed("reason")[:4000]}
    number, code, stage, opinion = (
        form.typed(name)[:64] for name in ("number", "query_code", "stage", "opinion")
    )
    async with request.app[DATABASE].session() as db:
        try:
            asked = AskReview(number, code, stage, opinion, form.typed("reason"))
            await request_review(db, request.app[CLOCK], telling_of(request), asked)
            request.app[MESSENGER].ring()
        except (Invalid, Conflict) as error:
            form.fail("reason", say_error(error.code, error.message))
        except NotFound:
            form.fail("number", WRONG_CODE)
            return progress_page(request, form)
        return await tell_progress(db, request, form, asked=stage)


async def tell_progress(
    db: AsyncSession, request: web.Request, form: Form, rated: str = "", confirmed: bool = False,
    asked: str = "", answered: bool = False, conflict: bool = False, booked: str = "",
) -> web.StreamResponse:  # fmt: skip
    """What is disclosed, and what can be asked for or answered now; what was wrong stands at its form."""
    number, code = form.typed("number")[:40], form.typed("query_code")[:40]
    petition = await find_by_query_code(db, number, code)
    if petition is None:
        form.fail("number", WRONG_CODE)
        return progress_page(request, form)
    told = {
        "rating": await rating_of(db, request.app[CLOCK], petition),
        "rated_now": "" if form.errors else rated,
        "wrong": rated if form.errors else "",
        "query_code": code,
        "number": petition.number,
        **await progress_of(db, request.app[CLOCK], petition),
        "documents": await documents_of_petitioner(db, petition),
        "agreements": await list_own_agreements(db, petition.id, petition.petitioner.name),
        "confirmed": confirmed,
        "appeal": await appeal_of(db, request.app[CLOCK], petition),
        "asked": asked,
        "times": await times_of_petitioner(db, request, petition),
        "coming": await coming_reception(db, request.app[CLOCK], petition),
        "subject": "" if petition.confidential else petition.subject,
        "answered": answered,
        "booked_now": booked,
    }
    return progress_page(request, form, told, 409 if conflict else 422)


async def confirm_document(request: web.Request) -> web.StreamResponse:
    """The petitioner has a paper: noted as its delivery, and the dates again."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    form = Form(await request.post())
    form.values["number"] = form.typed("number")[:40]
    async with request.app[DATABASE].session() as db:
        if (petition := await own_documents.petition_of(db, form)) is not None:
            await confirm_receipt(db, request.app[CLOCK], petition, request.match_info["document_id"])
        return await tell_progress(db, request, form, confirmed=True)


async def ratings(request: web.Request) -> web.StreamResponse:
    """Sums for officials; nothing that could be told to be one person's."""
    async with request.app[DATABASE].session() as db:
        sums = await request.app[RATING_SUMS].read(db, request[ACTOR])
    rows = [{"figures": one, "question": QUESTIONS[one.question]} for one in sums.figures]
    context = {"nav": "ratings", "rows": rows, "closed": sums.closed}
    return page(request, "ratings.html", context, title="群众评价")


def progress_page(
    request: web.Request, form: Form, told: dict[str, Any] | None = None, wrong: int = 422
) -> web.Response:
    """The page; `told` None: it asks for number and code. `wrong`: the status when something was wrong."""
    context = {"form": form, "told": told, "organisation_name": "", "code": ""}
    status, title = (wrong, "错误：查询进度") if form.errors else (200, "查询进度")
    response = page(request, "citizen/progress.html", context, title=title, status=status)
    return shown_again(request, response)


async def _receipt_of(db: AsyncSession, clock: Clock, found: Holder) -> dict[str, Any]:
    _, invitation, session = found
    petition = session.case
    recordings = await db.scalars(
        select(Recording).where(Recording.session_id == session.id).order_by(Recording.started_at)
    )
    asked = await find_request(db, invitation.id, Asked.REPLAY)
    rateable = session.state in RATEABLE and invitation.role in RATERS
    return {
        "number": petition.number,
        **await progress_of(db, clock, petition),
        "recorded": session.record,
        "digests": [one.manifest_sha256 for one in recordings if one.manifest_sha256],
        "to_rate": rateable and len(await answered(db, invitation.id)) < len(ORDER),
        "replay": asked,
        "replay_open": asked is not None and asked.state is RequestState.OPEN,
        "replay_granted": asked is not None and asked.state is RequestState.GRANTED,
    }
