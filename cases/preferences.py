"""What an official chose for the pages; it comes with them to every computer they sign in at."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from cases.people import Official
from cases.policy import Action, Actor, require

LANGUAGES = frozenset({"zh-CN", "en"})  # BCP 47.


async def keep_language(db: AsyncSession, actor: Actor, language: str) -> None:
    """Remember in which language this official reads pages. Raises Invalid `language`."""
    require(actor, Action.CHOOSE_LANGUAGE)
    if language not in LANGUAGES:
        raise Invalid(message="没有这种语言。", field="language")
    await db.execute(update(Official).where(Official.id == actor.official_id).values(language=language))
    await db.commit()
