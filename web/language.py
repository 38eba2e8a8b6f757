"""In which language a page is: Chinese as it is written, or English from gettext catalogues.

The sentences of the sources are the keys. `pages*.po` hold what templates say, `words*.po` the vocabulary
and what Python tells people, `errors*.po` refusals by their stable code, `browser*.po` what modules say; what
follows the domain names a group of pages. Catalogues are read when the program starts; a sentence without a
translation stays Chinese. In words, `{0}` stands for a value that Python has put in already.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import date
from pathlib import Path

from babel.dates import format_date
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent / "locales"
DOMAINS = ("pages", "words", "errors", "browser")
COOKIE = "lianxin_language"
CHINESE, ENGLISH = "zh-CN", "en"
# What the switch of a page leads to, in the words of those who look for it.
OTHERS: Mapping[str, tuple[str, str]] = {CHINESE: (ENGLISH, "English"), ENGLISH: (CHINESE, "中文")}
KEPT = 365 * 24 * 3600  # Seconds.
WORD = re.compile(r"[\u4e00-\u9fff]")
VALUE = re.compile(r"\{\d\}")
PARTS = re.compile(r"(\{\d\})")
# With fewer characters of its own a sentence holds only figures, or what people typed would be taken for one.
FEWEST = 2
FIGURE = r"[\d.:]+"
# A date within a sentence, as cases/clock.py writes it.
DATE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日")
LONGEST = 600  # Characters; longer texts are told by nobody.
_language: ContextVar[str] = ContextVar("language", default=CHINESE)


@functools.cache
def catalogue(domain: str, language: str = ENGLISH) -> dict[str, str]:
    """Sentence → translation, without what is not translated yet. Empty for Chinese."""
    told: dict[str, str] = {}
    if language != CHINESE:
        for path in files_of(domain, language):
            told |= read_catalogue(path)
    return told


@functools.cache
def read_catalogue(path: Path) -> dict[str, str]:
    """Sentence → translation of one file."""
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        found = read_po(file, locale=ENGLISH)
    return {str(each.id): str(each.string) for each in found if each.id and each.string and not each.fuzzy}


def files_of(domain: str, language: str = ENGLISH) -> list[Path]:
    """The catalogues of a domain: `pages.po`, and `pages_desk.po` and so on for groups of pages."""
    return sorted((LOCALES / language).glob(f"{domain}*.po"))


def choose_language(cookie: str | None, accepted: str, follow: bool) -> str:
    """Chinese unless the person chose another; with `follow` English for browsers that want no Chinese."""
    if cookie in OTHERS:
        return str(cookie)
    tongues = {part.split(";")[0].split("-")[0].strip().lower() for part in accepted.split(",")}
    return ENGLISH if follow and "en" in tongues and "zh" not in tongues else CHINESE


def speak(language: str) -> None:
    """From here on this task writes in `language`."""
    _language.set(language if language in OTHERS else CHINESE)


@contextmanager
def in_chinese() -> Iterator[None]:
    """What becomes a record is Chinese, whoever makes it: SMS, signed minutes, packages."""
    before = _language.set(CHINESE)
    try:
        yield
    finally:
        _language.reset(before)


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
    return text if language == CHINESE else _said(text, language)


@functools.lru_cache(maxsize=4096)
def _said(text: str, language: str) -> str:
    known = catalogue("words", language).get(text) or catalogue("pages", language).get(text)
    if known or not WORD.search(text) or len(text) > LONGEST:
        return known or text
    if day := DATE.fullmatch(text):
        with suppress(ValueError):  # What somebody typed need not be a day.
            return english_date(date(*map(int, day.groups())))
    for longest, pattern, told in _patterns(language):
        found = pattern.fullmatch(text) if longest in text else None
        if found:
            values = {f"{{{name[1:]}}}": _said(value, language) for name, value in found.groupdict().items()}
            return "".join(values.get(part, part) for part in PARTS.split(told))
    return text


def english_date(day: date) -> str:
    """`22 July 2026`; in Chinese it is cases/clock.py that writes it."""
    return format_date(day, "d MMMM y", locale=ENGLISH)


@functools.cache
def _patterns(language: str) -> list[tuple[str, re.Pattern[str], str]]:
    """Sentences with values, the ones that say most first; each with its longest part, for a quick look."""
    found = []
    for sentence, told in catalogue("words", language).items():
        parts = VALUE.split(sentence)
        if len(parts) > 1:
            any_value = ".+?" if len(WORD.findall(sentence)) >= FEWEST else FIGURE
            names = [f"(?P<v{name[1:-1]}>{any_value})" for name in VALUE.findall(sentence)]
            pairs = zip(parts, [*names, ""], strict=True)
            source = "".join(f"{re.escape(part)}{name}" for part, name in pairs)
            found.append((max(parts, key=len), re.compile(source, re.S), told))
    return sorted(found, key=lambda each: -len(each[1].pattern))


def say_error(code: str, message: str) -> str:
    """A refusal; one whose sentence holds values is told by its code."""
    told = say(message)
    return told if told != message else catalogue("errors", _language.get()).get(code, message)


def browser_sentences(officials: bool = True) -> Mapping[str, str]:
    """What the modules of a page say, for another language than Chinese, and what live rooms tell them.

    Refusals stand by their code, too. Citizens' pages get the catalogues that are named like their domain.
    """
    language = _language.get()
    if language == CHINESE:
        return {}
    if officials:
        said = catalogue("browser", language) | catalogue("errors", language)
    else:
        folder = LOCALES / language
        said = read_catalogue(folder / "browser.po") | read_catalogue(folder / "errors.po")
    return said | read_catalogue(LOCALES / language / "words_live.po")


def missing(domain: str, messages: Iterable[str], language: str = ENGLISH) -> list[str]:
    """Those that have no translation."""
    known = catalogue(domain, language)
    return sorted({each for each in messages if each not in known})
