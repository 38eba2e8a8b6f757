"""In which language a page is: Chinese as it is written, or English from gettext catalogues.

The sentences of the sources are the keys. `pages.po` holds what templates say, `words.po` the vocabulary and
what Python tells people (looked up whole), `errors.po` refusals by their stable code, `browser.po` what
modules say. Catalogues are read when the program starts; a sentence without a translation stays Chinese.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from pathlib import Path

from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"
DOMAINS = ("pages", "words", "errors", "browser")
COOKIE = "lianxin_language"
CHINESE, ENGLISH = "zh-CN", "en"
# What the switch of a page leads to, in the words of those who look for it.
OTHERS: Mapping[str, tuple[str, str]] = {CHINESE: (ENGLISH, "English"), ENGLISH: (CHINESE, "中文")}
KEPT = 365 * 24 * 3600  # Seconds.
_language: ContextVar[str] = ContextVar("language", default=CHINESE)


@functools.cache
def catalogue(domain: str, language: str = ENGLISH) -> Mapping[str, str]:
    """Sentence → translation, without what is not translated yet. Empty for Chinese."""
    path = LOCALES / language / f"{domain}.po"
    if language == CHINESE or not path.is_file():
        return {}
    with path.open("rb") as file:
        found = read_po(file, locale=language)
    return {str(each.id): str(each.string) for each in found if each.id and each.string and not each.fuzzy}


def choose_language(cookie: str | None, accepted: str, follow: bool) -> str:
    """Chinese unless the person chose another; with `follow` English for browsers that want no Chinese."""
    if cookie in OTHERS:
        return str(cookie)
    tongues = {part.split(";")[0].split("-")[0].strip().lower() for part in accepted.split(",")}
    return ENGLISH if follow and "en" in tongues and "zh" not in tongues else CHINESE


def speak(language: str) -> None:
    """From here on this task writes in `language`."""
    _language.set(language if language in OTHERS else CHINESE)


def current_language() -> str:
    """The language of this task."""
    return _language.get()


def gettext(message: str) -> str:
    """A sentence of a template."""
    return catalogue("pages", _language.get()).get(message, message)


def ngettext(one: str, many: str, count: int) -> str:
    """Chinese has one form; sentences with numbers are written so that one is enough."""
    return gettext(one if count == 1 else many)


def say(text: str) -> str:
    """A word of the vocabulary or a whole sentence told by Python, if it is one that is known."""
    language = _language.get()
    if language == CHINESE:
        return text
    return catalogue("words", language).get(text) or catalogue("pages", language).get(text, text)


def say_error(code: str, message: str) -> str:
    """A refusal; one whose sentence holds values is told by its code."""
    told = say(message)
    return told if told != message else catalogue("errors", _language.get()).get(code, message)


def browser_sentences() -> Mapping[str, str]:
    """What the modules of a page say, for another language than Chinese."""
    return catalogue("browser", _language.get())


def missing(domain: str, messages: Iterable[str], language: str = ENGLISH) -> list[str]:
    """Those that have no translation."""
    known = catalogue(domain, language)
    return sorted({each for each in messages if each not in known})
