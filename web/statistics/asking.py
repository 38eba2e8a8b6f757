"""What an address of the figures asks for: a period and filters, each checked, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

from cases.casefile import Channel, PetitionClass
from cases.errors import Invalid
from cases.figures.period import Period, month_of, parse_period
from cases.figures.scope import Filters

YEARS_BACK = 8
SPANS: Mapping[str, str] = {
    "": "全年", "H1": "上半年", "H2": "下半年",
    "Q1": "一季度", "Q2": "二季度", "Q3": "三季度", "Q4": "四季度",
} | {f"{month:02d}": f"{month} 月" for month in range(1, 13)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about figures; `trouble`: why the period typed was not taken."""

    period: Period
    filters: Filters
    trouble: str = ""

    def query(self, **changes: str) -> str:
        """The same question as an address's query, with other filters or a measure beside it."""
        told = {"period": self.period.code} | _written(self.filters) | changes
        return urlencode({name: value for name, value in told.items() if value})

    @property
    def narrowed(self) -> dict[str, str]:
        """The filters alone, as names and values of an address."""
        return {name: value for name, value in _written(self.filters).items() if value}

    @property
    def year(self) -> str:
        """Of the form."""
        return f"{self.period.first:%Y}"

    @property
    def span(self) -> str:
        """Of the form; `days` for days chosen freely."""
        code = self.period.code
        return "days" if ".." in code else code[5:]


def read_asked(query: Mapping[str, str], today: date) -> Asked:
    """What is asked for; a period that is none becomes this month, with the reason."""
    trouble, period = "", month_of(today)
    written = _period_of(query)
    if written:
        try:
            period = parse_period(written)
        except Invalid as error:
            trouble = error.message
    channel, class_ = query.get("channel", ""), query.get("class", "")
    filters = Filters(
        region=_digits(query.get("region", "")),
        own=query.get("own", "") == "1",
        office_id=_digits(query.get("office", ""), 32),
        unit_id=_digits(query.get("unit", ""), 32),
        channel=Channel(channel) if channel in set(Channel) else None,
        class_=PetitionClass(class_) if class_ in set(PetitionClass) else None,
    )
    return Asked(period, filters, trouble)


def years(today: date, asked: Asked) -> list[str]:
    """For the form, the newest first."""
    near = {f"{today.year - back}" for back in range(YEARS_BACK)}
    return sorted(near | {asked.year}, reverse=True)


def _period_of(query: Mapping[str, str]) -> str:
    first, last = query.get("first", "").strip()[:20], query.get("last", "").strip()[:20]
    span, year = query.get("span", "").strip()[:20], query.get("year", "").strip()[:20]
    if span == "days" or (not year and (first or last)):
        return f"{first}..{last}"
    if year:
        return f"{year}-{span}" if span else year
    return query.get("period", "").strip()[:40]


def _digits(text: str, longest: int = 12) -> str:
    return text if text.isascii() and text.isalnum() and len(text) <= longest else ""


def _written(filters: Filters) -> dict[str, str]:
    return {
        "region": filters.region,
        "own": "1" if filters.own and filters.region else "",
        "office": filters.office_id,
        "unit": filters.unit_id,
        "channel": filters.channel or "",
        "class": filters.class_ or "",
    }
