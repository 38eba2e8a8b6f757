"""Hot topics: which words of a fixed list stand in the subjects of cases, from a least number of cases on.

Only words of topics.json are ever told, never what somebody wrote: no name and no address gets out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.errors import NotFound
from cases.figures.measure import Source, rows_of
from cases.figures.period import Period
from cases.figures.scope import Ground

FEWEST_CASES = 5
FILE = Path(__file__).with_name("topics.json")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic and how many cases' subjects hold one of its words."""

    code: str
    title: str
    cases: int


def read_topics(text: str) -> Mapping[str, tuple[str, ...]]:
    """Title to words. Raises ValueError for a topic without words or a word of one character."""
    found = {str(title): tuple(map(str, words)) for title, words in json.loads(text).items()}
    if not all(words and all(len(word) >= 2 for word in words) for words in found.values()):
        raise ValueError("topics: a topic has no words, or a word is too short to say anything")
    return found


TOPICS = read_topics(FILE.read_text("utf-8"))


def about_topic(title: str) -> ColumnElement[bool]:
    """On PetitionCase. Raises NotFound."""
    if title not in TOPICS:
        raise NotFound("topic_not_found", "没有这个热点。")
    return or_(*(PetitionCase.subject.contains(word, autoescape=True) for word in TOPICS[title]))


async def count_topics(
    db: AsyncSession, condition: ColumnElement[bool], period: Period, today: date, keys: Sequence[Any]
) -> dict[tuple[str, ...], dict[str, int]]:
    """Topics of the cases registered in the period by several keys, none that has no case."""
    labels = [key.label(f"key{place}") for place, key in enumerate(keys)]
    columns = [func.count().filter(about_topic(title)) for title in TOPICS]
    query = rows_of(select(*labels, *columns), Source.REGISTERED, period, today).where(condition)
    found = {}
    for row in (await db.execute(query.group_by(*labels))).all():
        counts = zip(TOPICS, row[len(labels) :], strict=True)
        key = tuple(str(part or "") for part in row[: len(labels)])
        found[key] = {title: count for title, count in counts if count}
    return found


def rank_topics(counts: Mapping[str, int]) -> Sequence[Topic]:
    """The most frequent first; rare ones are left out."""
    found = [Topic(title, title, count) for title, count in counts.items() if count >= FEWEST_CASES]
    return sorted(found, key=lambda each: -each.cases)


async def list_topics(db: AsyncSession, ground: Ground, period: Period, today: date) -> Sequence[Topic]:
    """Topics of the cases registered in the period, counted now."""
    return rank_topics((await count_topics(db, ground.condition(), period, today, ())).get((), {}))
