"""`lianxin recount-clocks`: the deadlines again, after the tables of holidays or duties have changed."""

from __future__ import annotations

from cases.administration.deadline_version import load_rules
from cases.administration.holidays import load_holidays
from cases.clock import SystemClock
from cases.database import Database
from cases.handling.recounting import Recounted, recount_clocks
from cases.policy import SYSTEM
from web.settings import Settings


async def recount(settings: Settings, finished: bool) -> Recounted:
    """Count by the tables of this program; `finished`: clocks that were met, too."""
    settings.prepare_directories()
    database = Database(settings.database_url)
    try:
        await database.migrate()
        async with database.session() as db:
            await load_holidays(db)
            await load_rules(db)
            return await recount_clocks(db, SystemClock(), SYSTEM, finished=finished)
    finally:
        await database.close()
