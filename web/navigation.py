"""The main navigation of officials: only what leads somewhere, in groups."""

from __future__ import annotations

from dataclasses import dataclass

from cases.policy import Action, Actor, allowed

PLACES = (
    ("board", "/board", "今日接访", Action.SEE_BOARD),
    ("calendar", "/calendar", "接访排期", Action.SEE_BOARD),
    ("bookings", "/bookings", "预约", Action.BOOK),
    ("cases", "/cases", "信访件", Action.SEE_PETITION),
    ("clocks", "/clocks", "期限", Action.SEE_PETITION),
    ("supervision", "/supervision", "督办", Action.SEE_PETITION),
    ("campaigns", "/campaigns", "领导包案", Action.SEE_PETITION),
    ("mediation", "/mediation", "调解", Action.SEE_MEDIATION),
    ("alarms", "/alarms", "录像告警", Action.SEE_ALARMS),
    ("archive", "/archive", "录像归档", Action.SEE_ARCHIVE),
    ("requests", "/requests", "群众的请求", Action.RECEIVE),
    ("outbox", "/outbox", "通知", Action.SEE_OUTBOX),
    ("figures", "/figures", "统计分析", Action.SEE_FIGURES),
    ("ratings", "/ratings", "群众评价", Action.SEE_RATINGS),
    ("search", "/recordings", "录像检索", Action.REPLAY),
    ("administration", "/administration", "系统管理", Action.SEE_ADMINISTRATION),
)
# Each place stands in one group (tests/web/test_navigation.py).
GROUPS = (
    ("接访", ("board", "calendar", "bookings", "requests", "outbox")),
    ("信访件", ("cases", "clocks", "supervision", "campaigns", "mediation")),
    ("录像", ("search", "archive", "alarms")),
    ("统计", ("figures", "ratings")),
    ("管理", ("administration",)),
)
# What stands in the row itself where there is room; the menu holds everything.
MOST_IN_ROW = 5


@dataclass(frozen=True, slots=True)
class Place:
    """One page of the navigation."""

    name: str
    href: str
    words: str


def places_of(actor: Actor | None) -> list[tuple[str, str, str]]:
    """(name, address, words) of the pages that the actor may open."""
    if actor is None:
        return []
    return [(name, href, words) for name, href, words, action in PLACES if allowed(actor, action)]


def groups_of(places: list[tuple[str, str, str]]) -> list[tuple[str, list[Place]]]:
    """The same by groups, without those in which nothing is left."""
    known = {name: Place(name, href, words) for name, href, words in places}
    found = [(title, [known[name] for name in names if name in known]) for title, names in GROUPS]
    return [(title, group) for title, group in found if group]
