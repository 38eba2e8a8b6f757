"""How many are before somebody who waits: over all rooms of the office, by the rule that calls them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cases.policy import SYSTEM, Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.arrival.consent import record_consent
from scheduling.session import Session
from scheduling.sessions.invitations import Invitee, list_invitations
from scheduling.sessions.sessions import CreateSession, create_session
from tests.factories import make_petition
from tests.signaling.hall import Client, Hall


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing of it is stored."""
    return "sqlite"


class Visitor:
    """A petitioner with a sitting of the same office, or of another one."""

    def __init__(self, hall: Hall, session: Session, actor: Actor) -> None:
        self.hall, self.session, self.actor = hall, session, actor

    async def come(self) -> Client:
        self.hall.clock.advance(seconds=1)
        client = await self.hall.socket()
        async with self.hall.database.session() as db:
            issued = await self.hall.registry.issue_ticket(db, self.actor, self.session.id)
        client.welcome = await client.authenticate(issued.ticket)
        return client


async def visitor(
    hall: Hall, in_minutes: float, *, office: str = "xigu", booked: bool = True) -> Visitor:
    """Who booked did so yesterday; who did not has a sitting that was arranged when he stood there."""
    host = hall.world.xigu if office == "xigu" else hall.world.chengguan
    now = hall.clock.now()
    hall.clock.set(now - timedelta(days=1 if booked else 0))
    async with hall.database.session() as db:
        petition = await make_petition(db, hall.clock, host)
        starts_at = now + timedelta(minutes=in_minutes)
        command = CreateSession(
            petition.id, host.id, starts_at=starts_at, ends_at=starts_at + timedelta(minutes=30),
            invitees=(Invitee(InvitationRole.PETITIONER),),
        )  # fmt: skip
        session = await create_session(db, hall.clock, SYSTEM, command)
        (invitation,) = await list_invitations(db, session.id)
        actor = Actor(
            kind=ActorKind.INVITEE, name=invitation.display_name, invitation_id=invitation.id,
            session_id=session.id, invitation_role=invitation.role,
        )  # fmt: skip
        await record_consent(db, hall.clock, actor, "1", "0" * 64)
    hall.clock.set(now)
    return Visitor(hall, session, actor)


async def reads(client: Client, ahead: int) -> None:
    """Wait until the newest line of the waiting room says so."""
    await client.until(
        lambda push: push in [each for each in client.pushes if each["type"] == "queue"][-1:]
        and push["ahead"] == ahead
    )


def tick(hall: Hall) -> None:
    """What the registry does each second, in every room."""
    for live in hall.registry.rooms.values():
        live.tick(hall.clock.now())


def ahead_of(client: Client) -> int:
    return int(client.welcome["queue"]["ahead"])


async def test_booked_people_in_time_come_first_then_who_walked_in_by_arrival(hall: Hall) -> None:
    first = await (await visitor(hall, 1, booked=False)).come()
    second = await (await visitor(hall, 2, booked=False)).come()
    elsewhere = await (await visitor(hall, 0, office="chengguan")).come()
    assert [ahead_of(each) for each in (first, second, elsewhere)] == [0, 1, 0]
    booked = await (await visitor(hall, 0)).come()
    assert ahead_of(booked) == 0
    early = await (await visitor(hall, 40)).come()
    assert ahead_of(early) == 3
    tick(hall)
    await reads(first, 1)
    await reads(second, 2)
    hall.clock.advance(minutes=36)  # Now it is time for who was early, who goes before who walked in.
    tick(hall)
    await reads(early, 1)
    await reads(second, 3)
    told = [push for push in second.pushes if push["type"] == "queue"][-1]
    assert (told["position"], told["state_text"]) == (4, "请先检查摄像头和麦克风")


async def test_who_is_called_in_or_goes_is_before_nobody_any_more(hall: Hall) -> None:
    """One's own companion is no further turn, and a sitting that has begun is nobody's either."""
    host = await hall.client("host")
    neighbour = await (await visitor(hall, 60)).come()
    petitioner, companion = await hall.client("petitioner"), await hall.client("companion")
    tick(hall)
    assert (ahead_of(neighbour), ahead_of(petitioner), ahead_of(companion)) == (0, 0, 1)
    await reads(neighbour, 1)
    await host.ask("admit", participant_id=petitioner.id)
    await host.ask("open")
    await hall.client("proxy")  # Late, and still of the sitting that has begun.
    tick(hall)
    await reads(neighbour, 0)
