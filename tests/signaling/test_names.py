"""Whose names are read by whom: who helps in a session and is no party to it reads citizens masked."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from cases.audit import AuditEntry
from cases.policy import INVITATION_ACTIONS, Action
from cases.roles import InvitationRole
from tests.signaling.hall import Client, Hall, find

MASKED = ("department", "observer", "interpreter", "mediator", "third_party")


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def inside(hall: Hall, host: Client, who: str) -> Client:
    client = await hall.client(who)
    if client.welcome["place"] == "lobby":
        await host.ask("admit", participant_id=client.id)
        await client.push("admitted")
    return client


def told(client: Client) -> set[str]:
    """Every name this client was ever told."""
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("name"), str):
                found.add(value["name"])
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(client.pushes)
    look(client.welcome)
    return found


async def test_who_is_no_party_reads_citizens_masked_and_officials_by_name(hall: Hall) -> None:
    host, waiting = await hall.client("host"), await hall.client("companion")
    citizen = await inside(hall, host, "petitioner")
    seen = await host.room_where(lambda room: len(room["participants"]) == 2)
    name = find(seen, citizen.id)["name"]
    masked = f"{name[0]}某"
    assert name != masked and find(seen, waiting.id, "lobby")["name"] == "companion name"
    helpers = {who: await inside(hall, host, who) for who in MASKED}
    proxy = await inside(hall, host, "proxy")
    await inside(hall, host, "party")
    for who, client in helpers.items():
        room = await client.room_where(lambda room: len(room["participants"]) == 9)
        assert find(room, citizen.id)["name"] == masked, who
        assert find(room, proxy.id)["name"] == "p某", who
        assert find(room, host.id)["name"] == find(host.room, host.id)["name"], "officials are public"
        assert not told(client) & {name, "party name", "proxy name", "companion name"}, who
    assert find(helpers["department"].room, waiting.id, "lobby")["name"] == "c某"
    room = await proxy.room_where(lambda room: len(room["participants"]) == 9)
    assert find(room, citizen.id)["name"] == name
    assert find(room, helpers["third_party"].id)["name"] == "third_party name"


async def test_an_office_that_takes_part_by_its_own_post_knows_who_came(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    citizen = await inside(hall, host, "petitioner")
    room = await joint.room_where(lambda room: len(room["participants"]) == 3)
    assert find(room, citizen.id)["name"] == find(host.room, citizen.id)["name"]


def test_the_policy_names_who_knows() -> None:
    knows = {str(role) for role in InvitationRole if Action.KNOW_NAMES in INVITATION_ACTIONS[role]}
    assert knows == {str(role) for role in InvitationRole} - set(MASKED)


async def test_a_citizen_who_sends_host_commands_leaves_one_line_each_in_the_audit(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await inside(hall, host, "petitioner")
    for _ in range(3):
        for name in ("close", "mute_all", "open"):
            answer = await citizen.ask(name)
            assert (answer["code"], answer["message"]) == ("forbidden", "您没有进行这项操作的权限")
    live = hall.registry.rooms[hall.session_id]
    await live.backlog.settle()
    assert live.room.sitting.state != "live"
    async with hall.database.session() as db:
        lines = (await db.scalars(select(AuditEntry).where(AuditEntry.action == "command.refused"))).all()
    assert [line.detail["command"] for line in lines] == ["close", "mute_all", "open"]
    for line in lines:
        invitation = hall.actors["petitioner"].invitation_id
        assert (line.outcome, line.actor_id, line.object_id) == ("refused", invitation, hall.session_id)
