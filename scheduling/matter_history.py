"""What happens to a session stands in the history of what it is about: its case, or its mediation."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock, chinese_date
from cases.mediation.matter import MediationStep
from cases.mediation.mediating import note_step
from cases.petitions import add_petition_event
from cases.policy import Actor
from cases.vocabulary import VOCABULARY, of_mediation
from scheduling.session import Session, SessionKind


async def note_in_matter(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, kind: str, data: dict[str, Any]
) -> None:
    """Append a line inside the caller's transaction.

    A case keeps `kind` and `data`; a mediation keeps words: what happened to which sitting, and why.
    """
    if session.petition_id is not None:
        told = data | {"sitting": str(session.kind)} if session.kind is SessionKind.MEDIATION else data
        await add_petition_event(db, clock, actor, session.petition_id, kind, told)
        return
    assert session.mediation_id is not None  # The database holds one of the two.
    if kind == "session.created":  # That it was arranged is a step of the mediation itself.
        return
    begin = session.starts_at.astimezone(BEIJING)
    reason = f"：{data['reason']}" if data.get("reason") else ""
    what = of_mediation(VOCABULARY["event"][kind].official)
    words = f"{chinese_date(begin)} {begin:%H:%M} {what}{reason}"
    await note_step(db, clock, actor, session.mediation_id, MediationStep.VIDEO, words)
