"""`lianxin user`: an account with one post. `lianxin password`: a password for one time."""

from __future__ import annotations

from sqlalchemy import select

from cases.administration.accounts import reset_password
from cases.clock import SystemClock
from cases.database import Database
from cases.errors import RuleError
from cases.organisations import find_office
from cases.people import Appoint, CreateOfficial, Official, appoint, create_official
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


async def give_password(settings: Settings, username: str) -> str:
    """Give an account a one-time password; all its sign-ins end. Raises AccountRefused."""
    database = Database(settings.database_url)
    try:
        async with database.session() as db:
            official_id = await db.scalar(select(Official.id).where(Official.username == username))
            if official_id is None:
                raise AccountRefused(f"没有这个账号 no such account: {username}")
            return await reset_password(db, SystemClock(), SYSTEM, official_id)
    except RuleError as error:
        raise AccountRefused(error.message) from error
    finally:
        await database.close()
