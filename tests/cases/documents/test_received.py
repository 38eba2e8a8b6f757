"""Whether a petitioner is still asked if a paper came."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.documents.reading import list_for_petitioner
from cases.petitions import get_petition
from tests.cases.documents.test_papers import deliver, paper
from tests.cases.handling.test_taking import HANDLER, KEEPER, Desk
from tests.clock import FixedClock
from tests.factories import World, make_petition


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world, await make_petition(db, clock, world.chengguan))


async def test_what_was_handed_over_needs_no_confirming(desk: Desk) -> None:
    """Who took it from somebody's hand is not asked whether it came; by post, or refused, one is."""
    await desk.until_forwarded()
    notice = await paper(desk, HANDLER, "receipt_notice")
    petition = await get_petition(desk.db, desk.world.actor(KEEPER), desk.id)
    [before] = await list_for_petitioner(desk.db, petition)
    await deliver(desk, HANDLER, notice)
    [after] = await list_for_petitioner(desk.db, petition)
    assert (before.received, after.received, after.confirmed) == (False, True, False)
    after.deliveries[0].refused = True
    assert not after.received
    desk.db.expunge_all()
