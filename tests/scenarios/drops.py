"""A network that is gone for one browser, and a second sitting beside the demonstration's own."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Browser, Page
from sqlalchemy import select

from cases.casefile import PetitionCase
from cases.clock import SystemClock
from cases.database import Database
from cases.organisations import find_office
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import issue_link
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session
from tests.scenarios.browsers import chromium, until
from tests.scenarios.service import Service
from web.demo.day import invited
from web.demo.people import HOST, OTHERS

NETWORK = b"--utility-sub-type=network.mojom.NetworkService"


@dataclass
class Severable:
    """A browser whose network can be taken away. Given: the process that is all of its network."""

    browser: Browser
    process: int

    @asynccontextmanager
    async def no_network(self) -> AsyncIterator[None]:
        """Nothing of HTTP, WebSocket or media leaves or comes; the pages run on and are told nothing."""
        os.kill(self.process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process, signal.SIGCONT)


@asynccontextmanager
async def severable() -> AsyncIterator[Severable]:
    """A browser of its own, because all pages of one share its network process."""
    before = set(_network_processes(os.getpid()))
    async with chromium() as browser:
        new = await until(lambda: set(_network_processes(os.getpid())) - before, 10, "its network process")
        assert len(new) == 1, new
        yield Severable(browser, new.pop())


def _network_processes(parent: int) -> Iterator[int]:
    """Of the browsers that this process started, and of nobody else's."""
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield from _network_processes(child)
                with suppress(OSError):
                    if NETWORK in Path(f"/proc/{child}/cmdline").read_bytes():
                        yield child


async def second_sitting(service: Service) -> tuple[str, dict[str, str]]:
    """A sitting of one office that begins now: its id, and links by `citizen` and `district`."""
    database, clock = Database(service.settings.database_url), SystemClock()
    try:
        async with database.session() as db:
            matter = select(PetitionCase).where(PetitionCase.subject == OTHERS[3].subject)
            petition = (await db.scalars(matter)).unique().one_or_none()
            assert petition is not None, "the demonstration has no such matter"
            now = clock.now()
            office = await find_office(db, HOST.region_code)
            assert office is not None
            # By name alone: the account is engaged in the demonstration's own session at this time.
            judge = Invitee(InvitationRole.HOST, HOST.name, organisation_id=office.id)
            session = await create_session(
                db, clock, SYSTEM,
                CreateSession(
                    petition_id=petition.id, host_organisation_id=office.id, starts_at=now,
                    ends_at=now + timedelta(hours=1), invitees=(Invitee(InvitationRole.PETITIONER), judge),
                ),
            )  # fmt: skip
            links = {}
            for invitation in await invited(db, session.id):
                secret = await issue_link(db, clock, SYSTEM, invitation.id)
                name = "citizen" if invitation.role is InvitationRole.PETITIONER else "district"
                links[name] = f"{service.base}/j/{invitation.code}#{secret}"
            return session.id, links
    finally:
        await database.close()


async def reads(page: Page, place: str, words: str, timeout: float, what: str) -> str:
    """Wait until that part of the page says so; returns all it says."""

    async def says() -> str:
        text = " ".join(await page.locator(place).all_inner_texts())
        return text if words in text else ""

    return str(await until(says, timeout, what))
