"""The waiting room: order, positions, called in, sent away, sent back, taken out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.errors import RuleError
from cases.policy import SYSTEM
from scheduling.arrival.consent import decline_consent
from scheduling.links import find_link, issue_link
from scheduling.transitions import reachable_from
from signaling import seat
from signaling.waiting import TRANSITIONS, Waiting
from tests.signaling.hall import Hall, find, names
from tests.signaling.test_conduct import events
from tests.signaling.test_hosting import tick

TEN_MINUTES = timedelta(minutes=10)


async def test_order_and_positions(hall: Hall) -> None:
    host = await hall.client("host")
    people = [await hall.client(who) for who in ("petitioner", "companion", "interpreter")]
    assert [person.welcome["queue"]["position"] for person in people] == [1, 2, 3]
    assert [person.welcome["queue"]["ahead"] for person in people] == [0, 1, 2]
    assert [person.welcome["queue"]["number"] for person in people] == ["A001", "A002", "A003"]
    room = await host.room_where(lambda room: len(room["lobby"]) == 3)
    assert names(room, "lobby") == [person.id for person in people]
    await host.ask("admit", participant_id=people[0].id)
    await people[2].until(lambda push: push["type"] == "queue" and push["position"] == 2)
    await people[2].ask("ready", device={})
    told = await people[2].until(lambda push: push["type"] == "queue" and "还有" in push["state_text"])
    assert told["state_text"] == "您前面还有 1 位"


async def test_who_waits_learns_nothing_of_the_room(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await hall.client("petitioner")
    await host.ask("raise_hand", raised=True)
    await host.ask("chat", text="内部意见")
    await host.room_where(lambda room: room["participants"][0]["hand_raised_at"] is not None)
    assert {push["type"] for push in citizen.pushes} <= {"welcome", "queue"}
    assert citizen.welcome["room"] is None


async def test_an_admitted_guest_does_not_see_the_lobby(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    await host.ask("admit", participant_id=citizen.id)
    await citizen.push("room")
    assert citizen.room["lobby"] == []
    assert names(host.room, "lobby") == [companion.id]


async def test_admit_twice_is_bad_state(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    assert (await host.ask("admit", participant_id=citizen.id))["type"] == "ok"
    assert (await host.ask("admit", participant_id=citizen.id))["code"] == "bad_state"
    assert (await host.ask("deny", participant_id=citizen.id, reason=""))["code"] == "bad_state"


async def test_deny_closes_and_keeps_out_until_a_new_link(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("deny", participant_id=citizen.id, reason="请先\u202e登记")
    assert (await citizen.push("denied"))["reason"] == "请先登记"
    assert await citizen.closed() == 4410
    again = await hall.socket()
    assert (await again.authenticate(await hall.ticket("petitioner")))["code"] == "forbidden"
    assert await again.closed() == 4403
    hall.clock.advance(seconds=1)
    async with hall.database.session() as db:
        await issue_link(db, hall.clock, SYSTEM, hall.actors["petitioner"].invitation_id or "")
    back = await hall.client("petitioner")
    assert (back.welcome["place"], back.id) == ("lobby", citizen.id)


async def test_move_to_lobby_and_back(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    await host.ask("admit", participant_id=citizen.id)
    await citizen.ask("publish", sdp="x", sources={"0": "camera"})
    await host.ask("move_to_lobby", participant_id=citizen.id, reason="")
    await citizen.push("moved_to_lobby")
    assert citizen.id not in hall.worker.rooms[hall.session_id].people
    # The number gives the place: before the companion, who came later.
    room = await host.room_where(lambda room: len(room["lobby"]) == 2)
    assert names(room, "lobby") == [citizen.id, companion.id]
    assert (await citizen.ask("publish", sdp="x", sources={}))["code"] == "bad_state"
    await host.ask("admit", participant_id=citizen.id)
    assert (await citizen.ask("publish", sdp="x", sources={"0": "camera"}))["type"] == "ok"


async def test_officials_are_not_sent_to_wait(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    assert (await host.ask("move_to_lobby", participant_id=joint.id, reason=""))["code"] == "forbidden"
    assert (await host.ask("remove", participant_id=host.id, reason=""))["code"] == "forbidden"


async def test_remove_takes_seat_media_and_link(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    invitation = hall.actors["petitioner"].invitation_id or ""
    async with hall.database.session() as db:
        await issue_link(db, hall.clock, SYSTEM, invitation)
    await host.ask("admit", participant_id=citizen.id)
    await citizen.ask("publish", sdp="x", sources={"0": "camera"})
    assert (await host.ask("remove", participant_id=citizen.id, reason=" \u202e"))["code"] == "bad_state"
    assert (await host.ask("remove", participant_id=citizen.id, reason="扰乱秩序"))["type"] == "ok"
    assert [data["reason"] for _, _, data in await events(hall, "participant.removed")] == ["扰乱秩序"]
    assert (await citizen.push("removed"))["reason"] == "扰乱秩序"
    assert await citizen.closed() == 4410
    assert citizen.id not in hall.worker.rooms[hall.session_id].people
    async with hall.database.session() as db:
        assert await find_link(db, invitation) is None
    again = await hall.socket()
    refused = await again.authenticate(await hall.ticket("petitioner"))
    assert (refused["code"], refused["message"]) == ("forbidden", "扰乱秩序")
    await host.room_where(lambda room: names(room) == [host.id])


async def test_stepping_away_keeps_the_place_for_ten_minutes(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    await citizen.ask("step_away")
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "away")
    assert names(room, "lobby") == [citizen.id, companion.id]
    hall.clock.advance(minutes=9, seconds=59)
    await citizen.ask("ready", device={})
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["ready"])
    assert names(room, "lobby") == [citizen.id, companion.id]
    await citizen.ask("step_away")
    hall.clock.advance(minutes=10, seconds=1)
    room = await host.room_where(lambda room: names(room, "lobby") == [companion.id, citizen.id])
    await citizen.ask("ready", device={})
    await host.room_where(lambda room: names(room, "lobby") == [companion.id, citizen.id])


async def test_a_dropped_phone_keeps_the_place_for_ten_minutes_and_no_longer(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    number = citizen.welcome["queue"]["number"]
    await citizen.drop()
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "reconnecting")
    assert names(room, "lobby") == [citizen.id, companion.id]
    gone = hall.registry.rooms[hall.session_id].room.people[citizen.id].absent_since
    assert gone is not None
    hall.clock.set(gone + TEN_MINUTES)
    await tick(hall)
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "away")
    assert names(room, "lobby") == [citizen.id, companion.id], "not a second earlier"
    hall.clock.set(gone + TEN_MINUTES - timedelta(seconds=1))
    citizen = await hall.client("petitioner")  # Takes a second.
    assert (citizen.welcome["queue"]["ahead"], citizen.welcome["queue"]["number"]) == (0, number)
    await tick(hall)  # Back is seen by who looks each second, too.

    await citizen.drop()
    await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "reconnecting")
    await tick(hall, 400)
    await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "away")
    await tick(hall, 201)  # Nothing else changes now but the order.
    await host.room_where(lambda room: names(room, "lobby") == [companion.id, citizen.id])
    citizen = await hall.client("petitioner")
    assert (citizen.welcome["queue"]["ahead"], citizen.welcome["queue"]["number"]) == (1, number)


async def test_who_stepped_away_comes_back_by_a_tap_with_the_same_number(hall: Hall) -> None:
    host = await hall.client("host")
    citizen, companion = await hall.client("petitioner"), await hall.client("companion")
    await citizen.ask("ready", device={})
    await citizen.ask("come_back")  # Nobody was away.
    await citizen.ask("step_away")
    until = (await citizen.until(lambda push: push["type"] == "queue" and push["away_until"]))["away_until"]
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "away")
    assert find(room, citizen.id, "lobby")["away_until"] == until
    hall.clock.advance(minutes=6)
    assert (await citizen.ask("step_away"))["code"] == "bad_state", "no ten minutes more"
    await hall.kill_web()
    await hall.start_web()
    citizen, host = await hall.client("petitioner"), await hall.client("host")
    companion = await hall.client("companion")
    assert citizen.welcome["queue"]["away_until"] == until, "a reload and a restart are no return"
    assert (await host.ask("call_next"))["code"] == "nobody_waits"
    await citizen.ask("come_back")
    room = await host.room_where(lambda room: find(room, citizen.id, "lobby")["away_until"] is None)
    assert names(room, "lobby") == [citizen.id, companion.id]
    assert find(room, citizen.id, "lobby")["ready"], "the devices were checked before"
    await citizen.ask("step_away")
    hall.clock.advance(minutes=11)
    await host.room_where(lambda room: names(room, "lobby") == [companion.id, citizen.id])
    told = await citizen.until(lambda push: push["type"] == "queue" and "排到最后" in push["state_text"])
    assert told["number"] == "A001"
    await citizen.ask("come_back")
    await host.room_where(lambda room: find(room, citizen.id, "lobby")["presence"] == "connected")
    assert len(await events(hall, "participant.place_lost")) == 1


@pytest.mark.parametrize("state", Waiting)
def test_every_way_of_waiting_leads_back_to_ready(state: Waiting) -> None:
    assert Waiting.READY in reachable_from(TRANSITIONS, state)
    assert Waiting.AWAY not in TRANSITIONS[Waiting.AWAY]


async def test_numbers_start_again_each_day(hall: Hall) -> None:
    await hall.client("petitioner")
    hall.clock.advance(days=1)
    companion = await hall.client("companion")
    assert companion.welcome["queue"]["number"] == "A001"


async def test_no_ticket_without_consent(hall: Hall) -> None:
    async with hall.database.session() as db:
        await decline_consent(db, hall.clock, hall.actors["petitioner"])
    with pytest.raises(RuleError) as refused:
        await hall.ticket("petitioner")
    assert refused.value.code == "consent_needed"


async def test_chat_never_reaches_the_petitioners_side(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    guests = [await hall.client(who) for who in ("petitioner", "interpreter", "third_party")]
    for guest in guests[:2]:
        await host.ask("admit", participant_id=guest.id)
    await host.ask("chat", text="请市局\n先\u200e答复\x07")
    said = await joint.push("chat")
    assert (said["text"], said["from"], said["name"]) == ("请市局 先答复", host.id, "胡玉梅")
    assert (await host.push("chat"))["text"] == said["text"]
    assert (await guests[0].ask("chat", text="我也说"))["code"] == "forbidden"
    # Whatever was sent to them by now has arrived when the answer has.
    for guest in guests:
        await guest.ask("ping")
        assert all(push["type"] != "chat" for push in guest.pushes)


async def test_the_number_somebody_else_took_meanwhile_is_left_to_them(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hall.client("petitioner")
    honest = seat._next_number
    answers = [1]  # What the second one read before the first had written it.

    async def stale(*where: object) -> int:
        return answers.pop() if answers else await honest(*where)  # type: ignore[arg-type]

    monkeypatch.setattr(seat, "_next_number", stale)
    second = await hall.client("companion")
    assert second.welcome["queue"]["number"] == "A002"
    assert not answers
