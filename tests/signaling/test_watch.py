"""Whoever loses the right to be in a room loses socket and media within five seconds (norm N06)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from cases.administration.accounts import disable_account
from cases.people import Official
from cases.policy import SYSTEM
from cases.signin import (
    SignIn,
    SignInGrant,
    find_sign_in,
    is_sign_in_live,
    revoke_all,
    sign_in,
)
from media import control
from scheduling.invitation import Invitation
from scheduling.links import exchange_link, find_link_actor, issue_link, release_device, revoke_link
from scheduling.sessions.invitations import list_invitations
from tests.factories import PASSWORD
from tests.signaling.hall import Client, Hall, find

WITHIN = 5.0


async def host_signs_in(hall: Hall) -> SignInGrant:
    """The host comes with a real sign-in from here on."""
    async with hall.database.session() as db:
        official = await db.get_one(Official, hall.actors["host"].official_id)
        grant = await sign_in(db, hall.clock, official.username, PASSWORD, "192.0.2.1")
        actor = await find_sign_in(db, hall.clock, grant.token)
    assert actor is not None
    hall.actors["host"] = actor
    return grant


async def petitioner_opens_link(hall: Hall, secret: str = "") -> Invitation:
    """By a new link, or on another device by the one of before."""
    async with hall.database.session() as db:
        found = await list_invitations(db, hall.session_id)
        invitation = next(row for row in found if str(row.role) == "petitioner")
        secret = secret or await issue_link(db, hall.clock, SYSTEM, invitation.id)
        grant = await exchange_link(db, hall.clock, invitation.code, secret)
        actor = await find_link_actor(db, hall.clock, invitation.code, grant.device_secret)
    assert actor is not None and actor.link_id
    hall.actors["petitioner"] = actor
    return invitation


async def is_out(hall: Hall, client: Client) -> None:
    """Time passes for the server as it does for us; the socket closes and the worker is told."""
    passing = asyncio.create_task(pass_time(hall))
    try:
        assert await client.closed(WITHIN) == 4403
        await media_ended(hall, client)
    finally:
        passing.cancel()


async def is_touched(hall: Hall, grant: SignInGrant) -> None:
    """The sign-in was noted as in use at this moment of the clock."""
    async with asyncio.timeout(WITHIN):
        while True:
            async with hall.database.session() as db:
                if (await db.get_one(SignIn, grant.sign_in_id)).last_seen_at == hall.clock.now():
                    return
            await asyncio.sleep(0.05)


async def pass_time(hall: Hall) -> None:
    while True:
        await asyncio.sleep(0.5)
        hall.clock.advance(seconds=0.5)


async def media_ended(hall: Hall, client: Client) -> None:
    for _ in range(int(WITHIN / 0.05)):
        if client.id in removed(hall):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the worker was not told")


def removed(hall: Hall) -> list[str]:
    return [request.participant_id for request in hall.worker.requests(control.RemoveParticipant)]


@pytest.mark.parametrize("how", ["signed out everywhere", "account closed"])
async def test_an_official_whose_right_ends_is_out(hall: Hall, how: str) -> None:
    grant = await host_signs_in(hall)
    host, other = await hall.client("host"), await hall.client("joint_receptionist")
    async with hall.database.session() as db:
        act = revoke_all if how == "signed out everywhere" else disable_account
        await act(db, hall.clock, SYSTEM, grant.official_id)
    await is_out(hall, host)
    assert (await other.ask("ping"))["type"] == "pong"
    assert other.id not in removed(hall)


@pytest.mark.parametrize("how", ["taken back", "issued again"])
async def test_a_citizen_whose_link_ends_is_out_and_may_come_back_by_a_new_one(hall: Hall, how: str) -> None:
    invitation = await petitioner_opens_link(hall)
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    assert (await host.ask("admit", participant_id=citizen.id))["type"] == "ok"
    async with hall.database.session() as db:
        await (revoke_link if how == "taken back" else issue_link)(db, hall.clock, SYSTEM, invitation.id)
    await is_out(hall, citizen)
    await petitioner_opens_link(hall)
    again = await hall.client("petitioner")
    assert (again.id, again.welcome["place"]) == (citizen.id, "room")
    assert again.welcome["media"]["publish_needed"]


async def test_a_seat_moves_to_another_device_and_the_first_one_can_do_nothing_more(hall: Hall) -> None:
    """Told in words at once; its media ends, a ticket it still holds is worth nothing; the seat waits."""
    async with hall.database.session() as db:
        invitation_id = str(hall.actors["petitioner"].invitation_id)
        secret = await issue_link(db, hall.clock, SYSTEM, invitation_id)
    invitation = await petitioner_opens_link(hall, secret)
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    assert (await host.ask("admit", participant_id=citizen.id))["type"] == "ok"
    spare = await hall.ticket("petitioner")
    async with hall.database.session() as db:
        await release_device(db, hall.clock, SYSTEM, invitation.id)
        await db.commit()
    await hall.registry.device_released(hall.session_id, invitation.id)
    assert "换一台设备" in (await citizen.push("replaced"))["message"]
    assert await citizen.closed(WITHIN) == 4409
    await media_ended(hall, citizen)
    assert (await (await hall.socket()).authenticate(spare))["code"] == "ticket_invalid"
    await host.room_where(lambda room: find(room, citizen.id)["presence"] == "reconnecting")
    await petitioner_opens_link(hall, secret)
    other = await hall.client("petitioner")
    assert (other.id, other.welcome["place"]) == (citizen.id, "room")
    await hall.registry.device_released(hall.session_id, "0" * 32)  # Nobody's; nothing happens.
    assert (await other.ask("ping"))["type"] == "pong"


async def test_the_watch_alone_puts_out_a_device_that_lost_the_link(hall: Hall) -> None:
    """Also where the approval was given in another process: another device is another right."""
    invitation = await petitioner_opens_link(hall)
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    assert (await host.ask("admit", participant_id=citizen.id))["type"] == "ok"
    async with hall.database.session() as db:
        await release_device(db, hall.clock, SYSTEM, invitation.id)
        await db.commit()
    await is_out(hall, citizen)


async def test_media_ends_although_the_socket_dropped_before(hall: Hall) -> None:
    invitation = await petitioner_opens_link(hall)
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    await citizen.drop()
    async with hall.database.session() as db:
        await revoke_link(db, hall.clock, SYSTEM, invitation.id)
    passing = asyncio.create_task(pass_time(hall))
    await media_ended(hall, citizen)
    passing.cancel()


async def test_who_sits_in_a_live_room_does_not_idle_out(hall: Hall) -> None:
    grant = await host_signs_in(hall)
    host = await hall.client("host")
    for _ in range(4):  # Forty minutes without a page being opened; idle is fifteen.
        hall.clock.advance(minutes=10)
        await is_touched(hall, grant)
    assert (await host.ask("ping"))["type"] == "pong"
    async with hall.database.session() as db:
        assert await is_sign_in_live(db, hall.clock, grant.sign_in_id)
        hall.clock.set(grant.expires_at + timedelta(seconds=1))  # Twelve hours are the end all the same.
    await is_out(hall, host)
