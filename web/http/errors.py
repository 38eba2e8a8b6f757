"""Trouble as a page in plain words with what to do next, or as JSON for programs; never a stack trace."""

from __future__ import annotations

import logging
from html import escape
from typing import Any
from urllib.parse import quote

from aiohttp import web

from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError, SignInRequired
from cases.policy import ActorKind
from web.keys import ACTOR, REQUEST_ID, SETTINGS
from web.language import current_language, say, say_error
from web.rendering import page

logger = logging.getLogger(__name__)

# Status: (heading, what happened and what to do next, code for programs).
PAGES: dict[int, tuple[str, str, str]] = {
    400: ("请求不完整", "浏览器发来的内容不完整。请返回上一页，再试一次。", "bad_request"),
    403: ("不能这样操作", "您没有做这件事的权限，或者页面已经过期。请返回上一页刷新后再试。", "forbidden"),
    404: ("没有找到这个页面", "地址可能写错了，或者内容不归您的单位查看。请从首页重新进入。", "not_found"),
    405: ("不能这样打开", "这个地址不能用这种方式打开。请从首页重新进入。", "method_not_allowed"),
    409: ("刚刚被别人改动过", "您打开页面之后，这项内容有了变化。请重新打开，看清楚再操作。", "conflict"),
    413: ("内容太长", "提交的内容超过了限度。请缩短后再提交。", "too_large"),
    415: ("格式不支持", "这里不接受这种格式的内容。", "unsupported"),
    416: ("范围不对", "录像没有您要的这一段。请刷新页面重新播放。", "bad_range"),
    422: ("有内容需要修改", "提交的内容有误。请返回上一页修改。", "invalid"),
    429: ("操作太快", "短时间内操作次数太多。请等一分钟再试。", "too_fast"),
    500: ("系统出了点问题", "不是您的问题，我们已经记录。请稍后再试。", "internal"),
    503: ("服务正在恢复", "服务暂时不可用，通常一分钟内会恢复。请稍后刷新页面。", "unavailable"),
}
# The same in the words of who holds a link or reads a public page: no unit, no rights, no colleague.
CITIZEN_ADVICE: dict[int, str] = {
    403: "这一步不能由您操作，或者页面打开得太久，已经过期。请返回上一页，刷新后再试。",
    404: "地址可能写错了，或者这个页面已经不在了。请重新点短信里的链接，或者从首页进入。",
    405: "这个地址不能这样打开。请重新点短信里的链接，或者从首页进入。",
    409: "您打开页面之后，这里的内容有了变化。请重新打开，看清楚再继续。",
    413: "您提交的文字或者文件超过了限度。请写短一些，或者换小一点的照片和文件。",
    415: "这里收不了这种文件。请换成照片或者 PDF。",
    429: "短时间内点的次数太多。请等一分钟再试。",
}
CITIZEN_HEADINGS: dict[int, str] = {409: "内容刚刚有了变化", 413: "内容太大", 429: "请稍等一会儿"}
# Without a style sheet text is small: a page of 300 px, blown up to the width of a telephone, makes it 20 px.
BARE = (
    '<!doctype html><html lang="{0}"><head><meta charset="utf-8"><meta name="viewport" '
    'content="width=300"><title>{1}</title></head>'
    '<body><h1>{1}</h1><p>{2}</p><p>{3}</p><p>{4}</p><p><a href="/">{5}</a></p></body></html>'
)
STATUS_OF: tuple[tuple[type[RuleError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Invalid, 422),
)


def wants_json(request: web.Request) -> bool:
    """Programs say so by what they send or accept; browsers navigating accept HTML."""
    accept = request.headers.get("Accept", "")
    sent_json = request.content_type == "application/json" and request.method not in ("GET", "HEAD")
    return sent_json or ("application/json" in accept and "text/html" not in accept)


def status_of(error: RuleError) -> int:
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 422)


def rule_response(request: web.Request, error: RuleError) -> web.Response:
    """A refused use case: sign-in page, or status and message of the rule."""
    if isinstance(error, SignInRequired):
        return sign_in_redirect(request)
    return trouble(request, status_of(error), code=error.code, message=error.message, field=error.field)


def sign_in_redirect(request: web.Request) -> web.Response:
    if wants_json(request):
        return web.json_response({"error": {"code": "sign_in_required", "message": "请先登录"}}, status=401)
    target = request.path if request.method in ("GET", "HEAD") else ""
    where = f"/signin?next={quote(target)}" if target not in ("", "/") else "/signin"
    return web.Response(status=302, headers={"Location": where, "Cache-Control": "no-store"})


def trouble(
    request: web.Request,
    status: int,
    *,
    code: str | None = None,
    message: str | None = None,
    field: str | None = None,
) -> web.Response:
    heading, advice, default_code = PAGES.get(status, PAGES[500])
    # Who is no official keeps large type, reading aloud and the way to a person.
    actor = request.get(ACTOR)
    official = actor is not None and actor.kind == ActorKind.OFFICIAL and not request.path.startswith("/j/")
    if not official:
        heading, advice = CITIZEN_HEADINGS.get(status, heading), CITIZEN_ADVICE.get(status, advice)
    if wants_json(request):
        body: dict[str, Any] = {
            "code": code or default_code,
            "message": say_error(code, message) if code and message else say(message or advice),
        }
        body |= {"field": field} if field else {}
        return web.json_response({"error": body, "request_id": request.get(REQUEST_ID, "")}, status=status)
    told = say_error(code, message) if code and message else message
    # Whoever is told what it was is not told to guess: "no right, or the page is too old" beside it confuses.
    context = {
        "status": status, "heading": heading, "message": told,
        "advice": "" if told and status in (403, 404) else advice,
        "again": _page_above(request) if status == 409 and request.method == "POST" else "",
    }  # fmt: skip
    template = "error.html" if official else "citizen/error.html"
    try:
        return page(request, template, context, title=heading, status=status)
    except Exception:  # noqa: BLE001 - the last page must never fail in turn.
        logger.exception("The error page failed")
        return bare_page(request, status, heading, advice)


def _page_above(request: web.Request) -> str:
    """The page whose form was sent: the nearest address at or above this one that can be opened, or "".

    To reload what a form answered would send the form again.
    """
    path = request.path
    while path.count("/") > 1:
        for resource in request.app.router.resources():
            info = resource.get_info()
            pattern = info.get("pattern")
            match = pattern.fullmatch(path) if pattern is not None else None
            # A word in the place of an id belongs to a longer address (/rota/rules/{rule_id}/end).
            # A link's code may be letters only.
            named = match is not None and (
                path.startswith("/j/") or not any(value.isalpha() for value in match.groupdict().values())
            )
            if (named or info.get("path") == path) and any(route.method == "GET" for route in resource):
                return path
        path = path.rpartition("/")[0]
    return ""


def bare_page(request: web.Request, status: int, heading: str, advice: str) -> web.Response:
    """Trouble without template and style sheet: legible on a phone, with a way to a person."""
    phone, number = request.app[SETTINGS].web.help_phone, request.get(REQUEST_ID, "")
    help_words = f"仍然不行，请拨打 {phone}，或到就近的接访点现场办理。"
    told = (heading, advice, help_words, f"报修时请说编号 {number}", "回到首页")
    text = BARE.format(current_language(), *(escape(say(each)) for each in told))
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
