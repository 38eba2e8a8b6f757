"""`lianxin password`: a one-time password, also for an administrator, whom no page gives one."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import select

from cases.administration.accounts import reset_password
from cases.clock import SystemClock
from cases.database import Database
from cases.errors import RuleError
from cases.people import Official
from cases.policy import SYSTEM
from cases.schema import SchemaTooNew, SchemaTooOld
from web.settings import Settings, SettingsError, load


def password(username: Annotated[str, typer.Argument(help="用户名 username")]) -> None:
    """给一个账号一次性密码，管理员也可以 Give an account, also an administrator's, a one-time password."""
    try:
        given = asyncio.run(_give(load(), username))
    except (SettingsError, SchemaTooOld, SchemaTooNew, RuleError) as error:
        told = error.message if isinstance(error, RuleError) else str(error)
        Console(stderr=True, highlight=False).print(told, soft_wrap=True, markup=False)
        raise typer.Exit(1) from error
    Console(highlight=False).print(f"一次性密码 one-time password: {given}", markup=False)


async def _give(settings: Settings, username: str) -> str:
    database = Database(settings.database_url)
    try:
        await database.check_schema()
        async with database.session() as db:
            official_id = await db.scalar(select(Official.id).where(Official.username == username))
            return await reset_password(db, SystemClock(), SYSTEM, official_id or "")
    finally:
        await database.close()
