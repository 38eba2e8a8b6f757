"""`lianxin migrate`: the schema brought up to date, and the organisation tree in."""

from __future__ import annotations

import asyncio

from web.commands.terminal import console, read_settings, stop
from web.processes.loading import loading
from web.settings import Settings


def migrate() -> None:
    """建立或升级数据库 Create or upgrade the database."""
    settings = read_settings()
    settings.prepare_directories()
    migrate_database(settings)
    console.print("数据库已是最新 The database is up to date")


def migrate_database(settings: Settings) -> None:
    """Bring the schema up to date and the organisation tree in, before any child looks for them."""
    with loading():
        from cases.database import Database
        from cases.lanzhou import seed_lanzhou
        from cases.schema import SchemaTooNew

    async def work() -> None:
        database = Database(settings.database_url)
        try:
            await database.migrate()
            async with database.session() as db:
                await seed_lanzhou(db)  # What is there already stays as it is.
        finally:
            await database.close()

    try:
        asyncio.run(work())
    except SchemaTooNew as error:
        stop(f"数据库来自更新的版本，请升级程序。 The database is newer than this program: {error}")
