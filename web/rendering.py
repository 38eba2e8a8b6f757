"""Templates to pages: one Jinja environment, the helpers every template may use, and `page()`."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from cases.organisations import TIER_NAMES
from cases.policy import Actor
from cases.roles import ROLE_NAMES
from cases.vocabulary import for_browsers
from web import words
from web.http.access import form_token, keep_form_cookie, terminal_of
from web.keys import ACTOR, RENDERER, REQUEST_ID, SETTINGS, STATIC
from web.language import CHINESE, ENGLISH, OTHERS, browser_sentences, current_language, gettext, ngettext, say
from web.marking import Marked
from web.navigation import MOST_IN_ROW, groups_of, places_of
from web.qr import qr_svg

logger = logging.getLogger(__name__)
# Where the second part of a page in two goes; no text of a page can be this, as templates escape.
REST = "<!--rest-->"
TEMPLATES = Path(__file__).parent / "templates"
ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def json_script(value: Any, element_id: str = "boot") -> Markup:
    """A data block for a module to read; the characters that could end the element are escaped."""
    text = json.dumps(value, ensure_ascii=False, default=str).translate(ESCAPES)
    return Markup(f'<script type="application/json" id="{element_id}">{text}</script>')  # noqa: S704


def vocabulary_script() -> Markup:
    """The words of states for the modules of a live page (static/js/words.js)."""
    return json_script(for_browsers(say), "vocabulary")


def sentences_script(*, officials: bool = True) -> Markup:
    """What modules say in another language than Chinese (static/js/translate.js); nothing for Chinese."""
    told = browser_sentences(officials)
    return json_script(dict(told), "sentences") if told else Markup()


def listed(values: Iterable[str]) -> str:
    """Words and names in a row, as the language writes it."""
    return (", " if current_language() != CHINESE else "、").join(say(each) for each in values)


@pass_context
def _told(context: Context, sentence: str, /, **values: Any) -> Markup:
    """A marked sentence with its values, of which known words are in the page's language, too."""
    said = {name: _in_language(context, value) for name, value in values.items()}
    return Markup(gettext(sentence)) % said  # noqa: S704 - catalogues hold no markup, values are escaped.


@pass_context
def _in_language(context: Context, value: Any) -> Any:
    """A value that is a known word is shown in the page's language; `|verbatim` keeps evidence as it is."""
    return say(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _environment(root: Path, language: str) -> Environment:
    """One for each folder, kind of language and process, so that no template is compiled twice.

    Autoescape on; an unknown variable is an error and not an empty string. Chinese pages are the templates as
    they are written: nothing is marked in them, and no text or value is looked up.
    """
    chinese = language == CHINESE
    environment = Environment(
        extensions=["jinja2.ext.i18n"] if chinese else ["jinja2.ext.i18n", Marked],
        finalize=None if chinese else _in_language,
        loader=FileSystemLoader(root),
        auto_reload=False,
        cache_size=-1,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in (
            [
                "clock_time",
                "clock_seconds",
                "clock_on",
                "dated_time",
                "long_date",
                "spoken_time",
                "date_time",
                "plain_date",
                "day_of_year",
                "month_words",
                "duration",
                "size",
                "event_word",
                "masked_phone",
                "office_words",
            ]
        )
    }
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {"json_script": json_script, "verbatim": escape, "listed": listed}
    environment.globals["gettext"] = _told
    environment.globals["sentences"] = sentences_script
    environment.globals |= {
        "json_script": json_script,
        "vocabulary": vocabulary_script,
        "words": words,
        "qr_svg": qr_svg,
    }
    return environment


class Renderer:
    """The templates of one folder, rendered in the language of the task."""

    def __init__(self, root: Path = TEMPLATES) -> None:
        self._root = root

    def render(self, template: str, context: dict[str, Any]) -> str:
        environment = _environment(self._root, CHINESE if current_language() == CHINESE else ENGLISH)
        return environment.get_template(template).render(context)


def page(
    request: web.Request,
    template: str,
    context: dict[str, Any] | None = None,
    *,
    title: str,
    status: int = 200,
) -> web.Response:
    """Render `template` with what every page gets: title, actor, tokens, static(), help."""
    text = part(request, template, context, title=title)
    return web.Response(text=text, content_type="text/html", charset="utf-8", status=status)


async def page_in_two(
    request: web.Request,
    template: str,
    context: dict[str, Any],
    rest: Callable[[], Awaitable[str]],
    *,
    title: str,
) -> web.StreamResponse:
    """As `page`, sent up to the place where `template` writes `{{ rest }}` before `rest` is even begun.

    Who may see it has to be settled before: the status is on its way. If `rest` fails, the page says so.
    """
    text = part(request, template, context | {"rest": Markup(REST)}, title=title)
    beginning, _, end = text.partition(REST)
    response = web.StreamResponse(headers={"Content-Type": "text/html; charset=utf-8"})
    keep_form_cookie(request, response)
    await response.prepare(request)
    if request.method == "HEAD":
        return response
    await response.write(beginning.encode())
    try:
        middle = await rest()
    except Exception:  # noqa: BLE001 - a bug: logged with its trace, told without.
        logger.exception("The rest of request %s failed", request[REQUEST_ID])
        middle = part(request, "rest_failed.html", title=title)
    await response.write((middle + end).encode())
    await response.write_eof()
    return response


def part(
    request: web.Request, template: str, context: dict[str, Any] | None = None, *, title: str = ""
) -> str:
    """A template with what every page gets, as text: a page, or a piece of one."""
    settings = request.app[SETTINGS]
    places = [(name, href, _heading(words)) for name, href, words in places_of(request.get(ACTOR))]
    given: dict[str, Any] = {
        "page_title": _heading(title),
        "static": request.app[STATIC].url,
        "modules": request.app[STATIC].modules,
        "actor": request.get(ACTOR),
        "reader_office": _office(request.get(ACTOR)),
        "csrf_token": form_token(request),
        "path": request.path,
        "request_id": request.get(REQUEST_ID, ""),
        "help_phone": settings.web.help_phone,
        "demo": settings.demo,
        "terminal": terminal_of(request),
        "terminal_idle": settings.reception.terminal_idle_seconds,
        "places": places,
        "place_groups": [(say(title), group) for title, group in groups_of(places)],
        "most_in_row": MOST_IN_ROW,
        "nav": "",
        "language": current_language(),
        "other_language": OTHERS[current_language()],
        "boot": None,
    }
    return request.app[RENDERER].render(template, given | (context or {}))


def _heading(text: str) -> str:
    """What a page is called, as the page itself says it; the vocabulary may say the same of an event."""
    told = gettext(text)
    return told if told != text else say(text)


def _office(actor: Actor | None) -> str:
    """`区县级 · 接访员` of the first post, for the bar."""
    if actor is None or not actor.posts:
        return ""
    post = actor.posts[0]
    return f"{say(TIER_NAMES[post.tier])} · {say(ROLE_NAMES[post.role])}"
