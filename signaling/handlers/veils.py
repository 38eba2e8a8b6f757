"""屏蔽: the host screens a person, whose page then says that their voice is altered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import Forbidden
from signaling.commands import Veil, VoiceAltered
from signaling.room import BadState
from signaling.veils import BEGAN, ENDED

if TYPE_CHECKING:
    from signaling.attendee import Attendee


async def veil(me: Attendee, command: Veil) -> None:
    """Screen somebody, also in the waiting room already, or show them again. Twice is as good as once.

    Screened from the answer on: the worker has confirmed it before. Shown only after it is written.
    """
    person = me.room.find(command.participant_id)
    if person.official:
        raise Forbidden(message="只能屏蔽信访人一方和第三方")
    if person.veiled == command.veiled:
        return
    if command.veiled:
        person.veiled, person.voice_altered = True, False
        try:
            await me.live.media.settle_locks(person)
            await me.live.write(person, BEGAN, me.person)
        except BaseException:
            person.veiled = False
            await me.live.media.relock(person)
            raise
        me.live.clear_stage(person, "locked")
    else:
        await me.live.write(person, ENDED, me.person)
        person.veiled = person.voice_altered = False
        await me.live.media.relock(person)
    me.live.changed()


async def voice_altered(me: Attendee, command: VoiceAltered) -> None:
    """The page of a screened person sends the altered voice from now on, and nothing else."""
    if not me.person.veiled:
        raise BadState(message="您没有被屏蔽")
    me.person.voice_altered = True
    await me.live.media.relock(me.person)
    me.live.changed()
