"""The figures of video receptions in words: each with what it is made of, and the list behind it."""

from __future__ import annotations

from dataclasses import dataclass

from cases.organisations import TIER_NAMES
from scheduling.afterwards.ratings import FEWEST
from scheduling.afterwards.session_figures import Counts, ReceptionFigures
from web.statistics.telling import write_share


@dataclass(frozen=True, slots=True)
class ReceptionRow:
    """One figure. `above` and `below`: numerator and denominator as written, `below` empty of a plain count;
    `count` and `of`: the measures whose lists these are, empty where a number has no list; `rest`: of how
    many one may say that it was not done.
    """

    what: str
    value: str
    above: str
    below: str
    definition: str
    count: str = ""
    of: str = ""
    rest: int = 0

    @property
    def lists(self) -> tuple[str, str]:
        """The measures of numerator and denominator where there is something to list."""
        return (self.count if _some(self.above) else "", self.of if _some(self.below) else "")

    @property
    def made_of(self) -> str:
        """Numerator and denominator for a report."""
        return f"{self.above}／{self.below}" if self.below else self.above


# What a list of a measure is called, and what stands in it.
LISTED = {
    "planned": ("安排的接访", "统计期内应当举行的"),
    "due": ("到期的接访", "安排的接访里，日子已经过去或者已经有了结果的"),
    "held": ("举行的接访", "群众和接访人员见上面的"),
    "joint": ("联合接访", "另有单位一起接访的"),
    "no_show": ("没有来的", "到了时间群众没有来的"),
    "failed": ("因技术原因没有办成", "登记为技术故障的"),
    "troubled": ("出现过技术问题的", "举行了，中途断线、设备打不开或者录像有问题的"),
    "solved_same_day": ("当日办结的", "信访件在接访当天办结的"),
    "closed": ("已经结束的接访", "举行了、也结束了的"),
    "follow_ups": ("安排的回访", "性质是回访的"),
    "follow_ups_due": ("到期的回访", "性质是回访、日子已经过去或者已经有了结果的"),
    "followed": ("举行的回访", "性质是回访、举行了的"),
    "promises_due": ("接访中的承诺", "接访中交办、期限在统计期内届满的"),
    "promises_kept": ("按期兑现的承诺", "在期限以前报告办结的"),
    "persons": ("接待的群众", "举行的接访里的信访人和代理人，来几场算几次"),
    "waited": ("候访", "从等候室进入接访室的，每人每场算一次"),
    "recordings": ("接访的录像", "已经录完的"),
    "sealed": ("已封存的录像", "录完并且已经封存的"),
}
RECEPTION_COLUMNS = (
    ("安排", "planned"), ("举行", "held"), ("联合", "joint"), ("没有来", "no_show"), ("技术失败", "failed"),
    ("当日办结", "solved_same_day"), ("平均分钟数", ""),
)  # fmt: skip


def reception_rows(found: ReceptionFigures, sealed: tuple[int, int]) -> list[ReceptionRow]:
    """The video receptions; `sealed`: recordings in all, and sealed ones."""
    it = found.all
    planned, due, held = f"{it.planned} 场", f"{it.due} 场", f"{it.held} 场"
    return [
        ReceptionRow("安排的接访", planned, planned, "",
                     "统计期内应当举行的，不算取消的、改期的和没有批准的。", "planned"),
        ReceptionRow("到期的接访", due, due, planned,
                     "安排的接访里，日子已经过去或者已经有了结果的。还没有到日子的、今天还没有开始的，"
                     "不作下面各项的分母。", "due", "planned"),
        ReceptionRow("举行的接访", held, held, due, "到期的接访里，群众和接访人员见上面的。",
                     "held", "due"),
        ReceptionRow("其中联合接访", f"{it.joint} 场", f"{it.joint} 场", held,
                     "举行的接访里，另有单位一起接访的。", "joint", "held"),
        ReceptionRow("接待的群众", f"共 {found.persons} 人次", f"共 {found.persons} 人次", held,
                     "举行的接访里的信访人和代理人，来几场算几次。", "persons", "held"),
        ReceptionRow("没有来的", write_share(it.no_show, it.due), f"{it.no_show} 场", due,
                     "到期的接访里，到了时间群众没有来的占多少。", "no_show", "due"),
        ReceptionRow("候访", _mean(found.waited_seconds, found.waited), _minutes(found.waited_seconds),
                     f"共 {found.waited} 人次", "从进入等候室到进入接访室的时间，按进入接访室的人次平均。",
                     of="waited"),
        ReceptionRow("比约定时间晚开始", _mean(it.late_seconds, it.held), _minutes(it.late_seconds), held,
                     "从约定的时间到开始的时间，早开始的算零，按举行的场次平均。", of="held"),
        ReceptionRow("接访时长", _mean(it.length_seconds, it.closed), _minutes(it.length_seconds),
                     f"{it.closed} 场", "从开始到结束的时间，按结束的场次平均。", of="closed"),
        ReceptionRow("当日办结的", write_share(it.solved_same_day, it.held), f"{it.solved_same_day} 场", held,
                     "举行的接访里，信访件当天办结的占多少。", "solved_same_day", "held"),
        ReceptionRow("承诺按期兑现的", write_share(found.promises_kept, found.promises_due),
                     f"共 {found.promises_kept} 项", f"共 {found.promises_due} 项",
                     "接访中交办、期限在统计期内届满的事项里，在期限以前报告办结的占多少。撤回的不算。",
                     "promises_kept", "promises_due", found.promises_due - found.promises_kept),
        ReceptionRow("回访核实率", write_share(it.followed, it.follow_ups_due), f"{it.followed} 场",
                     f"{it.follow_ups_due} 场", "到期的回访里举行了的占多少。", "followed", "follow_ups_due",
                     it.follow_ups_due - it.followed),
        ReceptionRow("因技术原因没有办成", write_share(it.failed, it.due), f"{it.failed} 场", due,
                     "到期的接访里，登记为技术故障的占多少。", "failed", "due"),
        ReceptionRow("出现过技术问题的", write_share(it.troubled, it.held), f"{it.troubled} 场", held,
                     "举行的接访里，中途断线、设备打不开或者录像有问题的占多少。", "troubled", "held"),
        ReceptionRow("已封存的录像", write_share(sealed[1], sealed[0]), f"共 {sealed[1]} 个录像",
                     f"共 {sealed[0]} 个录像", "这些接访的录像里，已经封存的占多少。正在录的不算。",
                     "sealed", "recordings", sealed[0] - sealed[1]),
        _satisfaction(found),
    ]  # fmt: skip


def _satisfaction(found: ReceptionFigures) -> ReceptionRow:
    definition = (
        "给出的评价里，很满意、满意和基本满意的占多少。"
        "评价次日起计入，少于 5 份、不是整月、只看一个渠道、类别或者责任单位时不显示。"
    )
    given = f"共 {found.rated} 份评价"
    if found.satisfied is None:
        value = "不单独统计" if found.rated >= FEWEST else "件数太少" if found.rated else "—"
        return ReceptionRow("接访满意率", value, "—", given, definition)
    share = write_share(found.satisfied, found.rated)
    return ReceptionRow("接访满意率", share, f"共 {found.satisfied} 份评价", given, definition)


@dataclass(frozen=True, slots=True)
class ReceptionPart:
    """A tier, or an office that hosts; `office_id` empty of a tier."""

    name: str
    office_id: str
    cells: tuple[str, ...]


def reception_parts(found: ReceptionFigures) -> list[ReceptionPart]:
    """A line for each tier, then for each office that hosts."""
    tiers = [ReceptionPart(TIER_NAMES[tier], "", _cells(counts)) for tier, counts in found.by_tier.items()]
    offices = [
        ReceptionPart(office.short_name, office.id, _cells(counts)) for office, counts in found.by_office
    ]
    return [*tiers, *offices]


def reception_sentence(found: ReceptionFigures) -> str:
    """What the drawing of the receptions shows, in one sentence."""
    planned, held = (sum(month[place] for month in found.trend.values()) for place in (0, 1))
    if not planned:
        return "这十二个月没有安排接访。"
    return f"十二个月共安排 {planned} 场接访，举行了 {held} 场。"


def _cells(it: Counts) -> tuple[str, ...]:
    length = f"{it.length_seconds / it.closed / 60:.1f}" if it.closed else "—"
    return (*(f"{getattr(it, name)}" for _, name in RECEPTION_COLUMNS if name), length)


def _some(written: str) -> bool:
    return any(digit in written for digit in "123456789")


def _minutes(seconds: int) -> str:
    return f"共 {seconds / 60:.0f} 分钟"


def _mean(seconds: int, count: int) -> str:
    return f"平均 {seconds / count / 60:.1f} 分钟" if count else "—"
