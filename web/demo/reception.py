"""The finished reception of the demo day: four real peers in a real session, a quarter minute long."""

from __future__ import annotations

import asyncio
import logging

import aiohttp

from cases.clock import SystemClock
from cases.database import Database
from cases.policy import SYSTEM
from scheduling.arrival.identity import How, confirm_by_official, needs_identity
from scheduling.reach import load_session
from scheduling.sessions.invitations import list_invitations
from web.demo.day import PartyLink, party_links
from web.demo.peers import DemoPeer
from web.notice import current_notice
from web.processes.server import base_url
from web.settings import Settings

logger = logging.getLogger(__name__)
TALK_SECONDS = 16.0
START_SECONDS = 60.0
CITIZEN, HOST = 0, 1
GOOD_DEVICE = {"camera": True, "microphone": True, "sound": True, "network": "good"}


async def hold_reception(settings: Settings, session_id: str) -> None:
    """Wait for the server, enter with fresh links, open, talk, close. Raises when a step fails."""
    base = base_url(settings)
    links = await confirmed_links(settings, session_id)
    # Each peer is a device of its own, with its own cookies.
    sessions = [aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) for _ in links]
    peers = [DemoPeer(number, base, link.path, sessions[number]) for number, link in enumerate(links)]
    try:
        await until_ready(sessions[0], base)
        await _hold(peers)
    finally:
        for peer in peers:
            await peer.close()
        for session in sessions:
            await session.close()


async def _hold(peers: list[DemoPeer]) -> None:
    notice = current_notice()
    citizen, host = peers[CITIZEN], peers[HOST]
    for peer in peers:
        await peer.enter((notice.version, notice.digest))
    await citizen.ask("ready", device=GOOD_DEVICE)
    await host.ask("admit", participant_id=citizen.participant_id)
    await citizen.heard("admitted")
    for peer in peers:
        await peer.publish()
    await host.ask("open")
    await asyncio.sleep(TALK_SECONDS / 2)
    await peers[-1].ask("raise_hand", raised=True)
    await asyncio.sleep(TALK_SECONDS / 4)
    await peers[-1].ask("raise_hand", raised=False)
    await asyncio.sleep(TALK_SECONDS / 4)
    await host.ask("close")
    logger.info("The demo reception was held")


async def confirmed_links(settings: Settings, session_id: str) -> tuple[PartyLink, ...]:
    """Fresh links of a session whose citizen an official has confirmed."""
    database = Database(settings.database_url)
    try:
        async with database.session() as db:
            for invitation in await list_invitations(db, session_id):
                if needs_identity(invitation):  # The drawn citizen has no phone to read a code from.
                    await confirm_by_official(db, SystemClock(), SYSTEM, invitation.id, How.STATION)
            return await party_links(db, SystemClock(), await load_session(db, session_id))
    finally:
        await database.close()


async def until_ready(http: aiohttp.ClientSession, base: str) -> None:
    """Until the web process answers and a media worker is connected; TimeoutError otherwise."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            try:
                async with http.get(base + "/readyz", ssl=not base.startswith("https://")) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.3)
