"""Words among officials; the petitioner's side never receives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import RuleError
from signaling.commands import Chat
from signaling.protocol import ErrorCode
from signaling.pushes import ChatSaid
from signaling.texts import plain
from signaling.times import wire_time

if TYPE_CHECKING:
    from signaling.attendee import Attendee


async def say(me: Attendee, command: Chat) -> None:
    """To every official in the room, the speaker included. Kept nowhere."""
    text = plain(command.text)
    if not text:
        raise RuleError(ErrorCode.BAD_MESSAGE, "内容不能为空")
    at = wire_time(me.live.clock.now())
    me.live.tell_officials(ChatSaid(me.person.id, me.person.name, text, at), me.person)
