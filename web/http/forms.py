"""A posted form to plain values, or messages at the fields; what was typed is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from cases.clock import BEIJING
from cases.errors import Invalid, RuleError
from cases.fields import clean, clean_phone
from web.language import say_error

CEILING = 20_000  # Characters of one field that are looked at, at most.


class Form:
    """Reads fields one by one and collects `errors` (field to message), in the order of the page."""

    def __init__(
        self, data: Mapping[str, Any] | None = None, initial: Mapping[str, str] | None = None
    ) -> None:
        self._data = data or {}
        self.values: dict[str, str] = dict(initial or {})
        self.errors: dict[str, str] = {}

    def value(self, name: str) -> str:
        """What to show in the field: what was typed, or the initial value."""
        return self.values.get(name, "")

    def typed(self, name: str) -> str:
        """The raw text of the field, cut at the ceiling."""
        return self._raw(name)[:CEILING]

    def typed_whole(self, name: str) -> str:
        """The raw text of the field without a ceiling of its own: whoever parses it has one."""
        return self._raw(name)

    def chosen(self, name: str) -> tuple[str, ...]:
        return tuple(part for part in self.value(name).split("\n") if part)

    def fail(self, name: str, message: str) -> None:
        self.errors.setdefault(name, message)

    def refuse(self, error: RuleError, name: str) -> None:
        """A rule's refusal at its field, or at `name` where it is about none."""
        self.fail(error.field or name, say_error(error.code, error.message))

    def take(self, name: str, cleaner: Callable[[str], str]) -> str:
        """What a cleaner of cases.fields makes of the field; its refusal becomes the field's message."""
        self.values[name] = clean(self.typed(name), lines=True)
        try:
            return cleaner(self.typed(name))
        except Invalid as error:
            self.fail(name, say_error(error.code, error.message))
            return ""

    def phone(self, name: str, *, optional: bool = False) -> str:
        """Digits of a phone number; empty when it is optional and nothing was typed."""
        if optional and not clean(self.typed(name)):
            self.values[name] = ""
            return ""
        return self.take(name, clean_phone)

    def choice(self, name: str, options: Mapping[str, Any], empty: str) -> str:
        found = self._raw(name)[:200]
        self.values[name] = found if found in options else ""
        if found not in options:
            self.fail(name, empty)
            return ""
        return found

    def choices(self, name: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Every ticked box that is on offer; a value that is not on offer is an error."""
        getall = getattr(self._data, "getall", None)
        given = [str(item) for item in (getall(name, []) if getall else [self._raw(name)]) if item][:200]
        found = tuple(dict.fromkeys(item for item in given if item in options))
        self.values[name] = "\n".join(found)
        if len(found) != len(set(given)):
            self.fail(name, "选项有变化，请重新选择")
        return found

    def ticked(self, name: str) -> bool:
        found = self._raw(name) == "yes"
        self.values[name] = "yes" if found else ""
        return found

    def day(self, name: str) -> date | None:
        """A day between 2000 and 2199 of a field that may stay empty; `values` holds it already."""
        if not self.value(name):
            return None
        try:
            found = date.fromisoformat(self.value(name))
        except ValueError:
            found = date.min
        if not 2000 <= found.year < 2200:
            self.fail(name, "请填写日期，例如 2026-11-25")
            return None
        return found

    def typed_day(self, name: str, empty: str = "") -> date | None:
        """The day typed into a field; a field that must not stay empty names the message for it."""
        self.values[name] = clean(self.typed(name))[:20]
        if not self.values[name] and empty:
            self.fail(name, empty)
        return self.day(name)

    def typed_hour(self, name: str) -> time | None:
        """The time of day typed into a field, without a zone: civil time of the offices."""
        self.values[name] = clean(self.typed(name))[:10]
        try:
            return time.fromisoformat(self.values[name]).replace(tzinfo=None)
        except ValueError:
            self.fail(name, "请填写时间，例如 09:30")
            return None

    def number(self, name: str, message: str) -> int | None:
        """A whole number of at most four digits."""
        self.values[name] = clean(self.typed(name))[:20]
        if not (self.values[name].isascii() and self.values[name].isdigit() and len(self.values[name]) < 5):
            self.fail(name, message)
            return None
        return int(self.values[name])

    def moment(self, day_name: str, time_name: str, now: datetime) -> datetime | None:
        """Local date and time of day to an aware moment, not past and at most 180 days ahead."""
        typed_day, typed_time = self._raw(day_name)[:20], self._raw(time_name)[:10]
        self.values[day_name], self.values[time_name] = clean(typed_day), clean(typed_time)
        day = self._parse(day_name, typed_day, date.fromisoformat, "请选择日期，例如 2026-11-25")
        hour = self._parse(time_name, typed_time, time.fromisoformat, "请选择时间，例如 09:30")
        if day is None or hour is None:
            return None
        found = datetime.combine(day, hour.replace(tzinfo=None), BEIJING)
        if found < now - timedelta(minutes=30):
            self.fail(day_name, "这个时间已经过去，请选择以后的时间")
        elif found > now + timedelta(days=180):
            self.fail(day_name, "最多可以预约 180 天以内的时间")
        return found

    def _parse(self, name: str, typed: str, parse: Any, message: str) -> Any:
        try:
            return parse(typed.strip())
        except ValueError:
            self.fail(name, message)
            return None

    def _raw(self, name: str) -> str:
        found = self._data.get(name, "")
        return found if isinstance(found, str) else ""
