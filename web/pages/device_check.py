"""C6 on a page of its own: devices and line before the slot, and what to do when they fail.

Answers are the person's, the line is scored by the server (signaling/line_test.py); the page names the test.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid, NotFound, RuleError
from cases.vocabulary import citizen_words
from scheduling.arrival.device_check import (
    TROUBLE_WORDS,
    Answer,
    DeviceCheck,
    Occasion,
    keep_device_check,
    list_checks,
    read_answers,
)
from scheduling.arrival.line_score import LINE_WORDS
from scheduling.arrival.visiting_place import places_near
from scheduling.links import open_early
from scheduling.requests.call_back import state_of, steps_of
from scheduling.requests.citizen_requests import Asked, ask, find_request
from signaling.relays import AFTERWARDS
from web.boot import check_boot
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.check_access import find_checker, set_check_cookie
from web.http.errors import rule_response, trouble
from web.keys import CLOCK, DATABASE, LIMITS, REGISTRY
from web.pages.signin import see_other
from web.rendering import page
from web.views.device_kind import device_kind
from web.views.link_pages import SECRET_LENGTH, Holder, code_of, find_holder, nobody, problem_page
from web.words import masked_phone

RELAY_GOOD_FOR = timedelta(minutes=5)
SDP_CEILING = 48 * 1024


async def begin(request: web.Request) -> web.StreamResponse:
    """POST {secret}: lets this device check itself, also days before; binds nothing."""
    if not request.app[LIMITS].allow("look", client_address(request)):
        RATE_LIMITED.labels("look").inc()
        return trouble(request, 429)
    secret = (await _posted(request)).get("secret")
    async with request.app[DATABASE].session() as db:
        try:
            whole = isinstance(secret, str) and 0 < len(secret) <= SECRET_LENGTH
            invitation = await open_early(
                db, request.app[CLOCK], code_of(request), str(secret) if whole else ""
            )
        except RuleError as error:
            return web.json_response({"error": {"code": error.code, "message": error.message}}, status=403)
    response = web.json_response({"next": f"/j/{invitation.code}/check"})
    set_check_cookie(request, response, invitation)
    return response


async def show(request: web.Request) -> web.StreamResponse:
    """The questions, one after the other, in one document: the camera stays open between them."""
    async with request.app[DATABASE].session() as db:
        found = await find_checker(db, request)
    if found is None:
        return problem_page(request)
    context = nobody(request) | {"boot": check_boot(code_of(request))}
    return page(request, "citizen/device_check.html", context, title="设备检测")


async def begin_line(request: web.Request) -> web.StreamResponse:
    """POST {}: {test, relays} for one test of the line."""
    found = await _checker(request)
    registry, now = request.app[REGISTRY], request.app[CLOCK].now()
    test = await registry.line_tests.begin(found[1].id)
    relays = registry.relays.grant(test.id, now - AFTERWARDS + RELAY_GOOD_FOR, now)
    return web.json_response({"test": test.id, "relays": [vars(relay) for relay in relays]})


async def beat_line(request: web.Request) -> web.StreamResponse:
    """POST {beat, sdp?, lines?, answer?, relayed?}: one message of a test; see `LineTests.beat`."""
    found, body = await _checker(request), await _posted(request)
    answer, lines = body.get("answer"), body.get("lines")
    taken = None
    if isinstance(answer, dict) and isinstance(answer.get("offer_id"), int):
        taken = (answer["offer_id"], _sdp(answer.get("sdp")))
    told = await request.app[REGISTRY].line_tests.beat(
        request.match_info["test"],
        found[1].id,
        str(body.get("beat", ""))[:64],
        _sdp(body.get("sdp")),
        taken,
        body.get("relayed") is True,
        _lines(lines),
    )
    return web.json_response(told)


async def answers(request: web.Request) -> web.StreamResponse:
    """POST {picture, voice, sound, trouble?, test?}: keep the check; its page says what follows."""
    found, body = await _checker(request), await _posted(request)
    checked = replace(read_answers(body), device=device_kind(request.headers.get("User-Agent", "")))
    if isinstance(named := body.get("test"), str):
        try:
            test = request.app[REGISTRY].line_tests.find(named, found[1].id)
            checked = replace(checked, line=test.score, figures=test.figures)
        except NotFound:
            pass  # Measured too long ago: the answers count, the line is unmeasured.
    async with request.app[DATABASE].session() as db:
        try:
            row = await keep_device_check(db, request.app[CLOCK], found[0], Occasion.BEFORE, checked)
        except Conflict as error:
            return rule_response(request, error)
    return web.json_response({"verdict": str(row.verdict), "next": f"/j/{code_of(request)}/check/result"})


async def result(request: web.Request) -> web.StreamResponse:
    """What came out, and every way that is open from here."""
    return await _result_page(request)


async def call_me(request: web.Request) -> web.StreamResponse:
    """One tap: an official calls back."""
    found = await _checker(request)
    async with request.app[DATABASE].session() as db:
        await ask(db, request.app[CLOCK], found[0], Asked.CALL_BACK)
    return see_other(f"/j/{code_of(request)}/check/result#call")


async def _result_page(request: web.Request) -> web.Response:
    async with request.app[DATABASE].session() as db:
        found = await find_checker(db, request)
        if found is None:
            return problem_page(request)
        _, invitation, session = found
        checks = await list_checks(db, invitation.id)
        context = nobody(request) | {
            "check": _check(checks[0]) if checks else None,
            "call": await call_of(db, invitation.id),
            "phone": masked_phone(invitation.person.phone if invitation.person else None),
            "callable": bool(invitation.person and invitation.person.phone),
            "places": await places_near(db, session),
            # Who only checks has to open the link itself when it is time.
            "enter": await find_holder(db, request) is not None,
        }
    return page(request, "citizen/check_result.html", context, title="检测结果")


async def call_of(db: AsyncSession, invitation_id: str) -> dict[str, Any] | None:
    """How the newest call-back stands, for the person who asked for it."""
    made = await find_request(db, invitation_id, Asked.CALL_BACK)
    if made is None:
        return None
    steps = (await steps_of(db, [made.id])).get(made.id, [])
    state = str(state_of(steps))
    return {"state": state, "words": citizen_words("call", state)}


def _check(row: DeviceCheck) -> dict[str, Any]:
    items = (("画面", row.picture), ("麦克风", row.voice), ("声音", row.sound))
    said = {Answer.GOOD: "正常", Answer.BAD: "有问题", Answer.NONE: "没有试成"}
    return {
        "verdict": str(row.verdict),
        "title": citizen_words("device", str(row.verdict)),
        "items": [(name, answer is Answer.GOOD, said[answer]) for name, answer in items],
        "trouble": TROUBLE_WORDS[row.trouble] if row.trouble else "",
        "line": str(row.line),
        "line_words": LINE_WORDS[row.line],
    }


async def _checker(request: web.Request) -> Holder:
    async with request.app[DATABASE].session() as db:
        found = await find_checker(db, request)
    if found is None:
        raise RuleError("link_invalid", "链接已失效，请从短信里重新打开。")
    return found


def _sdp(given: object) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > SDP_CEILING:
        raise Invalid("bad_sdp", "浏览器的音视频协商内容不被接受", "sdp")
    return given


def _lines(given: object) -> dict[str, Any]:
    """m-line to source, of a page that sends one picture and one sound."""
    known = ("microphone", "camera")
    if not isinstance(given, dict) or len(given) > len(known):
        return {}
    return {str(mid)[:16]: source for mid, source in given.items() if source in known}


async def _posted(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
