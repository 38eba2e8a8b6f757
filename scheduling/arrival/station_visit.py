"""What a visit to a station's terminal leaves: the link is free for the person's own phone again."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import atomic
from cases.policy import Actor
from scheduling.arrival.identity import own_invitation
from scheduling.links import release_device


@atomic
async def leave_terminal(db: AsyncSession, clock: Clock, actor: Actor) -> None:
    """The link holder leaves a terminal that others use too: it holds the link no longer; commits.

    Place, identity and consent are the invitation's and stay. Raises Forbidden for everybody else.
    """
    invitation = await own_invitation(db, actor)
    await release_device(db, clock, actor, invitation.id)
    await db.commit()
