"""Dates worked out a second time, from the text of the regulations and the notice of the year's holidays.

Nothing of the program is asked: a list of days off, plain sums, and sentences as anybody would write them.
The day of the event is not counted; a last day on which offices rest moves to the next working day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

DAY = timedelta(days=1)
# Days off of 2026 as the notice prints them, and weekend days on which it lets work.
OFF = "0101-0103 0215-0223 0404-0406 0501-0505 0619-0621 0925-0927 1001-1007"
WORKED = "0104 0214 0228 0509 0920 1010"
YEAR = 2026
LAW = "《信访工作条例》"


def _day(text: str) -> date:
    return date(YEAR, int(text[:2]), int(text[2:]))


def _rest() -> set[date]:
    days = [date(YEAR, 1, 1) + DAY * number for number in range(365)]
    found = {day for day in days if day.isoweekday() > 5}
    for span in OFF.split():
        first, _, last = span.partition("-")
        found |= {day for day in days if _day(first) <= day <= _day(last)}
    return found - {_day(text) for text in WORKED.split()}


REST = _rest()


def chinese(day: date) -> str:
    """As papers and pages write it."""
    return f"{day.year}年{day.month}月{day.day}日"


@dataclass
class Duty:
    """One clock as it should stand: what began it, how many days the text gives, what happened since."""

    title: str
    start: date
    days: int
    article: str
    began: str = "收到"
    working: bool = False
    set_each: bool = False
    extension: int = 0
    hearings: list[tuple[date, date | None]] = field(default_factory=list)
    met: date | None = None
    # A right is raised, not done; `unused`: it ended without.
    right: bool = False
    unused: bool = False
    law: str = LAW

    def raw(self) -> date | None:
        """The last day that is counted; None while a hearing goes on."""
        day, left = self.start, self.days + self.extension
        while left:
            day += DAY
            if any(first <= day and last is None for first, last in self.hearings):
                return None
            held = any(last is not None and first <= day <= last for first, last in self.hearings)
            left -= not held and not (self.working and day in REST)
        return day

    def due(self) -> date | None:
        """The day after which it is late."""
        day = self.raw()
        while day is not None and day in REST:
            day += DAY
        return day

    def told(self) -> str:
        """The line beneath the title."""
        day = self.due()
        done = f"，{chinese(self.met)}{'提出' if self.right else '完成'}" if self.met else ""
        done = "，没有请求" if self.unused else done
        return f"{chinese(day)}前{done}" if day else ""

    def why(self) -> list[str]:
        """The sentences; the name of a holiday is left out of the last one."""
        unit, raw, due = "个工作日" if self.working else "日", self.raw(), self.due()
        began = f"{self.began}的日子是{chinese(self.start)}"
        length, law = f"{self.days + self.extension} {unit}", f"（{self.law}{self.article}）"
        set_each = "交办时确定的 " if self.set_each else ""
        if raw is None:
            found = [f"{began}，期限 {length}{law}，现在中止计算。"]
        else:
            found = [f"{chinese(raw)}到期：{began}，加{set_each or ' '}{length}{law}。"]
        if self.extension:
            found.append(f"其中批准延长 {self.extension} {unit}（{LAW}第三十四条）。")
        for first, last in self.hearings:
            until = f"至{chinese(last)}听证，" if last else "开始听证，听证"
            found.append(f"{chinese(first)}{until}所需时间不计算在内。")
        if due is not None and raw != due:
            found.append(f"顺延到{chinese(due)}。")
        return found


def routing(start: date) -> Duty:
    """Art. 22: fifteen days from receipt to register and forward."""
    return Duty("登记并转送、交办", start, 15, "第二十二条")


def notice(start: date) -> Duty:
    """Art. 23: fifteen days to tell the petitioner in writing."""
    return Duty("书面告知接收情况和办理程序", start, 15, "第二十三条第三款")


def objection(start: date) -> Duty:
    """Art. 23: five working days to say that it is somebody else's."""
    return Duty("提出转送异议", start, 5, "第二十三条第三款", working=True, right=True)


def feedback(start: date, days: int) -> Duty:
    """Art. 22: as long as the assignment says."""
    return Duty("反馈交办结果", start, days, "第二十二条", "交办", set_each=True)


def handling(start: date) -> Duty:
    """Art. 34: sixty days from acceptance."""
    return Duty("办结并出具处理意见书", start, 60, "第三十四条", "受理")


def asking(start: date, again: bool = False) -> Duty:
    """Art. 35 and 36: thirty days from the receipt of the answer to ask for a review or a recheck."""
    title, article = ("请求复核", "第三十六条") if again else ("请求复查", "第三十五条")
    return Duty(title, start, 30, article, "收到书面答复", right=True)


def deciding(start: date, again: bool = False) -> Duty:
    """Art. 35 and 36: thirty days to decide; of a recheck the days of a hearing are not counted."""
    title, article = ("出具复核意见", "第三十六条") if again else ("出具复查意见", "第三十五条")
    return Duty(title, start, 30, article)
