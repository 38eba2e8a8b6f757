"""Holidays by year: the State Council's yearly arrangement as an administrator enters it; regions' own days.

An edition is never changed: a correction is the next version. What runs is counted again when one is entered,
so that a last day that has become a holiday moves, and a clock that was met keeps its date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.deadlines.in_force import CalendarInForce, LocalRest, calendar_of, hold_calendar
from cases.deadlines.workdays import HolidayYear, read_holiday_year
from cases.errors import Conflict, Invalid
from cases.fields import clean, clean_subject, clean_text
from cases.handling.clocks import PetitionClock, date_clock, today
from cases.policy import Action, Actor, Scope, require
from cases.register.due import index_due_dates

PUBLISHED = 11  # The arrangement of the next year comes out in this month at the latest.
SPAN = re.compile(r"(\d\d-\d\d)(?:\s*(?:至|到|~|—|–)\s*(\d\d-\d\d))?")
BATCH = 500


@append_only
class HolidayEdition(Base):
    """One version of one year; `region_code` empty: the whole country. `content`: `rest` and `work`."""

    __tablename__ = "holiday_editions"
    __table_args__ = (UniqueConstraint("year", "region_code", "version"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    year: Mapped[int]
    region_code: Mapped[str] = mapped_column(String(12), default="")
    version: Mapped[int]
    source: Mapped[str] = mapped_column(String(400))
    content: Mapped[dict[str, Any]]
    made_at: Mapped[datetime]
    official_name: Mapped[str] = mapped_column(String(256))


@dataclass(frozen=True, slots=True)
class TypedEdition:
    """Command: a year as it was typed. `rest`: a line for each festival; `work`: days worked instead."""

    year: str
    source: str
    rest: str
    work: str = ""
    region_code: str = ""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an edition does: its days off and days worked, and how many running clocks it moves."""

    edition: HolidayYear
    moved: int
    running: int


@atomic
async def add_edition(db: AsyncSession, clock: Clock, actor: Actor, typed: TypedEdition, seen: int) -> Effect:
    """Enter an edition, count what runs again, and commit. `seen`: the version that the page showed, or 0.

    Raises Invalid at `year`, `source`, `rest`, `work`, `region_code`; Conflict `holidays_moved`.
    """
    _ask(actor, typed.region_code)
    edition, content = read_typed(typed, clock)
    newest = select(func.max(HolidayEdition.version)).where(
        HolidayEdition.year == edition.year, HolidayEdition.region_code == typed.region_code
    )
    if (await db.scalar(newest) or 0) != seen:
        raise _moved()
    row = HolidayEdition(
        id=new_id(), year=edition.year, region_code=typed.region_code, version=seen + 1,
        source=edition.source, content=content, made_at=clock.now(), official_name=actor.name,
    )  # fmt: skip
    before = _described(edition.year, typed.region_code)
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise _moved() from error
    calendar = _in_force(await _rows(db))
    moved, running = await _count_again(db, edition.year, calendar)
    detail = {
        "region_code": row.region_code, "version": row.version, "moved": moved,
        "before": before, "after": {"year": row.year, "source": row.source, **content},
    }  # fmt: skip
    await add_audit(db, clock, actor, "holidays.added", "holidays", row.id, detail=detail)
    await db.commit()
    hold_calendar(calendar)
    return Effect(edition, moved, running)


async def preview_edition(db: AsyncSession, clock: Clock, actor: Actor, typed: TypedEdition) -> Effect:
    """What would become of it; nothing is kept. Raises as `add_edition`."""
    _ask(actor, typed.region_code)
    edition, content = read_typed(typed, clock)
    draft = HolidayEdition(
        year=edition.year, region_code=typed.region_code, source=edition.source, content=content
    )
    try:
        calendar = _in_force([*await _rows(db), draft])
        moved, running = await _count_again(db, edition.year, calendar)
    finally:
        await db.rollback()
    return Effect(edition, moved, running)


async def load_holidays(db: AsyncSession) -> None:
    """Hold in this process what was entered."""
    hold_calendar(_in_force(await _rows(db)))


async def list_editions(db: AsyncSession, actor: Actor) -> Sequence[HolidayEdition]:
    """All versions, the newest year and version first."""
    require(actor, Action.CONFIGURE)
    order = (HolidayEdition.year.desc(), HolidayEdition.region_code, HolidayEdition.version.desc())
    return (await db.scalars(select(HolidayEdition).order_by(*order))).all()


def missing_years(clock: Clock) -> list[int]:
    """Years that deadlines already reach and nobody has entered: this one, and the next from November on."""
    now = today(clock)
    wanted = [now.year, now.year + 1] if now.month >= PUBLISHED else [now.year]
    return [year for year in wanted if year not in calendar_of().years]


def read_typed(typed: TypedEdition, clock: Clock) -> tuple[HolidayYear, dict[str, Any]]:
    """An edition from what was typed, and how it is kept. Raises Invalid at the field."""
    year = clean(typed.year)
    now = today(clock).year
    if not (year.isascii() and year.isdigit() and now - 1 <= int(year[:5]) <= now + 2):
        raise Invalid("bad_year", f"年份应当在 {now - 1} 到 {now + 2} 之间。", "year")
    source = clean_subject(typed.source, "source", "文件名称和文号")
    content: dict[str, Any] = {"rest": dict(_rest(typed.rest)), "work": list(_work(typed.work))}
    if not content["rest"]:
        raise Invalid("required", "请填写放假的日子，每个节日一行。", "rest")
    if typed.region_code and content["work"]:
        raise Invalid("local_work", "地方的放假日子不调休。", "work")
    try:
        return read_holiday_year(int(year), {"source": source, **content}), content
    except ValueError as error:
        raise Invalid("bad_holidays", f"{error}。", "rest") from error


def _rest(typed: str) -> Iterator[tuple[str, list[Any]]]:
    for line in clean_text(typed, "rest", "放假的日子", 2000).split("\n"):
        if not line.strip():
            continue
        name, _, days = line.strip().partition(" ")
        spans = [[first, last] if last else first for first, last in SPAN.findall(days)]
        if not spans or re.sub(r"[\s、，,;；]", "", SPAN.sub("", days)):
            raise Invalid("bad_holiday_line", f"看不懂这一行：{line[:40]}", "rest")
        yield name, spans


def _work(typed: str) -> Iterator[str]:
    text = clean_text(typed, "work", "调休上班的日子", 500)
    days = re.findall(r"\d\d-\d\d", text)
    if re.sub(r"[\s、，,;；]|\d\d-\d\d", "", text):
        raise Invalid("bad_holiday_line", f"看不懂这一行：{text[:40]}", "work")
    yield from days


def _ask(actor: Actor, region_code: str) -> None:
    require(actor, Action.CONFIGURE)
    if region_code:
        require(actor, Action.CONFIGURE, Scope(region_codes=frozenset({region_code})))


def _moved() -> Conflict:
    return Conflict("holidays_moved", "别人刚刚录入了这一年的新版本，请刷新页面再看。")


def _described(year: int, region_code: str) -> Mapping[str, Any]:
    edition = calendar_of(region_code).years.get(year)
    if edition is None:
        return {}
    return {"source": edition.source, "rest": len(edition.rest), "work": len(edition.work)}


async def _rows(db: AsyncSession) -> list[HolidayEdition]:
    return list((await db.scalars(select(HolidayEdition).order_by(HolidayEdition.version))).all())


def _in_force(rows: Sequence[HolidayEdition]) -> CalendarInForce:
    newest = {(row.region_code, row.year): row for row in rows}
    national, local = [], []
    for (region_code, year), row in newest.items():
        edition = read_holiday_year(year, {"source": row.source, **row.content})
        if region_code:
            local.append(LocalRest(region_code, edition.rest))
        else:
            national.append(edition)
    return CalendarInForce(national, local)


async def _count_again(db: AsyncSession, year: int, calendar: CalendarInForce) -> tuple[int, int]:
    """Running clocks that reach into a year get the dates that hold now; how many moved, of how many."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    moved = running = 0
    after = ""
    while True:
        query = select(PetitionClock).where(
            PetitionClock.id > after, PetitionClock.met_on.is_(None),
            PetitionClock.start_on <= last, PetitionClock.rolled_on >= first,
        )  # fmt: skip
        rows = (await db.scalars(query.order_by(PetitionClock.id).limit(BATCH))).all()
        if not rows:
            return moved, running
        after, running = rows[-1].id, running + len(rows)
        changed = [row for row in rows if date_clock(row, calendar.of(row.region_code or ""))]
        moved += len(changed)
        await db.flush()
        for petition_id in sorted({row.petition_id for row in changed}):
            await index_due_dates(db, await db.get_one(PetitionCase, petition_id))
