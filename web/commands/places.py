"""`lianxin place`: where people can come in person, told by the operator."""

from __future__ import annotations

from cases.database import Database
from cases.errors import RuleError
from scheduling.arrival.visiting_place import set_place
from web.settings import Settings


class PlaceRefused(RuntimeError):
    """The place cannot be kept; the message says why in plain words."""


async def register_place(settings: Settings, region_code: str, address: str, hours: str, phone: str) -> str:
    """Keep it, in place of what was said before; returns the name of the office. Raises PlaceRefused."""
    settings.prepare_directories()
    database = Database(settings.database_url)
    try:
        await database.migrate()
        async with database.session() as db:
            return (await set_place(db, region_code, address, hours, phone)).name
    except RuleError as error:
        raise PlaceRefused(error.message) from error
    finally:
        await database.close()
