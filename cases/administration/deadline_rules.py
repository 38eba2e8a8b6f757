"""A region's deadlines as an administrator typed them, made into rules, or refused at the field.

A region may set other days and sources for the duties that the regulations know. It may not make its rules
hold for the past, nor leave citizens less time for what the regulations give them (Art. 35 and 36); where it
takes more time for its own duties, whoever confirms is told so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from cases.administration.deadline_version import DeadlineVersion, profile_entered
from cases.deadlines.comparing import Difference, cuts_right, differences, longer_than
from cases.deadlines.in_force import BUILT_IN_PROFILES, profiles
from cases.deadlines.profile import MOST_DAYS, NATIONAL, Duty, Profile, Unit, profile_for
from cases.errors import Invalid
from cases.fields import clean, clean_subject, clean_text

FURTHEST_YEARS = 2
ARTICLE_LIMIT = 40


@dataclass(frozen=True, slots=True)
class TypedDuty:
    """One row as typed."""

    days: str
    unit: str
    extension: str
    article: str


@dataclass(frozen=True, slots=True)
class TypedRules:
    """Command: the rules of a region from a day on. `duties` by their code; one that is left out stays."""

    region_code: str
    effective_on: str
    law: str
    roll_on_holiday: bool
    duties: Mapping[str, TypedDuty]


@dataclass(frozen=True, slots=True)
class Draft:
    """Rules that could take effect. `before`: what would hold that day without them."""

    version: DeadlineVersion
    profile: Profile
    before: Profile

    @property
    def changes(self) -> list[Difference]:
        """What becomes different for the region."""
        return differences(self.before, self.profile)

    @property
    def longer(self) -> list[Duty]:
        """Where the region takes more time than the national rules give it."""
        return longer_than(BUILT_IN_PROFILES[NATIONAL], self.profile)


def read_rules(typed: TypedRules, versions: Sequence[DeadlineVersion], now: date) -> Draft:
    """A draft of the next version. `versions`: those of the region.

    Raises Invalid at `effective_on`, `law`, `days-CODE`, `unit-CODE`, `extension-CODE`, `article-CODE`.
    """
    effective_on = _effective_on(typed.effective_on, versions, now)
    law = clean_subject(typed.law, "law", "文件名称")
    base = profile_for(typed.region_code, effective_on, BUILT_IN_PROFILES)
    before = profile_for(typed.region_code, effective_on, profiles())
    duties: dict[str, Any] = {}
    for code, was in before.duties.items():
        above = base.duty(code)
        wanted = _duty(was, above, typed.duties.get(code), law)
        if above is not None and cuts_right(above, _with(above, wanted)):
            words = f"{was.title}是信访人的权利，不能少于 {above.days} 日。"
            raise Invalid("right_shortened", words, f"days-{code}")
        if above is not None and wanted != _entry(above):
            duties[code] = wanted
    content = {
        "extends": base.code, "law": law, "roll_on_holiday": typed.roll_on_holiday, "duties": duties,
    }  # fmt: skip
    draft = draft_of(typed.region_code, effective_on, content, versions)
    if not differences(before, draft.profile):
        raise Invalid("unchanged", "和现在的规定完全一样，没有可以确认的改动。", "effective_on")
    return draft


def draft_of(
    region_code: str, effective_on: date, content: dict[str, Any], versions: Sequence[DeadlineVersion]
) -> Draft:
    """The same from how a proposal keeps it."""
    number = max((row.version for row in versions), default=0) + 1
    row = DeadlineVersion(
        region_code=region_code, version=number, effective_on=effective_on, content=content,
        name=f"{region_code} 第 {number} 版",
    )  # fmt: skip
    return Draft(row, profile_entered(row), profile_for(region_code, effective_on, profiles()))


def _effective_on(typed: str, versions: Sequence[DeadlineVersion], now: date) -> date:
    try:
        day = date.fromisoformat(clean(typed)[:10])
    except ValueError:
        raise Invalid("bad_date", "请填写日期，例如 2026-11-25", "effective_on") from None
    if day < now:
        raise Invalid("effective_past", "施行日期不能早于今天：新规定不溯及以前的事项。", "effective_on")
    if day.year > now.year + FURTHEST_YEARS:
        raise Invalid("effective_far", f"施行日期最晚在 {now.year + FURTHEST_YEARS} 年。", "effective_on")
    newest = max(versions, key=lambda row: row.version, default=None)
    # One that does not hold yet may be put right on its own day; otherwise two would hold at once.
    if newest is not None and (day < newest.effective_on or day == newest.effective_on <= now):
        words = f"{newest.effective_on} 起已经有第 {newest.version} 版，新的一版要在它以后施行。"
        raise Invalid("effective_overlaps", words, "effective_on")
    return day


def _duty(was: Duty, above: Duty | None, typed: TypedDuty | None, law: str) -> dict[str, Any]:
    """How a duty is kept; one that did not change stays under the law that it comes from."""
    code = was.code
    if typed is None or was.set_each or was.at_once:
        return _entry(was)
    if typed.unit not in set(Unit):
        raise Invalid("choose", "请选择一项。", f"unit-{code}")
    days = _number(typed.days, 1, f"days-{code}", f"{was.title}：天数")
    extension = _number(typed.extension or "0", 0, f"extension-{code}", f"{was.title}：最多延长的天数")
    article = clean_text(clean(typed.article), f"article-{code}", "条款", ARTICLE_LIMIT)
    for known in (was, above):
        if known and (known.days, known.unit, known.most_extension, known.article) == (
            days, Unit(typed.unit), extension, article,
        ):  # fmt: skip
            return _entry(known)
    told = {"days": days, "unit": typed.unit, "article": article, "law": law, "most_extension": extension}
    if extension != was.most_extension:
        return told | {"extension_law": law, "extension_article": article}
    return told | {"extension_law": was.extension_law or was.law, "extension_article": was.extension_article}


def _entry(duty: Duty) -> dict[str, Any]:
    return {
        "days": duty.days, "unit": str(duty.unit), "article": duty.article, "law": duty.law,
        "most_extension": duty.most_extension, "extension_law": duty.extension_law,
        "extension_article": duty.extension_article,
    }  # fmt: skip


def _with(duty: Duty, entry: Mapping[str, Any]) -> Duty:
    return replace(duty, days=entry["days"], unit=Unit(entry["unit"]))


def _number(typed: str, least: int, field: str, label: str) -> int:
    text = clean(typed)
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= MOST_DAYS):
        raise Invalid("bad_days", f"{label}应在 {least} 到 {MOST_DAYS} 之间。", field)
    return int(text)
