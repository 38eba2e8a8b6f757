"""The waiting room: ready, away for a moment, called in, sent away, sent back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cases.errors import Conflict
from scheduling.arrival.device_check import Answer, Checked, Occasion, add_device_check
from scheduling.reach import get_invitation
from signaling import sittings
from signaling.commands import Admit, ComeBack, Deny, MoveToLobby, Ready, Scalar, StepAway
from signaling.protocol import CloseCode
from signaling.pushes import Admitted, Denied, MovedToLobby
from signaling.speaking import apply_phase
from signaling.texts import plain
from signaling.waiting import Waiting, require_waiting

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.participant import Participant


async def ready(me: Attendee, command: Ready) -> None:
    """The device check is done, or the person is back."""
    me.room.tick(me.live.clock.now())
    device = dict(command.device)
    await me.live.write(
        me.person, "participant.ready",
        ready=True, device=device, queued_at=me.person.queued_at, absent_since=None, away_since=None,
    )  # fmt: skip
    if device and device != me.person.device and not me.person.official:
        await _keep_check(me, device)
    me.person.device = device
    me.room.make_ready(me.person)
    await sittings.someone_waits(me.live)
    me.live.changed()


async def _keep_check(me: Attendee, device: dict[str, Scalar]) -> None:
    """What the person answered on the way in; whoever only comes back was asked nothing."""

    def said(item: str) -> Answer:
        return Answer.GOOD if device.get(item) is True else Answer.BAD

    checked = Checked(said("camera"), said("microphone"), said("sound"))
    async with me.live.database.session() as db:
        invitation = await get_invitation(db, me.person.invitation_id)
        with suppress(Conflict):  # Asked too often: the person waits all the same.
            await add_device_check(db, me.live.clock, invitation, Occasion.ENTRANCE, checked)
            await db.commit()


async def step_away(me: Attendee, command: StepAway) -> None:
    """The place is kept for a while; stepping away twice does not make it longer."""
    now = me.live.clock.now()
    require_waiting(me.person, Waiting.AWAY)
    await me.live.write(me.person, "participant.stepped_away", absent_since=now, away_since=now)
    me.room.step_away(me.person, now)
    me.live.changed()


async def come_back(me: Attendee, command: ComeBack) -> None:
    """One tap; twice is as good as once. After too long the place is at the end, the number is the same."""
    if not me.person.stepped_away:
        return
    await me.live.write(me.person, "participant.came_back", absent_since=None, away_since=None)
    me.room.come_back(me.person)
    me.live.changed()


async def admit(me: Attendee, command: Admit) -> None:
    """Call somebody in."""
    await call(me, me.room.waiting(command.participant_id))


async def call(me: Attendee, person: Participant) -> None:
    """From now on the person has a minute to bring media up (signaling/calls.py)."""
    now = me.live.clock.now()
    await me.live.write(
        person, "participant.admitted", me.person, place="room", admitted_at=now, away_since=None
    )
    me.room.admit(person, now)
    await sittings.someone_called(me.live)
    await me.live.media.let_in(person)
    await apply_phase(me.live, [person])
    me.live.tell(person.id, Admitted(me.live.grant_relays(person)))
    me.live.changed()


async def deny(me: Attendee, command: Deny) -> None:
    """Send somebody away who waits."""
    person = me.room.waiting(command.participant_id)
    reason = plain(command.reason)
    await me.live.write(
        person, "participant.denied", me.person, {"reason": reason},
        place="removed", removed_at=me.live.clock.now(), removed_reason=reason,
    )  # fmt: skip
    me.room.expel(person)
    me.live.dismiss_one(person, Denied(reason), CloseCode.REMOVED)
    me.live.changed()


async def move_to_lobby(me: Attendee, command: MoveToLobby) -> None:
    """Send somebody back; the place in the queue is the one the waiting time gives.

    The person reads there who did it, and why.
    """
    person = me.room.movable(command.participant_id)
    now, reason = me.live.clock.now(), plain(command.reason)
    await me.live.write(
        person, "participant.moved_to_lobby", me.person, {"reason": reason},
        place="lobby", hand_raised_at=None, queued_at=person.queued_at or now,
    )  # fmt: skip
    person.note = sent_back(me.person.name, reason)
    me.room.move_to_lobby(person, now)
    await me.live.media.let_out(person, "moved_to_lobby")
    me.live.tell(person.id, MovedToLobby())
    me.live.changed()


def sent_back(who: str, reason: str) -> str:
    """What is read in the waiting room by whoever sat in the room a moment ago."""
    if not reason:
        return f"主持人{who}请您先回等候室，号为您保留。"
    return f"主持人请您先回等候室，号为您保留：{reason}（{who}）"
