"""Calling the next one, postponing, other ways of reception, and a call that nobody answers."""

from __future__ import annotations

import pytest

from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import list_incidents
from signaling.calls import ANSWER_WITHIN
from signaling.handlers.queueing import TO_ARRANGE
from tests.signaling.hall import Hall, names
from tests.signaling.test_conduct import events
from tests.signaling.test_hosting import tick


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def test_the_next_one_is_who_is_there_and_ready(hall: Hall) -> None:
    host = await hall.client("host")
    assert (await host.ask("call_next"))["code"] == "nobody_waits"
    first, second = await hall.client("petitioner"), await hall.client("companion")
    third = await hall.client("proxy")
    assert (await host.ask("call_next"))["code"] == "nobody_waits"
    for client in (first, second, third):
        await client.ask("ready", device={})
    await first.ask("step_away")
    await second.drop()
    await host.room_where(lambda room: room["lobby"][1]["presence"] == "reconnecting")
    assert (await host.ask("call_next"))["type"] == "ok"
    await third.push("admitted")
    # Passed over, not punished.
    await host.room_where(lambda room: names(room, "lobby") == [first.id, second.id])


async def test_postponed_one_place_or_to_the_end_with_words(hall: Hall) -> None:
    host = await hall.client("host")
    a, b, c = [await hall.client(who) for who in ("petitioner", "companion", "proxy")]
    await host.ask("postpone", participant_id=a.id, to="next", reason="前一位\u202e还要十分钟")
    await host.room_where(lambda room: names(room, "lobby") == [b.id, a.id, c.id])
    told = await a.until(lambda push: push["type"] == "queue" and push["note"] != "")
    assert told["note"] == "工作人员请您稍等，已顺延一位，号为您保留：前一位还要十分钟"
    assert (told["position"], told["number"]) == (2, "A001")
    await host.ask("postpone", participant_id=b.id, to="last", reason="")
    await host.room_where(lambda room: names(room, "lobby") == [a.id, c.id, b.id])
    await host.ask("postpone", participant_id=b.id, to="next", reason="")  # Already the last.
    await host.room_where(lambda room: names(room, "lobby") == [a.id, c.id, b.id])
    found = await events(hall, "participant.postponed")
    assert [data["to"] for _, _, data in found] == ["next", "last", "next"]


@pytest.mark.parametrize(
    ("to", "words"), [("telephone", "电话接访"), ("on_site", "现场接访"), ("another_day", "另一天接访")]
)
async def test_received_in_another_way_with_clear_words(hall: Hall, to: str, words: str) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("open")
    await host.ask("refer", participant_id=citizen.id, to=to, reason="画面打不开")
    told = await citizen.push("referred")
    assert told["to"] == to and words in told["message"] and told["message"].endswith("画面打不开")
    assert await citizen.closed() == 4410
    await host.room_where(lambda room: room["lobby"] == [])
    again = await hall.socket()
    refused = await again.authenticate(await hall.ticket("petitioner"))
    assert refused["code"] == "forbidden" and words in refused["message"]
    assert (await host.ask("refer", participant_id=citizen.id, to=to, reason=""))["code"] == "not_found"
    # What the words promise is somebody's task until it is done, also after the sitting.
    for close in (False, True):
        if close:
            assert (await host.ask("close"))["type"] == "ok"
        await hall.registry.rooms[hall.session_id].backlog.settle()
        async with hall.database.session() as db:
            (task,) = await list_incidents(db, hall.session_id)
        assert task.open and task.incident.cause is Cause.PROMISED_OTHERWISE
        assert task.incident.name and TO_ARRANGE[to] in task.words and task.words.endswith("画面打不开")


async def test_a_call_without_an_answer_keeps_the_number_one_place_back(hall: Hall) -> None:
    host = await hall.client("host")
    a, b, c = [await hall.client(who) for who in ("petitioner", "companion", "proxy")]
    await a.ask("ready", device={})
    await host.ask("call_next")
    await a.push("admitted")
    await tick(hall, ANSWER_WITHIN.total_seconds() - 1)
    await host.room_where(lambda room: names(room, "lobby") == [b.id, c.id])
    await tick(hall, 1)
    await a.push("moved_to_lobby")
    await host.room_where(lambda room: names(room, "lobby") == [b.id, a.id, c.id])
    told = await a.until(lambda push: push["type"] == "queue" and push["note"] != "")
    assert "没有接通" in told["note"] and told["number"] == "A001"
    assert len(await events(hall, "participant.missed_call")) == 1


async def test_who_answers_with_sound_alone_or_is_delayed_by_the_server_stays(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    for client in (citizen, companion):
        await host.ask("admit", participant_id=client.id)
    await citizen.ask("publish", sdp="x", sources={"0": "microphone"})
    await hall.worker.kill()
    await host.push("media_lost")
    await tick(hall, ANSWER_WITHIN.total_seconds() + 1)
    # A room that was told after the minute, not one still on its way from before.
    await host.ask("raise_hand", raised=True)
    room = await host.room_where(lambda room: any(each["hand_raised_at"] for each in room["participants"]))
    assert room["lobby"] == []
    assert {citizen.id, companion.id} <= set(names(room))
