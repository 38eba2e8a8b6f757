"""Two texts that grew from one: merged by words, so that nothing anybody typed is lost.

A word is one Chinese character or mark, or a run of letters or of digits. What only one side changed is
taken over (three-way merge as in diff3, Khanna, Kunal and Pierce 2007). Where both changed the same place
both wordings are kept and told apart, `三〔另记：十五〕日内`: run together they would read as a third one.
web/static/js/minutes/merge.js does the same in the page; tests hold them together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# More cells than this are not compared word by word: the middle counts as rewritten. About 30 ms of work.
MOST_CELLS = 160_000
BEGIN, END = "〔", "〕"
ALSO = (BEGIN, "另", "记", "：")
_WORD = re.compile(r"[0-9]+|[A-Za-z\u00c0-\u024f]+|[\s\S]")


@dataclass(frozen=True, slots=True)
class Hunk:
    """Words `since` to `until` (exclusive) of the old text became `words`."""

    since: int
    until: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """The text of both; `overlaps` are the places both had changed: (saved wording, typed wording)."""

    text: str
    overlaps: tuple[tuple[str, str], ...] = ()


def split_words(text: str) -> list[str]:
    """Cut a text into words; joined again they are the text."""
    return _WORD.findall(text)


def compare(old: Sequence[str], new: Sequence[str]) -> list[Hunk]:
    """What must be changed in `old` to get `new`, in order; hunks neither touch nor overlap."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if not middle_old and not middle_new:
        return []
    if len(middle_old) * len(middle_new) > MOST_CELLS or not middle_old or not middle_new:
        return [Hunk(head, len(old) - tail, tuple(middle_new))]
    return [
        Hunk(head + a, head + b, tuple(middle_new[c:d])) for a, b, c, d in _differing(middle_old, middle_new)
    ]


def merge(base: str, saved: str, typed: str) -> Merged:
    """Bring `saved` and `typed`, which both grew from `base`, together."""
    if typed in (base, saved):
        return Merged(saved)
    if saved == base:
        return Merged(typed)
    words = split_words(base)
    ours, theirs = compare(words, split_words(saved)), compare(words, split_words(typed))
    result: list[str] = []
    overlaps = []
    at = 0
    for since, until, a, b in _together(ours, theirs):
        result += words[at:since]
        one, two = _rewritten(words, since, until, a), _rewritten(words, since, until, b)
        if not a or not b or one == two:
            result += two if b else one
        else:
            overlaps.append(("".join(one), "".join(two)))
            result += _both(one, two)
        at = until
    result += words[at:]
    return Merged("".join(result), tuple(overlaps))


def _differing(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Stretches without a common word, by the longest common subsequence."""
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in range(len(old) - 1, -1, -1):
        row, below = longest[i], longest[i + 1]
        for j in range(len(new) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if old[i] == new[j] else max(below[j], row[j + 1])
    i = j = since_old = since_new = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            if i > since_old or j > since_new:
                yield since_old, i, since_new, j
            i, j = i + 1, j + 1
            since_old, since_new = i, j
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    if since_old < len(old) or since_new < len(new):
        yield since_old, len(old), since_new, len(new)


def _together(
    ours: Sequence[Hunk], theirs: Sequence[Hunk]
) -> Iterator[tuple[int, int, list[Hunk], list[Hunk]]]:
    """Group hunks of both sides that change the same words, or add at the same place."""
    left, right = list(ours), list(theirs)
    while left or right:
        first = min([*left[:1], *right[:1]], key=lambda hunk: (hunk.since, hunk.until))
        since, until = first.since, first.until
        a: list[Hunk] = []
        b: list[Hunk] = []
        if left and left[0] is first:
            a.append(left.pop(0))
        else:
            b.append(right.pop(0))
        grown = True
        while grown:
            grown = False
            for waiting, taken in ((left, a), (right, b)):
                if waiting and _meets(waiting[0], since, until):
                    until, grown = max(until, waiting[0].until), True
                    taken.append(waiting.pop(0))
        yield since, until, a, b


def _meets(hunk: Hunk, since: int, until: int) -> bool:
    """Does it begin inside the group? So does an addition at the very place of another addition."""
    return hunk.since < until or hunk.since == hunk.until == since == until


def _rewritten(words: Sequence[str], since: int, until: int, hunks: Sequence[Hunk]) -> list[str]:
    result: list[str] = []
    for hunk in hunks:
        result += words[since : hunk.since]
        result += hunk.words
        since = hunk.until
    return result + list(words[since:until])


def _both(saved: list[str], typed: list[str]) -> list[str]:
    """Both wordings, or the longer one where it holds every word of the other in the same order.

    What is written on at a place that was already told apart stays on its side.
    """
    if _holds(saved, typed):
        return saved
    if _holds(typed, saved):
        return typed
    if saved[0] in (BEGIN, END):
        return typed + saved
    if typed[0] in (BEGIN, END):
        return saved + typed
    return [*saved, *ALSO, *typed, END]


def _holds(whole: Sequence[str], piece: Sequence[str]) -> bool:
    rest = iter(whole)
    return all(word in rest for word in piece)
