"""What two sets of rules say differently, duty by duty, as an administrator compares versions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cases.deadlines.profile import Bearer, Duty, Profile, Unit


class Point(StrEnum):
    """In what two rules can differ."""

    DAYS = "days"
    EXTENSION = "extension"
    SOURCE = "source"
    PRESENCE = "presence"
    ROLL = "roll"


POINT_NAMES = {
    Point.DAYS: "天数",
    Point.EXTENSION: "最多延长",
    Point.SOURCE: "依据",
    Point.PRESENCE: "有无这项期限",
    Point.ROLL: "最后一天遇节假日",
}
BEARER_NAMES = {
    Bearer.PETITION_OFFICE: "信访部门",
    Bearer.RESPONSIBLE_UNIT: "责任单位",
    Bearer.REVIEWING_ORGAN: "复查复核机关",
    Bearer.PETITIONER: "信访人",
    Bearer.BOTH_PARTIES: "双方当事人",
}
UNIT_NAMES = {Unit.CALENDAR: "日", Unit.WORKING: "工作日"}
ROLLS = {True: "顺延到下一个工作日", False: "不顺延"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One point: `duty` None where it is about all of them; both texts in Chinese, empty for nothing."""

    duty: Duty | None
    point: Point
    before: str
    after: str


def differences(old: Profile, new: Profile) -> list[Difference]:
    """In the order of the table; empty where a deadline by both is the same and has the same source."""
    found = []
    if old.roll_on_holiday != new.roll_on_holiday:
        found.append(Difference(None, Point.ROLL, ROLLS[old.roll_on_holiday], ROLLS[new.roll_on_holiday]))
    for code in [*old.duties, *(code for code in new.duties if code not in old.duties)]:
        found += _of_duty(old.duty(code), new.duty(code))
    return found


def longer_than(base: Profile, profile: Profile) -> list[Duty]:
    """Duties of offices for which a region takes more days, extension and all, than the rules above it.

    Days of different units are compared as if a week had five working days.
    """
    pairs = ((base.duty(code), duty) for code, duty in profile.duties.items())
    return [
        duty
        for above, duty in pairs
        if above is not None and duty.by not in OF_CITIZENS and _most(duty) > _most(above)
    ]


# Whose time to ask for something may not be cut by a region.
OF_CITIZENS = frozenset({Bearer.PETITIONER, Bearer.BOTH_PARTIES})


def cuts_right(above: Duty, duty: Duty) -> bool:
    """Whether it leaves citizens less time for what the rules above give them (Art. 35 and 36)."""
    return duty.right and duty.by in OF_CITIZENS and _calendar(duty, duty.days) < _calendar(above, above.days)


def length_of(duty: Duty) -> str:
    """Its days as they are read: 15 日, 5 个工作日, 逐件确定, 立即."""
    if duty.at_once:
        return "立即"
    if duty.set_each:
        return "逐件确定"
    return f"{duty.days} 日" if duty.unit is Unit.CALENDAR else f"{duty.days} 个工作日"


def _of_duty(old: Duty | None, new: Duty | None) -> list[Difference]:
    if old is None or new is None:
        one = new or old
        return [Difference(one, Point.PRESENCE, length_of(old) if old else "", length_of(new) if new else "")]
    points = (
        (Point.DAYS, length_of(old), length_of(new)),
        (Point.EXTENSION, _extension(old), _extension(new)),
        (Point.SOURCE, old.source, new.source),
    )
    return [Difference(new, point, before, after) for point, before, after in points if before != after]


def _extension(duty: Duty) -> str:
    return f"{duty.most_extension} 日" if duty.most_extension else "不能延长"


def _most(duty: Duty) -> float:
    return _calendar(duty, duty.days + duty.most_extension)


def _calendar(duty: Duty, days: int) -> float:
    return days * 7 / 5 if duty.unit is Unit.WORKING else days
