"""The minutes beside the film: each paragraph with the second at which it was said."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Action, Actor, allowed
from recordings.review.minutes_places import second_of
from recordings.review.replay import ReplayPlan
from scheduling.minutes.record import find_minutes, read_minutes, scope_of_minutes
from scheduling.minutes.text import is_empty
from web.minutes.printed import lead_of


@dataclass(frozen=True)
class SpokenLine:
    """A paragraph as the replay shows it; `seconds` of the film."""

    number: int
    lead: str
    text: str
    seconds: float


async def minutes_beside(db: AsyncSession, actor: Actor, plan: ReplayPlan) -> list[SpokenLine]:
    """Paragraphs that were said in this recording, in order; none for who may not read them."""
    scope = await scope_of_minutes(db, plan.session)
    if not allowed(actor, Action.SEE_MINUTES, scope) or await find_minutes(db, plan.session.id) is None:
        return []
    sheet = await read_minutes(db, actor, plan.session.id)
    found = []
    for number, each in enumerate(sheet.public, 1):
        seconds = None if is_empty(each.text) else second_of(plan.recording, plan.jumps, each)
        if seconds is not None:
            found.append(SpokenLine(number, lead_of(each), each.text, round(seconds, 1)))
    return sorted(found, key=lambda line: line.seconds)
