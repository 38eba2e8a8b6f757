"""A case with a paper that was issued and one that is due, for pages that show them."""

from __future__ import annotations

from cases.handling.taking import take_step
from tests.cases.documents.papers import issue
from tests.factories import make_petition
from tests.web.conftest import House
from web.letters.pdf import drawing

KEEPER = "chengguan.receptionist"


async def make_papers(house: House) -> tuple[str, str]:
    """Of a case whose transfer was returned and made anew: the case and the paper of the first transfer."""
    async with house.database.session() as db:
        actor, clock = house.world.actor(KEEPER), house.clock
        unit, petition = house.world.housing, await make_petition(db, clock, house.world.chengguan)
        claim = {"class": "claim", "way": "handle", "words": "修屋顶"}
        await take_step(db, clock, actor, petition.id, "classify", claim)
        sheet = {"unit": unit.id, "words": "请办理"}
        await take_step(db, clock, actor, petition.id, "forward", sheet)
        draw = drawing(clock.now, house.settings.faces)
        paper = await issue(db, clock, actor, petition.id, "transfer_sheet", draw=draw)
        handler = house.world.actor("housing.handler")
        await take_step(db, clock, handler, petition.id, "object", {"words": "不是本单位职责"})
        await take_step(db, clock, actor, petition.id, "agree_return", {"words": "核实同意"})
        await take_step(db, clock, actor, petition.id, "forward", sheet)
        return petition.id, paper.id
