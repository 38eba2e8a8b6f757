"""The weeks before the demo day, from the first account on, told in the order of time.

What is seeded is written down by the audit as whatever else happens: a chain that ran back and forth would
show an auditor a log that no office ever has.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from web.demo.community import campaign_story
from web.demo.day import seed_house
from web.demo.intake import intake_stories
from web.demo.past import past_stories
from web.demo.places import places_story
from web.demo.then import At, Turns

OPENED = timedelta(days=75)  # Before the first matter of the first sitting, holidays included.


async def seed_weeks(db: AsyncSession, clock: Clock) -> None:
    """Once, before `seed_day`; what is there already stays as it is."""
    await seed_house(db, At(clock.now() - OPENED))
    turns = Turns()
    await turns.tell(
        *await past_stories(db, clock, turns),
        *await intake_stories(db, clock, turns),
        campaign_story(db, clock, turns),
        places_story(db, clock, turns),
    )
