"""Figures in words and rows, alike for the page, the big screen and the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cases.casefile import CHANNEL_NAMES, CLASS_NAMES
from cases.figures.indicator import HEADLINES, INDICATORS, Figure, Form, figure, figures
from cases.figures.measure import MEASURES
from cases.figures.period import Period
from cases.figures.reading import Part, Reading
from cases.figures.sums import Sums
from cases.organisations import CODE_LENGTHS, Tier
from web.language import CHINESE, current_language
from web.statistics.asking import SPANS
from web.words import month_words

# The columns of a breakdown: short heading, and the measure or indicator. By channel and class no ratings.
BARE = (
    ("登记", "registered"), ("其中重复", "repeats"), ("办结", "concluded"), ("平均天数", "avg_handle_days"),
    ("及时受理率", "timely_accept_rate"), ("按期办结率", "on_time_rate"), ("超期", "overdue_now"),
)  # fmt: skip
COLUMNS = (*BARE[:-1], ("满意率", "rated_satisfaction"), BARE[-1])
RATINGS = (
    ("办结", "concluded"), ("参评率", "rating_rate"), ("对信访部门", "office_satisfaction"),
    ("不含基本满意", "office_well_rate"), ("对责任单位", "rated_satisfaction"),
    ("不含基本满意", "unit_well_rate"),
)  # fmt: skip
# Of whose rest one may say that it was not done.
DUTIES = frozenset(
    {"timely_route_rate", "timely_accept_rate", "on_time_rate", "reply_rate", "resolution_rate", "led_rate"}
    | {"first_resolution_rate"}
)
Headings = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a breakdown; `query`: filters with which it is seen alone."""

    name: str
    cells: tuple[str, ...]
    query: Mapping[str, str]


def write(found: Figure) -> str:
    """`33.97 天`, `100.00%`, `12`, or why there is nothing."""
    if found.withheld:
        return "不单独统计"
    if found.value is None:
        return "件数太少" if found.too_few else "—"
    if found.indicator.form is Form.COUNT:
        return f"{found.numerator}"
    return f"{found.value}%" if found.indicator.form is Form.RATE else f"{found.value} 天"


def period_words(period: Period) -> str:
    """`2021年上半年`, `2026年7月`, `2026年7月1日至7月14日`; in English as it is written in addresses."""
    code, year = period.code, period.first.year
    if current_language() != CHINESE:
        return code.replace("..", " – ")
    if ".." not in code:
        part = SPANS[code[5:]].replace(" ", "") if code[5:] else ""
        return f"{year}年{part}"
    first, last = period.first, period.last
    until = f"{last.month}月{last.day}日"
    if first.year != last.year:
        until = f"{last.year}年{until}"
    return f"{year}年{first.month}月{first.day}日至{until}"


def indicator_rows(reading: Reading) -> list[dict[str, Any]]:
    """All indicators with what they are made of, beside what they were."""
    earlier = figures(reading.before, reading.ratings)
    return [
        {
            "code": code,
            "figure": found,
            "value": write(found),
            "before": "" if code == "overdue_now" else write(earlier[code]),
            "listed": not found.indicator.rating,
            "counted": found.indicator.form is not Form.MEAN,
            "missing": found.denominator - found.numerator if code in DUTIES else 0,
        }
        for code, found in figures(reading.sums, reading.ratings).items()
    ]


def headlines(reading: Reading) -> list[dict[str, Any]]:
    """The four figures that stand first."""
    rows = {row["code"]: row for row in indicator_rows(reading)}
    return [rows[code] for code in HEADLINES]


def breakdown(parts: Iterable[Part], name: str, columns: Headings = COLUMNS) -> list[Row]:
    """A line for each part; `name`: the filter that its code is for."""
    return [
        Row(part.name, _cells(part.sums, columns, part.ratings), narrowed_to(name, part.code))
        for part in parts
    ]


def narrowed_to(name: str, code: str) -> dict[str, str]:
    """The filters of a part. A code above the districts stands for what that level keeps itself."""
    own = name == "region" and len(code) < CODE_LENGTHS[Tier.DISTRICT]
    return {name: code, "own": "1" if own else ""}


def channel_rows(reading: Reading) -> list[Row]:
    """By channel, all of them, in the order of the hall."""
    return _coded(reading.channels or {}, CHANNEL_NAMES, "channel")


def class_rows(reading: Reading) -> list[Row]:
    """By class."""
    return _coded(reading.classes or {}, CLASS_NAMES, "class")


def _coded(groups: Mapping[str, Sums], names: Mapping[Any, str], name: str) -> list[Row]:
    return [
        Row(words, _cells(groups[code], BARE, False), {name: code})
        for code, words in names.items()
        if code in groups
    ]


def trend_rows(reading: Reading) -> list[tuple[str, Sums]]:
    """(`2026-06`, sums), oldest first."""
    return list((reading.trend or {}).items())


def summary(reading: Reading) -> list[str]:
    """The period in two sentences."""
    sums, days = reading.sums, figures(reading.sums)["avg_handle_days"].value
    new, done = sums["registered"], sums["concluded"]
    change = new - reading.before["registered"]
    told = f"登记 {new} 件，与上期持平。"
    if change > 0:
        told = f"登记 {new} 件，比上期多 {change} 件。"
    elif change < 0:
        told = f"登记 {new} 件，比上期少 {-change} 件。"
    return [told, f"办结 {done} 件。" if days is None else f"办结 {done} 件，平均办理 {days} 天。"]


def trend_sentence(reading: Reading) -> str:
    """What the drawing of the months shows, in one sentence."""
    rows = trend_rows(reading)
    most = max(rows, key=lambda row: row[1]["registered"])
    if not most[1]["registered"]:
        return "这十二个月没有登记的信访件。"
    total = sum(sums["registered"] for _, sums in rows)
    return f"十二个月共登记 {total} 件，最多的是 {month_words(most[0])}，{most[1]['registered']} 件。"


def district_sentence(parts: Sequence[Part], code: str = "registered") -> str:
    """What the map of squares shows, in one sentence: the darkest square, of a rate also the palest.

    Districts of which the figure is not told are in neither; equal ones are named in the order of the map.
    """
    if code == "registered":
        most = max(parts, key=lambda part: part.sums["registered"], default=None)
        if most is None or not most.sums["registered"]:
            return "统计期内没有登记的信访件。"
        return f"登记最多的是{most.name}，{most.sums['registered']} 件。"
    told = [(part.name, found) for part in parts if (found := tile_figure(code, part)).value is not None]
    title = INDICATORS[code].title
    if not told:
        return f"{title}：没有可以显示的数。"
    first, last = (pick(told, key=lambda row: row[1].value or 0) for pick in (max, min))
    if first[1].value == last[1].value:
        return f"{title}：有数的区县都是 {write(first[1])}。"
    return f"{title}：最高的是{first[0]}，{write(first[1])}；最低的是{last[0]}，{write(last[1])}。"


def topic_sentence(reading: Reading) -> str:
    """What the bars of the topics show, in one sentence."""
    if not reading.topics:
        return "没有达到 5 件的热点。"
    first = reading.topics[0]
    share = write_share(first.cases, reading.sums["registered"])
    return f"最多的是{first.title}，{first.cases} 件，占登记的 {share}。"


def rating_sentence(reading: Reading) -> str:
    """Who rated and how, in one sentence."""
    found = figures(reading.sums, reading.ratings)
    share, unit = found["rating_rate"], found["rated_satisfaction"]
    if share.withheld:
        return "评价只按整月、全部渠道和类别统计，免得看出是谁评的。"
    if share.value is None or unit.value is None:
        return "评价太少，不统计满意率。"
    return f"办结 {share.denominator} 件，{share.numerator} 件作了评价；对责任单位的满意率 {unit.value}%。"


def what_is_listed(name: str, other: str) -> tuple[str, str]:
    """The rows of a list in the words of its indicator: title, and which part of it."""
    for each in INDICATORS.values():
        if name == each.denominator and (not other or other == each.numerator):
            return each.title, each.below
        if name == each.numerator and not other and each.form is not Form.MEAN:
            return each.title, each.above
    return "", ""


def tile_figure(code: str, part: Part) -> Figure:
    """The figure a tile of the map carries."""
    return figure(INDICATORS[code], part.sums, part.ratings)


def _cells(sums: Sums, columns: Headings, ratings: bool) -> tuple[str, ...]:
    found = figures(sums, ratings)
    return tuple(f"{sums[code]}" if code in MEASURES else write(found[code]) for _, code in columns)


def write_share(above: int, below: int) -> str:
    """`88.7%`, or a dash of nothing."""
    return f"{100 * above / below:.1f}%" if below else "—"
