"""Terms: what a case, or a recording, is found by; a kind, a colon, and the term itself.

Chinese has no blanks between words, so every pair of neighbouring characters is a term.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice, product

from cases.fields import clean
from cases.organisations import CODE_LENGTHS
from cases.policy import Scope

TERM_LENGTH = 80
# A name whose characters are each read in several ways is found by so many of them.
MOST_READINGS = 8
MOST_INITIALS = 12
_RUN = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Return `text` as it is compared: full width as half width, without case."""
    return unicodedata.normalize("NFKC", clean(text)).casefold()


def terms_of_words(text: str) -> set[str]:
    """Return every pair of neighbouring characters as `w:..`; single characters are no terms."""
    return {f"w:{pair}" for run in _RUN.findall(fold(text)) for pair in _pairs(run)}


def terms_of_name(name: str) -> set[str]:
    """Return pairs and single characters of a name as `p:..`, so that a surname alone finds it."""
    runs = _RUN.findall(fold(name))
    return {f"p:{part}" for run in runs for part in (*run, *_pairs(run))}


def terms_of_initials(name: str) -> set[str]:
    """Return the first letters of a name's readings as `y:..`, whole and from the left: 张三丰 z, zs, zsf.

    Names are read in every way their characters have (单: s, d), up to MOST_READINGS.
    """
    letters = [
        sorted({reading[:1] for reading in readings if reading[:1].isascii() and reading[:1].isalnum()})
        for readings in load_readings()("".join(_RUN.findall(fold(name))))
    ]
    spelled = islice(product(*(each for each in letters[:MOST_INITIALS] if each)), MOST_READINGS)
    return {f"y:{''.join(way[:end])}" for way in spelled for end in range(1, len(way) + 1)}


@cache
def load_readings() -> Callable[[str], list[list[str]]]:
    """Return what tells each way to read each character, without tones.

    Its tables take a third of a second: who serves people loads them at the start, who names nobody never.
    """
    from pypinyin import Style, pinyin

    return partial(pinyin, style=Style.NORMAL, heteronym=True)


def term_of_office(organisation_id: str) -> str:
    """Return the term of an organisation that took part."""
    return f"o:{organisation_id}"


def term_of_region(code: str) -> str:
    """Return the term of everything that concerns a region or a region below it."""
    return f"r:{code}"


def terms_of_scope(scope: Scope) -> set[str]:
    """Return the terms by which the policy finds it: organisations concerned, and every region above them."""
    lengths = sorted(CODE_LENGTHS.values())
    regions = {code[:length] for code in scope.region_codes for length in lengths if length <= len(code)}
    return {term_of_region(code) for code in regions} | {
        term_of_office(each) for each in scope.organisation_ids
    }


def _pairs(run: str) -> Iterator[str]:
    return (run[place : place + 2] for place in range(len(run) - 1))
