"""The indicators: each a numerator over a denominator, with its definition in words.

The formulas of 及时受理率, 按期办结率 and the rest are inferred from the articles they judge (no source
prints them), which is why each page that shows a figure shows numerator, denominator and definition too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType

from cases.figures.measure import SUMS_ONLY
from cases.figures.sums import Sums
from cases.petition_rating import FEWEST


class Form(StrEnum):
    """How a figure is written: a number, a percentage, or an average of days."""

    COUNT = "count"
    RATE = "rate"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Indicator:
    """`numerator`, `denominator`: measures; `above`, `below`: what these are, in words."""

    code: str
    title: str
    form: Form
    numerator: str
    above: str
    denominator: str
    below: str
    definition: str
    source: str = ""

    @property
    def few(self) -> int:
        """Below so many the figure is not told."""
        return FEWEST if self.rating else 1

    @property
    def rating(self) -> bool:
        """Is it made of what petitioners answered?"""
        return self.numerator in SUMS_ONLY


@dataclass(frozen=True, slots=True)
class Figure:
    """An indicator counted. `value`: None where there is nothing, or nothing may be told.

    `too_few`: below `indicator.few`; `withheld`: not told of such a part at all. Neither tells its numbers.
    """

    indicator: Indicator
    numerator: int
    denominator: int
    value: Decimal | None
    too_few: bool = False
    withheld: bool = False

    @property
    def told(self) -> bool:
        """May its numbers be shown?"""
        return not (self.too_few or self.withheld)


_ALL = (
    Indicator(
        "registered", "登记件数", Form.COUNT, "registered", "统计期内登记的信访件", "", "",
        "统计期内登记的信访件，每件算一次。", "《信访工作条例》第二十二条",
    ),
    Indicator(
        "repeat_share", "重复信访", Form.RATE, "repeats", "同一个人为同一件事再次来的", "registered",
        "统计期内登记的",
        "统计期内登记的件里，经工作人员核对、和以前的件合并为同人同事的占多少。只数件，不数人，也不标记任何人。",
    ),
    Indicator(
        "reply_rate", "答复率", Form.RATE, "replied", "已经答复的",
        "written", "统计期内从网上、信箱、短信、微信来的",
        "统计期内书面来的件里，已经作出处理意见，或者告知了不予受理、应当去哪里办的占多少。",
        "《信访工作条例》第二十三条",
    ),
    Indicator(
        "concluded", "办结件数", Form.COUNT, "concluded", "统计期内作出处理意见的信访件", "", "",
        "统计期内责任单位作出处理意见的信访件。", "《信访工作条例》第三十二条",
    ),
    Indicator(
        "avg_handle_days", "平均办理天数", Form.MEAN, "handling_days", "从受理日到办结日的天数之和",
        "finished", "有受理日期的办结件",
        "统计期内办结的信访件，办结日减受理日，按件平均。法定期限是 60 日。", "《信访工作条例》第三十四条",
    ),
    Indicator(
        "timely_route_rate", "信访部门及时受理率", Form.RATE, "route_kept", "15 日内登记并转送、交办的",
        "route_due", "期限在统计期内届满的",
        "登记并转送、交办的期限在统计期内届满的件里，按期转送、交办的占多少。已经转送的按期限日计入，还没有到期的不算。",
        "《信访工作条例》第二十二条",
    ),
    Indicator(
        "timely_accept_rate", "责任单位及时受理率", Form.RATE, "notice_kept", "15 日内书面告知的",
        "notice_due", "期限在统计期内届满的",
        "告知信访人的期限在统计期内届满的件里，责任单位按期告知或者受理的占多少。",
        "《信访工作条例》第二十三条第三款",
    ),
    Indicator(
        "on_time_rate", "按期办结率", Form.RATE, "handle_kept", "60 日加批准的延长期内办结的",
        "handle_due", "期限在统计期内届满的",
        "办理期限（60 日，加批准的延长期）在统计期内届满的件里，按期作出处理意见的占多少。",
        "《信访工作条例》第三十四条",
    ),
    Indicator(
        "first_resolution_rate", "一次性化解率", Form.RATE, "first_resolved", "没有再来、也没有申请复查的",
        "first_concluded", "初次信访办结的",
        "统计期内办结的初次信访件里，信访人没有为同一件事再来、也没有申请复查的占多少。以后再来的会使它变小。",
    ),
    Indicator(
        "rating_rate", "群众参评率", Form.RATE, "rated", "信访人作过评价的", "concluded", "统计期内办结的",
        "统计期内办结的件里，信访人对信访部门或者责任单位作过评价的占多少。评价次日起计入。",
    ),
    Indicator(
        "office_satisfaction", "对信访部门的满意率", Form.RATE, "office_satisfied",
        "很满意、满意和基本满意的",
        "office_rated", "评价了信访部门的",
        "评价了信访部门的件里，很满意、满意和基本满意合计占多少。评价次日起计入，少于 5 件不显示。",
    ),
    Indicator(
        "rated_satisfaction", "群众满意率", Form.RATE, "unit_satisfied", "很满意、满意和基本满意的",
        "unit_rated", "评价了责任单位的",
        "评价了责任单位的件里，很满意、满意和基本满意合计占多少。评价次日起计入，少于 5 件不显示。",
    ),
    Indicator(
        "office_well_rate", "对信访部门的满意率（不含基本满意）", Form.RATE, "office_well", "很满意和满意的",
        "office_rated", "评价了信访部门的", "评价了信访部门的件里，很满意和满意合计占多少，基本满意不算。",
    ),
    Indicator(
        "unit_well_rate", "群众满意率（不含基本满意）", Form.RATE, "unit_well", "很满意和满意的",
        "unit_rated", "评价了责任单位的", "评价了责任单位的件里，很满意和满意合计占多少，基本满意不算。",
    ),
    Indicator(
        "resolution_rate", "矛盾纠纷化解率", Form.RATE, "resolved", "已经销号的",
        "surveyed", "统计期内排查列入的", "统计期内列入排查的信访件里，凭证据销号的占多少。",
    ),
    Indicator(
        "led_rate", "包案化解率", Form.RATE, "led_resolved", "已经销号的", "led", "统计期内领导包案的",
        "统计期内领导包案的信访件里，凭证据销号的占多少。",
    ),
    Indicator(
        "support_rate", "支持诉求的比例", Form.RATE, "supported", "处理意见是支持的",
        "concluded", "统计期内办结的",
        "统计期内办结的件里，处理意见为支持的占多少。只说明结论，不评价信访人。",
        "《信访工作条例》第三十二条",
    ),
    Indicator(
        "overdue_now", "现在超期的", Form.RATE, "overdue_now", "已经超过最后一天的",
        "running_now", "正在计算的期限",
        "此刻正在计算、应由机关完成的期限里，已经超过最后一天的占多少。与统计期无关。",
    ),
)  # fmt: skip
INDICATORS: Mapping[str, Indicator] = MappingProxyType({each.code: each for each in _ALL})
# The four that stand first, satisfaction always beside the rate of who rated.
HEADLINES = ("timely_accept_rate", "on_time_rate", "rated_satisfaction", "avg_handle_days")
HUNDREDTH = Decimal("0.01")


def figure(indicator: Indicator, sums: Sums, ratings: bool = True) -> Figure:
    """The indicator of these sums: percent or days with two decimals, rounded half up.

    Without `ratings` none that is made of what petitioners answered.
    """
    if indicator.rating and not ratings:
        return Figure(indicator, 0, 0, None, withheld=True)
    above = sums[indicator.numerator]
    if indicator.form is Form.COUNT:
        return Figure(indicator, above, 0, Decimal(above))
    below = sums[indicator.denominator]
    if below < indicator.few:
        return Figure(indicator, 0, 0, None, too_few=below > 0)
    hundred = 100 if indicator.form is Form.RATE else 1
    value = (Decimal(above * hundred) / below).quantize(HUNDREDTH, ROUND_HALF_UP)
    return Figure(indicator, above, below, value)


def figures(sums: Sums, ratings: bool = True) -> dict[str, Figure]:
    """All indicators by code."""
    return {code: figure(each, sums, ratings) for code, each in INDICATORS.items()}
