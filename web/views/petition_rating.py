"""The rating of a matter as the citizen's page shows it: what was given, each change, and until when."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import Clock
from cases.petition_rating import SCORES, Rated, is_rateable, list_given, rateable_until

QUESTIONS = {
    Rated.OFFICE: "对信访部门的受理和接待满意吗？",
    Rated.UNIT: "对责任单位的办理满意吗？",
}


async def rating_of(db: AsyncSession, clock: Clock, petition: PetitionCase) -> dict[str, Any] | None:
    """None while there is nothing to rate. The caller has made sure that it is the petitioner."""
    given = {each.rated: each.changes for each in await list_given(db, petition.id)}
    open_ = is_rateable(clock, petition)
    if not open_ and not given:
        return None
    unit = petition.handler or petition.custodian
    about = {Rated.OFFICE: petition.custodian.name, Rated.UNIT: unit.name}
    return {
        "open": open_,
        "until": rateable_until(petition),
        "rows": [
            {
                "rated": str(rated),
                "question": QUESTIONS[rated],
                "about": about[rated],
                "changes": given.get(rated, ()),
                "scores": SCORES,
            }
            for rated in Rated
        ],
    }
