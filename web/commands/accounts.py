"""`lianxin user`: an account with one post."""

from __future__ import annotations

from cases.clock import SystemClock
from cases.database import Database
from cases.errors import RuleError
from cases.organisations import find_office
from cases.people import Appoint, CreateOfficial, appoint, create_official
from cases.policy import SYSTEM
from cases.roles import Role
from web.settings import Settings


class AccountRefused(RuntimeError):
    """The account cannot be made; the message says why in plain words."""


async def add_official(
    settings: Settings, username: str, name: str, region_code: str, role: str, password: str
) -> None:
    """Create the account and give it the post. Raises AccountRefused."""
    if role not in set(Role):
        raise AccountRefused(f"没有这个岗位 unknown role: {role}（{', '.join(Role)}）")
    settings.prepare_directories()
    database, clock = Database(settings.database_url), SystemClock()
    try:
        await database.migrate()
        async with database.session() as db:
            office = await find_office(db, region_code)
            if office is None:
                raise AccountRefused(
                    f"没有这个单位 no office with region code {region_code}（先运行 lianxin migrate）"
                )
            official = await create_official(db, clock, SYSTEM, CreateOfficial(username, name, password))
            await appoint(db, clock, SYSTEM, Appoint(official.id, office.id, Role(role)))
    except RuleError as error:
        raise AccountRefused(error.message) from error
    finally:
        await database.close()
