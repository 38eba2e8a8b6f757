"""Policy profiles: which duties there are, how long each runs and by which article; data, with inheritance.

A profile that `extends` another one changes only what it names. What a region writes itself is its own law
(`law` of the profile); what it takes over stays under the law it comes from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cases.deadlines.reminders import Reminder, read_reminders

FILE = Path(__file__).parent / "profiles.json"
NATIONAL, FORMER = "national-2022", "national-2005"
# No duty of the regulations is longer; a profile in which one is was mistyped.
MOST_DAYS = 366


class Unit(StrEnum):
    """How the days of a duty are counted: 日 or 工作日."""

    CALENDAR = "calendar"
    WORKING = "working"


class Start(StrEnum):
    """From which event a clock runs."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    ANSWER_RECEIVED = "answer_received"
    AGREEMENT_EFFECTIVE = "agreement_effective"
    DISCOVERED = "discovered"
    YEAR_ENDED = "year_ended"


class Bearer(StrEnum):
    """Whose duty, or right, it is."""

    PETITION_OFFICE = "petition_office"
    RESPONSIBLE_UNIT = "responsible_unit"
    REVIEWING_ORGAN = "reviewing_organ"
    PETITIONER = "petitioner"
    BOTH_PARTIES = "both_parties"


class Pause(StrEnum):
    """What stops a clock."""

    HEARING = "hearing"


@dataclass(frozen=True, slots=True)
class Duty:
    """One row of the deadline table.

    A `right` may be used until then, and nobody is late who does not. `days` is 0 where the length is set for
    each matter (`set_each`) or the text says at once (`at_once`). `most_extension`: days that may be added.
    `article` may be empty where the text was not seen.
    """

    code: str
    title: str
    starts: Start
    by: Bearer
    law: str
    article: str = ""
    days: int = 0
    unit: Unit = Unit.CALENDAR
    set_each: bool = False
    at_once: bool = False
    right: bool = False
    most_extension: int = 0
    extension_law: str = ""
    extension_article: str = ""
    pauses: frozenset[Pause] = frozenset()

    def __post_init__(self) -> None:
        if not 0 <= self.days <= MOST_DAYS or not 0 <= self.most_extension <= MOST_DAYS:
            raise ValueError(f"{self.code}：天数应在 0 到 {MOST_DAYS} 之间")
        if (self.days > 0) + self.set_each + self.at_once != 1:
            raise ValueError(f"{self.code}：要么有天数，要么逐件确定，要么立即办理")

    @property
    def source(self) -> str:
        """The law and its article, as a sentence cites it."""
        return f"{self.law}{self.article}"

    @property
    def extension_source(self) -> str:
        """The same for the extension."""
        return f"{self.extension_law or self.law}{self.extension_article}"


@dataclass(frozen=True)
class Profile:
    """The duties of one region under one text."""

    code: str
    name: str
    since: date
    roll_on_holiday: bool
    regions: tuple[str, ...]
    duties: Mapping[str, Duty] = field(default_factory=dict)
    reminders: tuple[Reminder, ...] = ()  # Warnings before, escalation after.
    feedback_days: int = 15  # Usual time for the answer to a supervision order.
    version: int = 0  # Of what administrators entered, from 1; 0 comes with the program.

    def duty(self, code: str) -> Duty | None:
        """None where this text knows no such duty."""
        return self.duties.get(code)


def read_profiles(file: Path = FILE) -> Mapping[str, Profile]:
    """All profiles of a file by their code. Raises ValueError, in Chinese, for one that is not whole."""
    return profiles_of(json.loads(file.read_text("utf-8")))


def profiles_of(told: Mapping[str, Any]) -> Mapping[str, Profile]:
    """The same from what was read. Raises ValueError."""
    found: dict[str, Profile] = {}
    for code in told:
        _add(code, told, found, ())
    return MappingProxyType(found)


def add_profile(code: str, rows: Mapping[str, Any], known: Mapping[str, Profile]) -> Profile:
    """One more that `extends` one of those known. Raises ValueError, in Chinese."""
    return _add(code, {code: rows}, dict(known), ())


def national_for(day: date, profiles: Mapping[str, Profile]) -> Profile:
    """Which national text holds for a matter of that day."""
    new = profiles[NATIONAL]
    return new if day >= new.since else profiles[FORMER]


def profile_for(region_code: str, day: date, profiles: Mapping[str, Profile]) -> Profile:
    """The rules of a region for a matter of that day: its own where it has some, else the national ones.

    Of several the nearest region counts, of that the one that took effect last, of one day the newest.
    """
    found = [
        (len(region), profile.since, profile.version, profile)
        for profile in profiles.values()
        for region in profile.regions
        if region_code.startswith(region) and day >= profile.since
    ]
    if found:
        return max(found, key=lambda each: each[:3])[3]
    return national_for(day, profiles)


def _add(code: str, told: Mapping[str, Any], found: dict[str, Profile], above: tuple[str, ...]) -> Profile:
    if code in found:
        return found[code]
    if code in above:
        raise ValueError(f"办理规则互相继承：{' → '.join((*above, code))}")
    if code not in told:
        raise ValueError(f"没有这套办理规则：{code}")
    rows = told[code]
    try:
        base = _add(rows["extends"], told, found, (*above, code)) if "extends" in rows else None
        found[code] = _profile(code, rows, base)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"办理规则 {code} 不完整：{error}") from error
    return found[code]


def _profile(code: str, rows: Mapping[str, Any], base: Profile | None) -> Profile:
    duties = dict(base.duties) if base else {}
    for name, changes in rows["duties"].items():
        duties[name] = _duty(name, changes, duties.get(name), str(rows["law"]))
    since = date.fromisoformat(rows["since"]) if "since" in rows else base.since if base else None
    if since is None:
        raise KeyError("since")
    rolls = rows.get("roll_on_holiday", base.roll_on_holiday if base else True)
    regions = tuple(str(each) for each in rows.get("regions", ()))
    reminders = read_reminders(rows["reminders"]) if "reminders" in rows else base.reminders if base else ()
    usual = int(rows.get("feedback_days", base.feedback_days if base else 15))
    if not 0 < usual <= MOST_DAYS:
        raise ValueError(f"反馈期限应在 1 到 {MOST_DAYS} 天之间")
    duties_ = MappingProxyType(duties)
    version = int(rows.get("version", 0))
    return Profile(code, str(rows["name"]), since, bool(rolls), regions, duties_, reminders, usual, version)


def _duty(code: str, changes: Mapping[str, Any], base: Duty | None, law: str) -> Duty:
    known = {each.name for each in fields(Duty)}
    if strange := sorted(set(changes) - known):
        raise ValueError(f"{code}：不认识 {'、'.join(strange)}")
    told: dict[str, Any] = {"code": code, "law": law, "unit": Unit.CALENDAR, "pauses": ()}
    if base is not None:
        told = {each: getattr(base, each) for each in known}
    told |= changes
    if base is not None and changes.keys() & {"days", "unit"}:
        told["law"] = changes.get("law", law)
    if changes.get("most_extension"):
        told["extension_law"] = changes.get("extension_law") or changes.get("law", law)
    told["starts"], told["by"], told["unit"] = Start(told["starts"]), Bearer(told["by"]), Unit(told["unit"])
    told["pauses"] = frozenset(Pause(each) for each in told["pauses"])
    return Duty(**told)
