"""Writing iCalendar objects (RFC 5545): lines, escapes, folding, zone, and events with their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cases.clock import BEIJING

ZONE = "Asia/Shanghai"
FOLD = 75  # Octets of a line without its line break (section 3.1).
PRODUCT = "-//Lianxin//Reception calendar//ZH"


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One entry. `uid` stays for ever, `revision` grows with each change (sections 3.8.4.7, 3.8.7.4).

    Times are aware and written in civil time of Beijing. `alarms`: how long before the start to remind.
    """

    uid: str
    revision: int
    changed_at: datetime
    starts_at: datetime
    ends_at: datetime
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    cancelled: bool = False
    tentative: bool = False
    alarms: tuple[timedelta, ...] = ()


def write_calendar(events: Iterable[CalendarEvent], method: str = "PUBLISH", name: str = "") -> bytes:
    """A whole calendar object as UTF-8. `method`: PUBLISH for a feed, REQUEST or CANCEL for one entry."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN", f"METHOD:{method}"]
    if name:
        lines += [f"X-WR-CALNAME:{escape(name)}", f"X-WR-TIMEZONE:{ZONE}"]
    lines += ["REFRESH-INTERVAL;VALUE=DURATION:PT15M", "X-PUBLISHED-TTL:PT15M"] if name else []
    lines += _zone()
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return "".join(f"{part}\r\n" for line in lines for part in fold(line)).encode()


def escape(text: str) -> str:
    """A TEXT value (section 3.3.11)."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, escaped)
    return "".join(char for char in text if char >= " ")


def fold(line: str) -> Sequence[str]:
    """The line in pieces of at most 75 octets, no character cut in two, those after the first indented."""
    pieces, room, piece = [], FOLD, ""
    for char in line:
        width = len(char.encode())
        if width > room:
            pieces.append(piece)
            piece, room = " ", FOLD - 1
        piece += char
        room -= width
    return [*pieces, piece]


def _event(event: CalendarEvent) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{event.uid}",
        f"SEQUENCE:{event.revision}",
        f"DTSTAMP:{_utc(event.changed_at)}",
        f"LAST-MODIFIED:{_utc(event.changed_at)}",
        f"DTSTART;TZID={ZONE}:{_local(event.starts_at)}",
        f"DTEND;TZID={ZONE}:{_local(event.ends_at)}",
        f"SUMMARY:{escape(event.summary)}",
        f"STATUS:{_status(event)}",
    ]
    for name, text in (("LOCATION", event.location), ("DESCRIPTION", event.description)):
        lines += [f"{name}:{escape(text)}"] if text else []
    lines += [f"URL:{event.url}"] if event.url else []
    for before in () if event.cancelled else event.alarms:
        minutes = int(before.total_seconds()) // 60
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{escape(event.summary)}"]
        lines += [f"TRIGGER:-PT{minutes}M", "END:VALARM"]
    return [*lines, "END:VEVENT"]


def _status(event: CalendarEvent) -> str:
    """Section 3.8.1.11."""
    if event.cancelled:
        return "CANCELLED"
    return "TENTATIVE" if event.tentative else "CONFIRMED"


def _zone() -> list[str]:
    """Beijing time: eight hours ahead, and no summer time since 1991 (section 3.6.5)."""
    standard = ["DTSTART:19910915T000000", "TZOFFSETFROM:+0800", "TZOFFSETTO:+0800", "TZNAME:CST"]
    inner = ["BEGIN:STANDARD", *standard, "END:STANDARD"]
    return ["BEGIN:VTIMEZONE", f"TZID:{ZONE}", *inner, "END:VTIMEZONE"]


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _local(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y%m%dT%H%M%S")
