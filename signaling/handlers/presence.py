"""Leaving, going out of sight, and raising a hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signaling.commands import Leave, PageState, RaiseHand
from signaling.protocol import CloseCode

if TYPE_CHECKING:
    from signaling.attendee import Attendee


async def leave(me: Attendee, command: Leave) -> None:
    """Go away on purpose. The seat stays, so that a wrong click costs nothing."""
    now = me.live.clock.now()
    await me.live.write(me.person, "participant.left", left_at=now, absent_since=now, hand_raised_at=None)
    me.room.leave(me.person, now)
    me.live.detach(me.person, me.connection)
    await me.live.media.let_out(me.person, "left")
    me.live.changed()
    me.connection.end_after_answer(CloseCode.DONE)


async def page_state(me: Attendee, command: PageState) -> None:
    """Out of sight is not away: officials are told why there is no picture, nothing else changes."""
    if me.person.hidden != command.hidden:
        me.person.hidden = command.hidden
        me.live.changed()


async def raise_hand(me: Attendee, command: RaiseHand) -> None:
    """Up keeps the first time it went up, which is the order of speaking."""
    if command.raised == (me.person.hand_raised_at is not None):
        return
    at = me.live.clock.now() if command.raised else None
    kind = "hand.raised" if command.raised else "hand.lowered"
    await me.live.write(me.person, kind, hand_raised_at=at)
    me.person.hand_raised_at = at
    me.live.changed()
