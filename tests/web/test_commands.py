"""Commands as processes of their own: how each ends, and what it says to whoever typed something wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import record_audit
from cases.casefile import PetitionCase
from cases.database import Database
from cases.handling.clocks import PetitionClock, start_clock
from cases.policy import SYSTEM
from cases.signin import sign_in
from tests.cases.test_audit_check import unguard
from tests.clock import FixedClock
from tests.factories import World, make_petition


@pytest.fixture
def database_system() -> str:
    """A process is the same on both; what it asks the database is tested beneath it."""
    return "sqlite"


@dataclass(frozen=True)
class Terminal:
    """Somebody at the server's command line."""

    url: str
    state: Path

    def type(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `lianxin` and wait; never a trace on the way."""
        environment = dict(os.environ) | {"LIANXIN_DATABASE_URL": self.url, "LIANXIN_STATE": str(self.state)}
        command = [sys.executable, "-m", "web.cli", *words]
        done = subprocess.run(
            command, env=environment | variables, capture_output=True, text=True, timeout=60
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done


@pytest.fixture
def terminal(database: Database, tmp_path: Path) -> Terminal:
    return Terminal(database.url.render_as_string(hide_password=False), tmp_path / "var")


def test_help_comes_without_what_only_the_work_needs() -> None:
    """Half a second of imports before a word is said is half a second before each `lianxin --help`."""
    look = "import sys, web.cli; web.cli.app(['--help'], standalone_mode=False); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout
    needless = {"sqlalchemy", "alembic", "aiohttp", "cryptography", "av", "PIL", "jinja2", "argon2"}
    assert not {name.partition(".")[0] for name in told.splitlines()[-1].split()} & needless
    help_text = [word for line in told.splitlines()[:-1] for word in line.split()]
    assert {"verify", "password", "serve", "figures-demo", "keys", "archive"} <= set(help_text)


async def test_verify_audit_finds_the_broken_line_by_its_number(
    db: AsyncSession, clock: FixedClock, world: World, terminal: Terminal, tmp_path: Path
) -> None:
    for number in range(5):
        await record_audit(db, clock, SYSTEM, "petition.seen", "petition", f"{number}")
    await db.commit()
    whole = terminal.type("verify-audit")
    assert whole.returncode == 0 and "5 条 rows" in whole.stdout and "逐条相连" in whole.stdout
    await unguard(db, "sqlite")
    await db.execute(text("UPDATE audit_entries SET outcome = 'refused' WHERE sequence = 3"))
    await db.commit()
    broken = terminal.type("verify-audit")
    assert broken.returncode == 1 and "第 3 条被改动" in broken.stdout and "Row 3" in broken.stdout
    missing = terminal.type("verify-audit", "--keys", str(tmp_path / "nothing.json"))
    assert missing.returncode == 3 and "nothing.json" in missing.stderr and not missing.stdout


async def test_password_gives_one_that_works_once_and_names_who_is_unknown(
    db: AsyncSession, clock: FixedClock, world: World, terminal: Terminal
) -> None:
    unknown = terminal.type("password", "nobody-here")
    assert unknown.returncode == 1 and unknown.stderr.strip() and not unknown.stdout
    username = world.officials["city.sysadmin"].username
    given = terminal.type("password", username)
    told = re.search(r"one-time password: (\S+)", given.stdout)
    assert given.returncode == 0 and told is not None
    db.expire_all()
    grant = await sign_in(db, clock, username, told[1], "192.0.2.1")
    assert grant.must_change, "good for nothing but being changed"


async def test_recount_clocks_puts_dates_right_and_leaves_what_is_met_unless_asked(
    db: AsyncSession, clock: FixedClock, world: World, terminal: Terminal
) -> None:
    petition: PetitionCase = await make_petition(db, clock, world.chengguan)
    wrong = date(2026, 12, 31)
    for duty in ("handle", "forward_notice"):
        row = await start_clock(db, clock, petition, duty, date(2026, 7, 20), world.chengguan.id)
        assert row is not None
        row.rolled_on = wrong
    row.met_on = date(2026, 7, 21)
    await db.commit()
    done = terminal.type("recount-clocks")
    assert done.returncode == 0 and "改动 1 项" in done.stdout
    assert await dates(db) == {"handle": date(2026, 9, 18), "forward_notice": wrong}
    assert "改动 1 项" in terminal.type("recount-clocks", "--finished").stdout
    assert (await dates(db))["forward_notice"] == date(2026, 8, 4)
    elsewhere = terminal.type("recount-clocks", LIANXIN_DATABASE_URL="mysql://localhost/x")
    assert elsewhere.returncode == 1 and "mysql" in elsewhere.stderr and "localhost" not in elsewhere.stderr


async def dates(db: AsyncSession) -> dict[str, date | None]:
    """The last day of each clock that was set in the test."""
    db.expire_all()
    wanted = select(PetitionClock).where(PetitionClock.duty.in_(("handle", "forward_notice")))
    found = await db.scalars(wanted.execution_options(populate_existing=True))
    return {row.duty: row.rolled_on for row in found}
