"""Why a deadline is that date, in sentences that anybody can check with a calendar and the law."""

from __future__ import annotations

from cases.clock import chinese_date
from cases.deadlines.deadline import Deadline
from cases.deadlines.profile import Start, Unit

STARTS = {
    Start.RECEIVED: "收到",
    Start.ACCEPTED: "受理",
    Start.ASSIGNED: "交办",
    Start.ANSWER_RECEIVED: "收到书面答复",
    Start.AGREEMENT_EFFECTIVE: "协议生效",
    Start.DISCOVERED: "发现",
    Start.YEAR_ENDED: "年度结束",
}


def explain(deadline: Deadline, began: str = "") -> list[str]:
    """The sentences in their order, in Chinese; the first one says it all where nothing is unusual.

    `began`: what happened on the first day, where that is not yet what the duty runs from.
    """
    duty = deadline.duty
    start = f"{began or STARTS[duty.starts]}的日子是{chinese_date(deadline.start)}"
    if duty.at_once:
        return [f"{start}，应当立即办理（{duty.source}）。"]
    if not deadline.days:
        return [f"{start}，期限逐件确定，这一件还没有定。"]
    length = _days(deadline.days + deadline.extension, duty.unit)
    if deadline.raw is None:
        told = [f"{start}，期限 {length}（{duty.source}），现在中止计算。"]
    elif duty.set_each:
        told = [f"{chinese_date(deadline.raw)}到期：{start}，加交办时确定的 {length}（{duty.source}）。"]
    else:
        told = [f"{chinese_date(deadline.raw)}到期：{start}，加 {length}（{duty.source}）。"]
    if deadline.extension:
        told.append(f"其中批准延长 {_days(deadline.extension, duty.unit)}（{duty.extension_source}）。")
    for pause in deadline.pauses:
        first = chinese_date(pause.first)
        if pause.last is None:
            told.append(f"{first}开始听证，听证所需时间不计算在内。")
        else:
            told.append(f"{first}至{chinese_date(pause.last)}听证，所需时间不计算在内。")
    if deadline.rolled is not None and deadline.rolled != deadline.raw:
        rolled = chinese_date(deadline.rolled)
        told.append(f"这一天是{deadline.rolls_over[0]}，不上班，顺延到{rolled}。")
    for year in deadline.unknown_years:
        told.append(f"{year} 年的节假日安排还没有录入，只按周末计算，请核对。")
    return told


def _days(count: int, unit: Unit) -> str:
    return f"{count} 日" if unit is Unit.CALENDAR else f"{count} 个工作日"
