"""Citizens who wait on the demo day: each in a session of its own, in the live queue of the office."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta

import aiohttp
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase
from cases.clock import Clock
from cases.organisations import find_office
from cases.people import PersonDetails
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.session import OVER, Session
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session
from web.demo.peers import DemoPeer, use_loopback_only
from web.demo.people import HOST, WAITERS, DemoMatter
from web.demo.reception import GOOD_DEVICE, confirmed_links, hold_reception, until_ready
from web.notice import current_notice
from web.processes.server import base_url
from web.settings import Settings

logger = logging.getLogger(__name__)
LENGTH = timedelta(hours=4)
LEAST_LEFT = timedelta(minutes=30)


async def waiting_sessions(db: AsyncSession, clock: Clock) -> list[Session]:
    """One for each of who waits: of today, or a new one when the last is over."""
    return [await _session(db, clock, matter) for matter in WAITERS]


async def play(settings: Settings, reception_id: str, waiting_ids: Sequence[str]) -> None:
    """Hold the reception if there is one to hold; then wait until somebody ends this process."""
    if "127.0.0.1" in settings.media.addresses:
        use_loopback_only()
    if reception_id:
        await hold_reception(settings, reception_id)
    await asyncio.gather(*(_wait(settings, number, one) for number, one in enumerate(waiting_ids)))


async def _wait(settings: Settings, number: int, session_id: str) -> None:
    """Come with a fresh link, be ready, show picture and sound once called in; stay until the end."""
    base, notice = base_url(settings), current_notice()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await until_ready(http, base)
        link = (await confirmed_links(settings, session_id))[0]
        peer = DemoPeer(number, base, link.path, http)
        try:
            await peer.enter((notice.version, notice.digest))
            await peer.ask("ready", device=GOOD_DEVICE)
            await peer.heard("admitted", LENGTH.total_seconds())
            await peer.publish()
            await peer.heard("session_closed", LENGTH.total_seconds())
        except (TimeoutError, RuntimeError, aiohttp.ClientError) as problem:
            logger.warning("Somebody who waited has left: %s", problem)
        finally:
            await peer.close()


async def _session(db: AsyncSession, clock: Clock, matter: DemoMatter) -> Session:
    same = select(PetitionCase).where(PetitionCase.subject == matter.subject)
    petition = (await db.scalars(same.order_by(PetitionCase.registered_at).limit(1))).unique().first()
    office = await find_office(db, HOST.region_code)
    assert office is not None
    if petition is None:
        person = PersonDetails(matter.name, matter.phone)
        command = RegisterPetition(Channel.VISIT, matter.subject, matter.description, person, office.id)
        petition, _ = await register_petition(db, clock, SYSTEM, command)
    now = clock.now()
    open_still = select(Session).where(
        Session.petition_id == petition.id,
        Session.state.not_in(sorted(OVER)),
        Session.ends_at > now + LEAST_LEFT,
    )
    found = (await db.scalars(open_still.order_by(Session.starts_at.desc()).limit(1))).unique().first()
    if found is not None:
        return found
    invitees = (Invitee(InvitationRole.PETITIONER),)
    arranged = CreateSession(petition.id, office.id, starts_at=now, ends_at=now + LENGTH, invitees=invitees)
    return await create_session(db, clock, SYSTEM, arranged)
