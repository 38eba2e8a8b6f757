"""The order of the waiting room: call the next one, let somebody wait longer, receive them in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import NotFound
from scheduling.incidents.incident import Cause
from signaling.commands import CallNext, Postpone, Refer
from signaling.handlers import lobby
from signaling.incidents import tell
from signaling.protocol import CloseCode
from signaling.pushes import Referred
from signaling.texts import plain

if TYPE_CHECKING:
    from signaling.attendee import Attendee

# Words that the waiting person reads; the host's own reason follows.
POSTPONED = {
    "next": "工作人员请您稍等，已顺延一位，号为您保留",
    "last": "工作人员请您稍等，已排到最后，号为您保留",
}
REFERRED = {
    "telephone": "已改为电话接访。工作人员会打电话给您，请保持电话畅通",
    "on_site": "已改为现场接访。请按工作人员告诉您的时间，带身份证到接访场所",
    "another_day": "已改为另一天接访。新的时间和链接会用短信发给您",
}

TO_ARRANGE = {
    "telephone": "要打电话接访",
    "on_site": "要约定到现场的时间",
    "another_day": "要另约时间并发出新的链接",
}


async def call_next(me: Attendee, command: CallNext) -> None:
    """Who stepped away or is offline is passed over and keeps the place."""
    now = me.live.clock.now()
    here = [person for person in me.room.in_lobby() if person.presence(now) == "connected"]
    ready = [person for person in here if person.ready]
    if not ready:
        message = "等候的人还没有检查好设备，可以单独准入" if here else "等候室里没有在线的人"
        raise NotFound("nobody_waits", message)
    await lobby.call(me, ready[0])


async def postpone(me: Attendee, command: Postpone) -> None:
    """The number stays; the person reads why."""
    person = me.room.waiting(command.participant_id)
    now, reason = me.live.clock.now(), plain(command.reason)
    place = me.room.place_behind if command.to == "next" else me.room.place_last
    queued_at = place(person, now)
    data = {"to": command.to, "reason": reason}
    await me.live.write(person, "participant.postponed", me.person, data, queued_at=queued_at)
    person.queued_at, person.note = queued_at, _words(POSTPONED[command.to], reason)
    me.live.changed()


async def refer(me: Attendee, command: Refer) -> None:
    """The link stays good for a later session's new one; this seat is closed with clear words."""
    person = me.room.waiting(command.participant_id)
    reason = plain(command.reason)
    says = me.room.sitting.says
    words = _words(says(REFERRED[command.to]), reason)
    await me.live.write(
        person, "participant.referred", me.person, {"to": command.to, "reason": reason},
        place="removed", removed_at=me.live.clock.now(), removed_reason=words[:200],
    )  # fmt: skip
    me.room.expel(person)
    me.live.dismiss_one(person, Referred(command.to, words), CloseCode.REMOVED)
    # The words are a promise; somebody has to keep it, also when this sitting is long over.
    to_do = _words(says(TO_ARRANGE[command.to]), reason)
    tell(me.live, Cause.PROMISED_OTHERWISE, person.id, person.name, to_do)
    me.live.changed()


def _words(sentence: str, reason: str) -> str:
    return f"{sentence}：{reason}" if reason else f"{sentence}。"
