"""Words among officials; the petitioner's side never receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import RuleError
from scheduling.session_events import append_event
from signaling.commands import Chat
from signaling.protocol import ErrorCode
from signaling.pushes import ChatSaid
from signaling.texts import plain
from signaling.times import wire_time

if TYPE_CHECKING:
    from signaling.attendee import Attendee


SAID = "chat.said"


async def say(me: Attendee, command: Chat) -> None:
    """To every official in the room, the speaker included, in one order for all; kept with the session.

    What is written in a private deliberation stays among those who confer and is kept nowhere.
    """
    text = plain(command.text)
    if not text:
        raise RuleError(ErrorCode.BAD_MESSAGE, "内容不能为空")
    at = wire_time(me.live.clock.now())
    if me.room.deliberation is None:
        async with me.live.database.session() as db:
            event = await append_event(
                db, me.live.clock, me.room.sitting.id, SAID, me.person.name, me.person.id, {"text": text}
            )
        at = wire_time(event.at)
    me.live.tell_officials(ChatSaid(me.person.id, me.person.name, text, at), me.person)
