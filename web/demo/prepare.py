"""`lianxin demo`: prepares the demo day, prints what to click, and has the finished reception recorded."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import SystemClock
from cases.database import Database
from scheduling.session import Session
from web.app import server_key
from web.demo.day import (
    DemoDay,
    PartyLink,
    links_still_good,
    party_links,
    pending_reception,
    ready_session,
    seed_day,
)
from web.demo.outbox import seed_outbox
from web.demo.pending import seed_pending
from web.demo.people import OFFICIALS, PASSWORD
from web.demo.rota import seed_attendance
from web.demo.waiters import waiting_sessions
from web.demo.weeks import seed_weeks
from web.processes.server import base_url
from web.processes.supervisor import SPAWN, dies_with
from web.qr import qr_text
from web.settings import Settings
from web.tending.messages import make_messenger
from web.tending.session_notices import make_telling

logger = logging.getLogger(__name__)
RECEPTION, SITTING = "demo-links.json", "demo-mediation-links.json"


async def prepare_demo(settings: Settings, past: bool = False) -> DemoDay:
    """Migrate, seed what is missing, make sure that one session can begin now, and find its links.

    `past`: with the weeks before, for somebody to look around in.
    """
    database, clock = Database(settings.database_url), SystemClock()
    try:
        await database.migrate()
        async with database.session() as db:
            if past:
                await seed_weeks(db, clock)
            await seed_day(db, clock)
            session = await ready_session(db, clock)
            links = await _links(db, settings, session)
            pending = await pending_reception(db, clock)
            sitting: tuple[PartyLink, ...] = ()
            if past:
                await _seed_messages(db, settings)
                mediation = await seed_pending(db, clock)
                sitting = await _links(db, settings, mediation, SITTING) if mediation else ()
            return DemoDay(session.id, links, pending.id if pending else None, sitting)
    finally:
        await database.close()


async def _seed_messages(db: AsyncSession, settings: Settings) -> None:
    """What was sent: before the service runs, which sends what is due."""
    clock, messenger = SystemClock(), make_messenger(settings, server_key(settings))
    await seed_outbox(db, clock, messenger.secrets.envelope, settings.web.help_phone)
    # After the messages of the last days, which are made where there is none.
    await seed_attendance(db, clock, make_telling(messenger, settings.web.help_phone))


async def _links(
    db: AsyncSession, settings: Settings, session: Session, name: str = RECEPTION
) -> tuple[PartyLink, ...]:
    """Links already printed stay as they are while nobody has used them; demo secrets are kept in a file."""
    path, clock = settings.state / "run" / name, SystemClock()
    kept = _kept(path, session.id)
    if kept and await links_still_good(db, clock, session):
        return kept
    links = await party_links(db, clock, session)
    rows = [[link.label, link.name, link.path] for link in links]
    path.touch(mode=0o600)
    path.write_text(json.dumps({"session": session.id, "links": rows}, ensure_ascii=False), "utf-8")
    return links


def _kept(path: Path, session_id: str) -> tuple[PartyLink, ...]:
    try:
        found = json.loads(path.read_text("utf-8"))
        same = found["session"] == session_id
        return tuple(PartyLink(*row) for row in found["links"]) if same else ()
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def show_demo(console: Console, settings: Settings, day: DemoDay) -> None:
    """Print the tables: four parties, the other pages, who can sign in."""
    base = base_url(settings)
    console = Console(width=max(console.width, 120), highlight=False)  # A link must stay on one line.
    links = Table(title="连心桥演示 Lianxin demo", title_justify="left", show_lines=False)
    links.add_column("谁 who", no_wrap=True)
    links.add_column("链接 link", overflow="fold")
    links.add_row("[bold]四方并排 all four[/]", f"[bold]{base}/demo[/]")
    for link in day.links:
        links.add_row(f"{link.label} {link.name}", base + link.path)
    for link in day.sitting_links:
        links.add_row(f"视频调解 {link.name.partition('（')[0]}", base + link.path)
    links.add_row("工作人员登录 sign in", f"{base}/signin")
    links.add_row("群众预约 public booking", f"{base}/book")
    console.print(links)
    people = Table(title=f"演示账号 demo accounts · 密码 password: {PASSWORD}", title_justify="left")
    for heading in ("用户名 user", "姓名", "能做什么"):
        people.add_column(heading)
    for person in OFFICIALS:
        people.add_row(person.username, person.name, person.note)
    console.print(people)
    console.print(qr_text(base + (day.links[0].path if _is_lan(settings) else "/demo")))
    if day.reception_session_id:
        console.print("正在后台录制一场已结束的接访，约一分钟后在「信访件」里可以回放。")
        console.print(
            "A finished reception is being recorded in the background; replay it in about a minute."
        )


def _is_lan(settings: Settings) -> bool:
    return settings.web.host not in ("127.0.0.1", "localhost", "::1")


async def record_in_background(settings: Settings) -> None:
    """In a process of its own: real peers hold the finished reception, if missing, and citizens wait."""
    database = Database(settings.database_url)
    try:
        async with database.session() as db:
            pending = await pending_reception(db, SystemClock())
            waiting = await waiting_sessions(db, SystemClock())
    finally:
        await database.close()
    process = await asyncio.create_subprocess_exec(
        *SPAWN,
        "web.cli",
        "demo-reception",
        pending.id if pending else "",
        *(session.id for session in waiting),
        env=dict(os.environ) | settings.environment(),
        preexec_fn=dies_with(os.getpid(), 5),
        start_new_session=True,
    )
    try:
        status = await process.wait()
        logger.log(
            logging.INFO if status == 0 else logging.WARNING, "The demo reception ended with %s", status
        )
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
