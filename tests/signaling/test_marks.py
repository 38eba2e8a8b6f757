"""Marks and chat of officials: kept with the session, taken back by a second entry, never told to guests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scheduling.session_events import SessionEvent, list_events
from signaling.marks import MOST_MARKS
from tests.signaling.hall import Client, Hall
from tests.signaling.test_deliberation import confer, sit

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def events(hall: Hall, noun: str) -> list[SessionEvent]:
    async with hall.database.session() as db:
        return [each for each in await list_events(db, hall.session_id) if each.kind.startswith(noun)]


async def marks(client: Client, count: int) -> list[dict[str, Any]]:
    """The newest list, once it has so many."""
    push = await client.until(lambda push: push["type"] == "marks" and len(push["marks"]) == count)
    found = [push for push in client.pushes if push["type"] == "marks"]
    assert push in found
    return list(found[-1]["marks"])


async def test_a_mark_has_its_moment_and_is_taken_back_by_a_second_entry(hall: Hall) -> None:
    host, joint, clerk, citizen = await sit(hall)
    hall.clock.advance(seconds=7)
    at = hall.clock.now()
    answer = await joint.ask("mark", mark="promise", note="三日内\u202e恢复供暖\n")
    assert answer["type"] == "ok"
    (mark,) = await marks(clerk, 1)
    assert (mark["mark"], mark["note"], mark["by"]) == ("promise", "三日内恢复供暖", joint.id)
    (event,) = await events(hall, "mark.")
    assert event.at == at and event.data == {"mark": "promise", "text": "承诺：三日内恢复供暖"}
    assert (await clerk.ask("withdraw_mark", mark_id=mark["id"]))["code"] == "forbidden"
    for _ in range(2):
        assert (await host.ask("withdraw_mark", mark_id=mark["id"]))["type"] == "ok"
    await joint.until(lambda push: push["type"] == "marks" and push["marks"][0]["withdrawn_by"] is not None)
    assert [each.kind for each in await events(hall, "mark.")] == ["mark.set", "mark.withdrawn"]
    assert (await citizen.ask("mark", mark="care", note=""))["code"] == "forbidden"
    assert [push for push in citizen.pushes if push["type"] in ("marks", "chat")] == []


async def test_marks_are_of_the_sitting_and_outlive_the_web_process(hall: Hall) -> None:
    host, joint, _, _ = await sit(hall)
    await joint.ask("mark", mark="care", note="")
    await confer(host, host, joint)
    assert (await host.ask("mark", mark="key", note=""))["code"] == "bad_state"
    await hall.kill_web()
    await hall.start_web()
    clerk = await hall.client("recorder")
    (mark,) = await marks(clerk, 1)
    assert mark["mark"] == "care" and mark["note"] == ""
    assert (await clerk.ask("withdraw_mark", mark_id="x"))["code"] == "not_found"
    assert (await clerk.ask("mark", mark="person", note=""))["code"] == "bad_message"
    room = hall.registry.rooms[hall.session_id].room
    room.deliberation = None
    room.marks.update(dict.fromkeys((str(n) for n in range(MOST_MARKS)), next(iter(room.marks.values()))))
    assert (await clerk.ask("mark", mark="key", note=""))["code"] == "bad_state"


async def test_chat_has_one_order_for_all_and_is_kept_but_not_what_is_private(hall: Hall) -> None:
    host, joint, clerk, citizen = await sit(hall)
    await asyncio.gather(
        *(each.ask("chat", text=f"第{n}句") for n, each in enumerate((host, joint, clerk) * 2))
    )
    told = [[push["text"] for push in each.pushes if push["type"] == "chat"] for each in (host, joint, clerk)]
    assert len(told[0]) == 6 and told[0] == told[1] == told[2]
    assert [each.data["text"] for each in await events(hall, "chat.")] == told[0]
    await confer(host, host, joint)
    await joint.ask("chat", text="合议里的话")
    await host.until(lambda push: push.get("text") == "合议里的话")
    assert len(await events(hall, "chat.")) == 6
    assert [push for push in citizen.pushes if push["type"] == "chat"] == []
