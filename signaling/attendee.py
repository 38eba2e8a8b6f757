"""A person behind an authenticated connection: looks a command up, checks right and place, does it."""

from __future__ import annotations

import contextlib

from cases.errors import Forbidden, RuleError
from cases.policy import Actor
from signaling.commands import Command
from signaling.connection import Connection
from signaling.handlers import HANDLERS, Handler
from signaling.hosting import authority_of
from signaling.live import LiveRoom
from signaling.participant import Participant
from signaling.pushes import Ok
from signaling.refusals import note_refused
from signaling.room import BadState


class Attendee:
    """Given: everything. The `Guest` of a connection."""

    def __init__(self, live: LiveRoom, person: Participant, actor: Actor, connection: Connection) -> None:
        self.live = live
        self.room = live.room
        self.person = person
        self.actor = actor
        self.connection = connection

    @property
    def authority(self) -> Actor:
        """By whose right the sitting is moved and its minutes are kept."""
        return authority_of(self.person, self.actor)

    async def carry_out(self, command: Command) -> Ok:
        """Refusals in this order: right, place, then what the handler finds."""
        handler = HANDLERS.get(type(command))
        if handler is None:
            raise BadState(message="身份已经验证过了")
        try:
            return await self._run(handler, command)
        except RuleError as error:
            error.message = self.room.sitting.says(error.message)
            raise

    async def _run(self, handler: Handler, command: Command) -> Ok:
        try:
            self._check(handler)
        except Forbidden:
            note_refused(self.live, self.actor, self.person.id, command)
            raise
        async with self.live.lock if handler.exclusive else contextlib.nullcontext():
            self._check(handler)
            return Ok(command.id, await handler.run(self, command))

    def gone(self) -> None:
        """The connection dropped. The seat stays, the media is left alone, the others see it."""
        if not self.live.detach(self.person, self.connection) or not self.person.present:
            return
        now = self.live.clock.now()
        self.room.disconnect(self.person, now)
        self.live.changed()
        if not self.room.sitting.ended and self.person.id in self.room.people:
            self.live.write_drop(self.person)

    def _check(self, handler: Handler) -> None:
        if handler.right is not None and handler.right not in self.person.rights:
            raise Forbidden(message="您没有进行这项操作的权限")
        if self.person.id not in self.room.people or self.room.sitting.ended:
            raise BadState(message="这场接访已经结束，或者您已不在场")
        if handler.place is not None and self.person.place != handler.place:
            raise BadState()
