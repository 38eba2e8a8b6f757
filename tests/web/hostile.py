"""Values nobody means, forms as a page has them, and what every answer to such a value owes its reader."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from typing import Any

import aiohttp
from yarl import URL

from tests.web.conftest import Browser

# Another share of the values every day; a failure names the seed, which shows it again.
SEED = int(os.environ.get("LIANXIN_HOSTILE_SEED", date.today().toordinal()))  # noqa: DTZ011
# Days and times that do not exist or lie nowhere near, numbers no computer counts with, texts no database
# keeps, marks nobody sees, markup, other people's paths, and whole books.
HOSTILE = {
    "no such day": "2026-02-30",
    "long ago": "1970-01-01",
    "the first day": "0001-01-01",
    "the last day": "9999-12-31",
    "no such minute": "2026-11-25T25:61",
    "no such zone": "2026-11-25T10:00:00+99:99",
    "a zone": "09:30+23:59",
    "midnight": "24:00",
    "a week": "2026-W53-1",
    "negative": "-1",
    "huge": "9" * 5000,
    "too many bits": "9223372036854775808",
    "infinite": "1e400",
    "not a number": "NaN",
    "superscript": "²",
    "other digits": "١٢٣",
    "wide digits": "１２",
    "NUL": "a\0b",
    "half a character": "\ufffe\ud800",
    "turned round": "\u202e\u2066abc\u200f",
    "a family": "👨‍👩‍👧‍👦" * 40,
    "marks": "a" + "\u0301" * 3000,
    "grows when normalised": "\ufb2c" * 128,
    "markup": "<script>alert(1)</script>{{7*7}}%s{0}%(a)s",
    "SQL": "' OR 1=1 --",
    "two lines": "a\r\nX: 1",
    "a path": "../../etc/passwd",
    "nobody's id": "0" * 32,
    "a list": "[1, 2]",
    "a tuple": "1,2",
    "empty": "",
    "blank": " \u3000\t",
    "long": "好" * 2000,
    "a book": "a" * 100_000,
}
# Of an address, which is short.
ASKABLE = {name: value[:600] for name, value in HOSTILE.items()}
# What JSON can hold where a text belongs (RFC 8259).
ODD: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, [], ["a"], [[[]]], {}, {"a": [1]})
CHINESE = re.compile("[\u4e00-\u9fff]{2}")
OURS = re.compile(r"Traceback|[A-Za-z]+Error\b|File \"|系统出了点问题")


def dice(*what: object) -> random.Random:
    """The same for the same seed and the same things."""
    return random.Random(f"{SEED} {what}")


def encoded(fields: Mapping[str, str]) -> bytes:
    """A form as browsers send it, but for half characters, which no browser has."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in fields.items()).encode()


async def opened(browser: Browser, path: str) -> aiohttp.ClientResponse:
    """The address as it is written here: a client would mend it."""
    where = URL(browser.base + path, encoded=True)
    answer = await browser.http.get(where, allow_redirects=False)
    await answer.read()
    return answer


def quoted(text: str) -> str:
    kept = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
    data = text.encode("utf-8", "replace")
    return "".join(chr(byte) if byte in kept else f"%{byte:02X}" for byte in data)


def bent(fields: Mapping[str, str], share: int, *where: object) -> Iterator[tuple[str, dict[str, str]]]:
    """One field at a time: each with `share` of the values, left out and given as a list among them."""
    for name in fields:
        if name == "csrf_token":
            continue
        for what in dice(where, name).sample([*sorted(HOSTILE), "missing", "named as a list"], share):
            if what in HOSTILE:
                yield f"{name}: {what}", {**fields, name: HOSTILE[what]}
            else:
                rest = {each: value for each, value in fields.items() if each != name}
                yield f"{name}: {what}", rest | ({} if what == "missing" else {f"{name}[]": fields[name]})


async def fault(answer: aiohttp.ClientResponse) -> str:
    """Why the answer is not good enough; empty when it is: no failure of ours, and a refusal has words."""
    text = (await answer.read()).decode("utf-8", "replace")
    if answer.status >= 500:
        return f"{answer.status} {text[-200:] if answer.content_type != 'text/html' else ''}"
    if answer.status < 400:
        return ""
    if (found := OURS.search(text)) is not None:
        return f"{answer.status} shows {found[0]!r}"
    if answer.content_type.endswith("json"):
        told = json.loads(text)
        told = told.get("error", told)
        whole = isinstance(told, dict) and told.get("code") and CHINESE.search(str(told))
        return "" if whole else f"{answer.status} without a code or words: {text[:200]}"
    return "" if CHINESE.search(text) else f"{answer.status} without words"


class Forms(HTMLParser):
    """The forms of a page that are posted: address, and each field with what a reader would send."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._fields: dict[str, str] | None = None
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._fields = {} if told.get("method", "").lower() == "post" else None
            if self._fields is not None:
                self.found.append((told.get("action", ""), self._fields))
        if self._fields is None:
            return
        name = told.get("name", "")
        if tag == "option" and self._select and ("selected" in told or not self._fields[self._select]):
            self._fields[self._select] = told.get("value", "")
        elif tag == "select" and name:
            self._select = name
            self._fields.setdefault(name, "")
        elif tag in ("input", "textarea", "button") and name:
            chosen = told.get("type") not in ("radio", "checkbox") or "checked" in told
            if chosen or name not in self._fields:
                self._fields[name] = told.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None
        if tag == "select":
            self._select = ""
