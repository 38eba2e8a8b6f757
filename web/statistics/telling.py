"""Figures in words and rows, alike for the page, the big screen and the reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cases.casefile import CHANNEL_NAMES, CLASS_NAMES
from cases.figures.indicator import HEADLINES, INDICATORS, Figure, Form, figure, figures
from cases.figures.measure import SUMS_ONLY
from cases.figures.period import Period
from cases.figures.reading import Part, Reading
from cases.figures.sums import Sums
from scheduling.afterwards.session_figures import ReceptionFigures
from web.language import CHINESE, current_language
from web.statistics.asking import SPANS

# The columns of every breakdown: short heading and indicator.
COLUMNS = (
    ("登记", "registered"), ("办结", "concluded"), ("平均天数", "avg_handle_days"),
    ("及时受理率", "timely_accept_rate"), ("按期办结率", "on_time_rate"), ("满意率", "rated_satisfaction"),
    ("超期", "overdue_now"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a breakdown; `query`: filters with which it is seen alone."""

    name: str
    cells: tuple[str, ...]
    query: Mapping[str, str]


def write(found: Figure) -> str:
    """`33.97 天`, `100.00%`, `12`, or why there is nothing."""
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


def indicator_rows(now: Sums, before: Sums) -> list[dict[str, Any]]:
    """All indicators with what they are made of, beside what they were."""
    earlier = figures(before)
    return [
        {
            "code": code,
            "figure": found,
            "value": write(found),
            "before": "" if code == "overdue_now" else write(earlier[code]),
            "listed": found.indicator.numerator not in SUMS_ONLY,
            "counted": found.indicator.form is not Form.MEAN,
            "missing": found.denominator - found.numerator if found.indicator.form is Form.RATE else 0,
        }
        for code, found in figures(now).items()
    ]


def headlines(now: Sums, before: Sums) -> list[dict[str, Any]]:
    """The four figures that stand first."""
    rows = {row["code"]: row for row in indicator_rows(now, before)}
    return [rows[code] for code in HEADLINES]


def breakdown(parts: Iterable[Part], name: str) -> list[Row]:
    """A line for each part; `name`: the filter that its code is for."""
    return [Row(part.name, _cells(part.sums), {name: part.code}) for part in parts]


def channel_rows(reading: Reading) -> list[Row]:
    """By channel, all of them, in the order of the hall."""
    return [
        Row(words, _cells(reading.channels[code]), {"channel": code})
        for code, words in CHANNEL_NAMES.items()
        if code in reading.channels
    ]


def class_rows(reading: Reading) -> list[Row]:
    """By class."""
    return [
        Row(words, _cells(reading.classes[code]), {"class": code})
        for code, words in CLASS_NAMES.items()
        if code in reading.classes
    ]


def reception_rows(found: ReceptionFigures) -> list[tuple[str, str, str]]:
    """(what, figure, of what) of the video receptions."""
    return [
        ("安排的接访", f"{found.planned} 场", "统计期内应当举行的"),
        ("举行的接访", f"{found.held} 场", f"在 {found.planned} 场里"),
        ("其中三级联合接访", f"{found.joint} 场", f"在 {found.held} 场里"),
        ("接待的群众", f"共 {found.persons} 人次", "信访人和代理人"),
        ("没有来的", _share(found.no_show, found.planned), f"{found.no_show}／{found.planned} 场"),
        ("比约定时间晚开始", _minutes(found.late_seconds, found.held), "按举行的场次平均"),
        ("接访时长", _minutes(found.length_seconds, found.closed), "按结束的场次平均"),
        ("当日办结的", _share(found.solved_same_day, found.held),
         f"{found.solved_same_day}／{found.held} 场"),
        ("承诺按期兑现的", _share(found.promises_kept, found.promises_due),
         f"{found.promises_kept}／{found.promises_due} 项"),
        ("因技术原因没有办成", _share(found.failed, found.planned), f"{found.failed}／{found.planned} 场"),
        ("出现过技术问题的", _share(found.troubled, found.held), f"{found.troubled}／{found.held} 场"),
        ("接访满意率", "件数太少" if found.satisfied is None and found.rated
         else _share(found.satisfied or 0, found.rated), f"共 {found.rated} 份评价"),
    ]  # fmt: skip


def trend_rows(reading: Reading) -> list[tuple[str, Sums]]:
    """(`2026-06`, sums), oldest first."""
    return list(reading.trend.items())


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
    return f"十二个月共登记 {total} 件，最多的是 {most[0]}，{most[1]['registered']} 件。"


def tile_figure(code: str, sums: Sums) -> Figure:
    """The figure a tile of the map carries."""
    return figure(INDICATORS[code], sums)


def _cells(sums: Sums) -> tuple[str, ...]:
    found = figures(sums)
    return tuple(
        f"{sums['overdue_now']}" if code == "overdue_now" else write(found[code]) for _, code in COLUMNS
    )


def _share(above: int, below: int) -> str:
    return f"{100 * above / below:.1f}%" if below else "—"


def _minutes(seconds: int, count: int) -> str:
    return f"平均 {seconds / count / 60:.1f} 分钟" if count else "—"
