"""候访顺序 on the board: who of an office's waiting people is called next, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from scheduling.arrival.calling_order import InLine, Turn, in_calling_order, walked_in
from scheduling.session import Session
from signaling.overview import Overview
from web.words import clock_time, masked_name, waited

TURN_WORDS: Mapping[Turn, str] = {
    Turn.DUE: "预约，到时间了",
    Turn.WALK_IN: "没有预约",
    Turn.LATE: "预约，迟到超过 15 分钟",
    Turn.EARLY: "预约，还没到时间",
}


def lines_of(rooms: Iterable[tuple[Session, Overview, bool]], now: datetime) -> list[dict[str, Any]]:
    """One line for each office where people wait, in the order of the day's first session.

    `rooms`: session, what its room says, and whether the reader may know the names.
    """
    offices: dict[str, dict[str, Any]] = {}
    for session, room, named in rooms:
        line = offices.setdefault(
            session.host_organisation_id, {"office": session.host.short_name, "waiting": [], "known": {}}
        )
        for each in room.waiting:
            booked_for = None if walked_in(session) else session.starts_at
            one = InLine(f"{session.id} {each.number}", each.number, each.since, booked_for)
            line["waiting"].append(one)
            line["known"][one.id] = {
                "name": each.name if named else masked_name(each.name),
                "session_id": session.id,
                "gone": each.presence != "connected",
            }
    return [
        {
            "office": line["office"],
            "people": [
                line["known"][one.id]
                | {
                    "number": one.number,
                    "turn": TURN_WORDS[turn],
                    "booked": clock_time(one.booked_for) if one.booked_for else "",
                    "since": one.since,
                    "waited": waited(one.since, now),
                }
                for one, turn in in_calling_order(line["waiting"], now)
            ],
        }
        for line in offices.values()
        if line["waiting"]
    ]
