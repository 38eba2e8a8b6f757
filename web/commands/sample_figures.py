"""`lianxin figures-demo`: writes the cases of web/demo/source_figures.py into the database that is set."""

from __future__ import annotations

from cases.database import Database
from web.demo.source_figures import seed_source_figures
from web.settings import Settings


async def write_sample_figures(settings: Settings) -> bool:
    """False when they are there already."""
    database = Database(settings.database_url)
    try:
        async with database.session() as db:
            return await seed_source_figures(db)
    finally:
        await database.close()
