"""改时间 of a booking: what was proposed, what the reader can answer, which times there are to propose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from scheduling.booking.booking import PENDING, Booking
from scheduling.booking.proposing_slots import (
    find_for_petitioner,
    list_slot_proposals,
    next_states,
    proposing_offices,
)
from scheduling.booking.slot_proposal import SlotProposal
from scheduling.proposals import ProposalState
from scheduling.rota.receiver import receivers_of
from web.keys import ACTOR, CLOCK
from web.views.slots import free_slots, slot_words, slots_by_day

ACTS = {
    ProposalState.ACCEPTED: "改到这个时间",
    ProposalState.ASKED_ANEW: "请另提时间",
    ProposalState.WITHDRAWN: "收回",
}


async def times_card(db: AsyncSession, request: web.Request, booking: Booking) -> dict[str, Any]:
    """For the page of the booking: `rows` with what can be answered, `offices` that may propose, `slots`."""
    rows = [await _row(db, request, each) for each in await list_slot_proposals(db, [booking.id])]
    waiting = {each["row"].organisation_id for each in rows if each["waits"]}
    offices = await proposing_offices(db, request[ACTOR], booking)
    offices = {key: name for key, name in offices.items() if key not in waiting}
    slots = await free_slots(db, request, booking.slot.organisation_id) if offices else []
    days = slots_by_day(slots, await receivers_of(db, slots)) if slots else {}
    return {"rows": rows, "offices": offices if days else {}, "slots": days, "words": slot_words(slots)}


async def times_of_case(
    db: AsyncSession, request: web.Request, bookings: Sequence[Booking]
) -> list[dict[str, Any]]:
    """For the page of the case: what its bookings' proposals ask of the reader."""
    pending = [each.id for each in bookings if each.state in PENDING]
    rows = await list_slot_proposals(db, pending) if pending else []
    found = [await _row(db, request, each) for each in rows]
    return [each for each in found if each["acts"]]


async def times_of_petitioner(
    db: AsyncSession, request: web.Request, petition: PetitionCase
) -> SlotProposal | None:
    """For the page of the progress. The caller has made sure who asks."""
    return await find_for_petitioner(db, request.app[CLOCK], petition)


async def _row(db: AsyncSession, request: web.Request, row: SlotProposal) -> dict[str, Any]:
    states = await next_states(db, request[ACTOR], row)
    return {
        "row": row,
        "acts": {str(state): name for state, name in ACTS.items() if state in states},
        "waits": row.live and row.state is ProposalState.OPEN,
    }
