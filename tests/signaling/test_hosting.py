"""The host's part: handed over, taken over within five seconds of a crash, taken back; two who close."""

from __future__ import annotations

import asyncio
import time

import pytest

from scheduling.session import Session
from scheduling.sessions.invitations import invitation_for_official
from signaling.succession import RELOAD
from tests.signaling.hall import Client, Hall, find
from tests.signaling.test_conduct import events


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def tick(hall: Hall, seconds: float = 0) -> None:
    """A second of the registry's ticker, after so many of the clock."""
    hall.clock.advance(seconds=seconds)
    live = hall.registry.rooms[hall.session_id]
    await hall.registry._look_after(hall.session_id, live, hall.clock.now())


async def role(client: Client, who: Client, wanted: str) -> None:
    await client.room_where(lambda room: find(room, who.id)["role"] == wanted)


async def state_of(hall: Hall) -> str:
    async with hall.database.session() as db:
        session = await db.get(Session, hall.session_id)
    assert session is not None
    return str(session.state)


async def test_handed_over_to_a_colleague_who_then_conducts_and_closes(hall: Hall) -> None:
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    await host.ask("open")
    assert (await city.ask("pause", reason="休息"))["code"] == "forbidden"
    assert (await host.ask("hand_over", participant_id=city.id))["type"] == "ok"
    told = await city.push("rights")
    assert told["role"] == "host" and "close" in told["rights"]
    await role(host, city, "host")
    assert "close" not in (await host.push("rights"))["rights"]
    assert (await host.ask("close"))["code"] == "forbidden"
    assert (await city.ask("pause", reason="休息"))["type"] == "ok"
    assert (await host.ask("take_back"))["code"] == "bad_state"  # It was given away on purpose.
    assert (await city.ask("close"))["type"] == "ok"
    assert await state_of(hall) == "closed"
    names = {client.id: find(client.room, client.id)["name"] for client in (host, city)}
    (handed,) = await events(hall, "host.handed_over")
    assert handed[1] == names[host.id] and handed[2]["to_name"] == names[city.id]
    (closed,) = await events(hall, "session.closed")
    assert closed[1] == names[city.id]  # Under the own name, not the system's.


async def test_to_whom_it_cannot_be_given(hall: Hall) -> None:
    host, observer = await hall.client("host"), await hall.client("observer")
    city, citizen = await hall.client("joint_receptionist"), await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    for who in (observer, citizen):
        assert (await host.ask("hand_over", participant_id=who.id))["code"] == "forbidden"
        assert (await host.ask("name_deputy", participant_id=who.id))["code"] == "forbidden"
    assert (await host.ask("hand_over", participant_id=host.id))["code"] == "bad_state"
    await city.drop()
    await host.room_where(lambda room: find(room, city.id)["presence"] != "connected")
    assert (await host.ask("hand_over", participant_id=city.id))["code"] == "bad_state"


async def test_the_named_deputy_takes_over_and_gives_it_back(hall: Hall) -> None:
    host, first = await hall.client("host"), await hall.client("joint_receptionist")
    deputy = await hall.client("province")
    await host.ask("open")
    await host.ask("begin_phase", phase="statement")
    await host.ask("name_deputy", participant_id=deputy.id)
    await deputy.room_where(lambda room: room["conduct"]["deputy"] == deputy.id)
    await host.drop()
    await first.room_where(lambda room: find(room, host.id)["presence"] == "reconnecting")
    await tick(hall, RELOAD.total_seconds() - 1)
    assert (await deputy.ask("resume"))["code"] == "forbidden"  # A reload is no crash.
    await tick(hall, 1)
    await role(first, deputy, "host")
    room = await first.room_where(lambda room: room["conduct"]["displaced"] == host.id)
    assert find(room, first.id)["role"] == "joint_receptionist"
    # A host always speaks.
    await first.room_where(lambda room: not find(room, deputy.id)["sources"]["microphone"]["locked"])
    assert (await deputy.ask("pause", reason="主持人掉线"))["type"] == "ok"
    host = await hall.client("host")
    assert host.welcome["role"] == "joint_receptionist" and "take_back" in host.welcome["rights"]
    assert (await first.ask("take_back"))["code"] == "bad_state"
    assert (await host.ask("take_back"))["type"] == "ok"
    await role(first, host, "host")
    await role(first, deputy, "joint_receptionist")
    assert (await host.ask("resume"))["type"] == "ok"
    kinds = [kind for kind, _, _ in await events(hall, "host.succeeded", "host.taken_back")]
    assert kinds == ["host.succeeded", "host.taken_back"]


async def test_a_first_host_who_has_the_part_again_cannot_take_it_from_himself(hall: Hall) -> None:
    """Nobody would conduct any more."""
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    witness = await hall.client("observer")
    await host.ask("open")
    for gone, heir in ((host, "joint_receptionist"), (city, "host")):
        await gone.drop()
        await witness.room_where(lambda room, who=gone: find(room, who.id)["presence"] == "reconnecting")
        if heir == "host":
            host = await hall.client("host")
        await tick(hall, RELOAD.total_seconds())
        await role(witness, host if heir == "host" else city, "host")
    await witness.room_where(lambda room: room["conduct"]["displaced"] is None)
    city = await hall.client("joint_receptionist")
    for who in (host, city):
        assert (await who.ask("take_back"))["code"] == "bad_state"
    assert (await host.ask("pause", reason="休息"))["type"] == "ok"
    assert (await city.ask("resume"))["code"] == "forbidden"
    await hall.kill_web()  # Read again from the events it is the same.
    await hall.start_web()
    host = await hall.client("host")
    assert host.welcome["role"] == "host"


async def test_the_part_survives_a_restart_and_nobody_is_displaced_by_it(hall: Hall) -> None:
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    await host.ask("open")
    await host.ask("hand_over", participant_id=city.id)
    await hall.kill_web()
    await hall.start_web()
    province = await hall.client("province")
    await tick(hall, 5)
    city = await hall.client("joint_receptionist")
    assert city.welcome["role"] == "host" and province.welcome["role"] == "joint_receptionist"
    assert await events(hall, "host.succeeded") == []


async def test_before_the_sitting_and_with_another_host_nobody_takes_over(hall: Hall) -> None:
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    await host.drop()
    await city.room_where(lambda room: find(room, host.id)["presence"] == "reconnecting")
    await tick(hall, 30)
    assert find(city.room, city.id)["role"] == "joint_receptionist"


@pytest.mark.real_time
async def test_after_a_crash_somebody_can_act_within_five_seconds(hall: Hall) -> None:
    """By the real ticker; only the wall clock that the room reads runs along."""
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    await host.ask("open")
    began = time.monotonic()
    await host.drop()
    while (await city.ask("arrange", layout="grid", spotlight=""))["type"] != "ok":
        hall.clock.advance(seconds=0.1)
        await asyncio.sleep(0.1)
    wait = time.monotonic() - began
    print(f"host's part taken over after {wait:.1f} s")
    assert wait <= 5.0


async def test_two_hosts_close_at_once_one_does_and_the_other_is_told(hall: Hall) -> None:
    host = await hall.client("host")
    async with hall.database.session() as db:
        leader = hall.world.actor("xigu.leader")
        await invitation_for_official(db, hall.clock, leader, hall.session_id)
    hall.actors["leader"] = leader
    other = await hall.client("leader")
    assert other.welcome["role"] == "host"
    await host.ask("open")
    await asyncio.gather(host.send("close"), other.send("close"))
    assert await host.closed() == await other.closed() == 1000
    told = [(await client.push("session_closed"))["message"] for client in (host, other)]
    ended_by = host if told[0] == "" else other
    name = find(host.room, ended_by.id)["name"]
    assert sorted(told) == ["", f"{name}结束了接访，录音录像正在封存。"]
    (closed,) = await events(hall, "session.closed")
    assert closed[1] == name
