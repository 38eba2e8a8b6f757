"""标记: an official marks the moment, or takes a mark back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cases.errors import Forbidden, NotFound
from scheduling.session_events import append_event
from signaling import sittings
from signaling.commands import SetMark, WithdrawMark
from signaling.mark_pushes import Marks
from signaling.marks import MOST_MARKS, SET, WITHDRAWN, data_of, mark_of
from signaling.rights import Right
from signaling.room import BadState
from signaling.texts import plain

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.live import LiveRoom


async def set_mark(me: Attendee, command: SetMark) -> None:
    """Mark this moment; what is said in private has no moments on the timeline."""
    if me.room.sitting.state != "live":
        raise BadState(message="接访进行中才能标记")
    sittings.require_together(me.live)
    if len(me.room.marks) >= MOST_MARKS:
        raise BadState(message=f"一场接访最多 {MOST_MARKS} 个标记")
    async with me.live.database.session() as db:
        event = await append_event(
            db, me.live.clock, me.room.sitting.id, SET, me.person.name, me.person.id,
            data_of(command.mark, plain(command.note)),
        )  # fmt: skip
    mark = mark_of(event)
    assert mark is not None
    me.room.marks[mark.id] = mark
    tell_marks(me.live)


async def withdraw_mark(me: Attendee, command: WithdrawMark) -> None:
    """Take a mark back by a second entry; its author may, and the host. Twice is as good as once."""
    mark = me.room.marks.get(command.mark_id)
    if mark is None:
        raise NotFound(message="没有找到这个标记")
    if mark.by != me.person.id and Right.MUTE not in me.person.rights:
        raise Forbidden(message="只能撤回自己的标记")
    if mark.withdrawn_by is not None:
        return
    async with me.live.database.session() as db:
        await append_event(
            db, me.live.clock, me.room.sitting.id, WITHDRAWN, me.person.name, me.person.id,
            {"mark_id": mark.id, "text": mark.text},
        )  # fmt: skip
    me.room.marks[mark.id] = replace(mark, withdrawn_by=me.person.name)
    tell_marks(me.live)


def tell_marks(live: LiveRoom) -> None:
    """All marks to every official who may set them; nobody else ever gets them."""
    push = Marks([mark.view() for mark in live.room.marks.values()])
    for person in live.room.in_room():
        if Right.MARK in person.rights:
            live.tell(person.id, push)
