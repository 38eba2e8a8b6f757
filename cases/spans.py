"""Spans of time as functions of SQL, alike on both systems: days, seconds, day in Beijing."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import Date, Integer


class days_between(FunctionElement[int]):  # noqa: N801 - a function of SQL.
    """Whole days from the first date to the second."""

    type = Integer()
    inherit_cache = True


class seconds_between(FunctionElement[int]):  # noqa: N801 - a function of SQL.
    """Whole seconds from the first moment to the second."""

    type = Integer()
    inherit_cache = True


class beijing_day(FunctionElement[date]):  # noqa: N801 - a function of SQL.
    """The civil date of Beijing of a moment; no summer time has been kept there since 1991."""

    type = Date()
    inherit_cache = True


@compiles(days_between, "postgresql")
def _days_postgresql(element: days_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"({last} - {first})"


@compiles(days_between)
def _days_sqlite(element: days_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(julianday({last}) - julianday({first}) AS INTEGER)"


@compiles(seconds_between, "postgresql")
def _seconds_postgresql(element: seconds_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({last} - {first})) AS BIGINT)"


@compiles(seconds_between)
def _seconds_sqlite(element: seconds_between, compiler: Any, **options: Any) -> str:
    first, last = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(ROUND((julianday({last}) - julianday({first})) * 86400) AS INTEGER)"


@compiles(beijing_day, "postgresql")
def _day_postgresql(element: beijing_day, compiler: Any, **options: Any) -> str:
    (moment,) = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST({moment} AT TIME ZONE 'Asia/Shanghai' AS DATE)"


@compiles(beijing_day)
def _day_sqlite(element: beijing_day, compiler: Any, **options: Any) -> str:
    (moment,) = (compiler.process(each, **options) for each in element.clauses)
    return f"DATE({moment}, '+8 hours')"
