"""A session is noted on a matter of a campaign: what the leader heard there, and what came of it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import CampaignStep, CampaignStepKind
from cases.campaigns.following import action_for, load_matter, note_step
from cases.casefile import scope_of
from cases.clock import Clock
from cases.errors import Invalid
from cases.policy import Actor, require
from scheduling.session import Session


async def link_session(
    db: AsyncSession, clock: Clock, actor: Actor, matter_id: str, session_id: str, words: str
) -> CampaignStep:
    """Note a session of the same case and commit. Raises as note_step, Invalid `choose` at `about`."""
    matter = await load_matter(db, matter_id)
    require(actor, action_for(actor, matter, CampaignStepKind.SESSION), scope_of(matter.petition))
    session = await db.get(Session, session_id)
    if session is None or session.petition_id != matter.petition_id:
        raise Invalid("choose", "请选择一项。", "about")
    return await note_step(db, clock, actor, matter_id, CampaignStepKind.SESSION, words, session.id)
