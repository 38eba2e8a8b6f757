"""What a host arranges for everybody: the layout, the phase, and who conducts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import Forbidden, NotFound
from signaling.commands import Arrange, BeginPhase, HandOver, NameDeputy, TakeBack
from signaling.conduct import DEPUTY_NAMED, HANDED_OVER, LAYOUT_CHOSEN, PHASE_BEGUN, TAKEN_BACK
from signaling.hosting import pass_on
from signaling.room import BadState
from signaling.speaking import apply_phase
from signaling.succession import able, may_conduct

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.participant import Participant


async def arrange(me: Attendee, command: Arrange) -> None:
    """Everybody's layout. The event lets the film follow the session as it was."""
    spotlight = me.room.inside(command.spotlight).id if command.spotlight else None
    conduct = me.room.conduct
    if (command.layout, spotlight) == (conduct.layout, conduct.spotlight):
        return
    data = {"layout": command.layout, "spotlight": spotlight}
    await me.live.write(me.person, LAYOUT_CHOSEN, data=data)
    conduct.hear(LAYOUT_CHOSEN, data)
    me.live.changed()


async def begin_phase(me: Attendee, command: BeginPhase) -> None:
    """Another phase, or none; microphones follow."""
    conduct = me.room.conduct
    phase = conduct.find_phase(command.phase)
    if phase is None and command.phase:
        raise NotFound(message="这类接访没有这个环节")
    if me.room.sitting.state not in ("live", "paused"):
        raise BadState(message="接访开始后才能进入环节")
    if (command.phase or None) == conduct.phase:
        return
    data = {"phase": command.phase or None, "title": phase.title if phase else "自由发言"}
    await me.live.write(me.person, PHASE_BEGUN, data=data)
    conduct.hear(PHASE_BEGUN, data)
    me.live.changed()
    await apply_phase(me.live, list(me.room.people.values()))


async def hand_over(me: Attendee, command: HandOver) -> None:
    """Give the part away; the room always has a host who is there."""
    heir = _colleague(me, command.participant_id)
    if not able(heir):
        raise BadState(message="对方不在线，不能交接主持")
    await pass_on(me.live, HANDED_OVER, me.person, heir, me.person)


async def name_deputy(me: Attendee, command: NameDeputy) -> None:
    """Who takes over when the host drops."""
    deputy = _colleague(me, command.participant_id).id if command.participant_id else None
    if deputy == me.room.conduct.deputy:
        return
    data = {"to": deputy}
    await me.live.write(me.person, DEPUTY_NAMED, data=data)
    me.room.conduct.hear(DEPUTY_NAMED, data)
    me.live.changed()


async def take_back(me: Attendee, command: TakeBack) -> None:
    """Only who lost the part by dropping takes it back; who gave it away asks for it."""
    conduct = me.room.conduct
    if conduct.displaced != me.person.id:
        raise BadState(message="现在的主持人不是替您主持的，请对方把主持交给您")
    await pass_on(me.live, TAKEN_BACK, me.person, me.person, me.room.people.get(conduct.acting or ""))


def _colleague(me: Attendee, participant_id: str) -> Participant:
    person = me.room.inside(participant_id)
    if person.id == me.person.id or person.role == "host":
        raise BadState(message="对方已经是主持人")
    if not may_conduct(person):
        raise Forbidden(message="只有主办或联合接访单位的工作人员可以主持")
    return person
