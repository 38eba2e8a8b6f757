"""Negotiating the two transports, switching one's own sources, telling how well media travels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.errors import RuleError
from signaling.commands import Answer, Publish, Scalar, SourceState, Subscribe, TellQuality, Watch
from signaling.protocol import ErrorCode
from signaling.quality import is_row

if TYPE_CHECKING:
    from signaling.attendee import Attendee

HIGHEST_TILE = 8192


async def publish(me: Attendee, command: Publish) -> str:
    """Returns the SDP answer. With a `screen` the stage is taken, without one it is given back."""
    shown = "screen" in command.sources.values()
    new = shown and me.room.take_stage(me.person, me.live.clock.now())
    try:
        answer = await me.live.media.publish(me.person, command.sdp, command.sources)
    except RuleError:
        if new:
            me.live.clear_stage(me.person, "refused")
        raise
    if not shown:
        me.live.clear_stage(me.person, "stopped")
    for source in command.sources.values():
        me.person.switch(source)
    me.live.changed()
    return answer


async def subscribe(me: Attendee, command: Subscribe) -> None:
    """An offer follows as a push."""
    await me.live.media.subscribe(me.person)


async def answer(me: Attendee, command: Answer) -> None:
    """Only the newest offer can be answered."""
    await me.live.media.accept(me.person, command.offer_id, command.sdp)


async def watch(me: Attendee, command: Watch) -> None:
    """What is shown small is sent small, what is neither seen nor heard is not sent."""
    if not all(_is_tile(tile) for tile in command.tiles):
        raise RuleError(ErrorCode.BAD_MESSAGE, "画面列表的格式不正确")
    await me.live.media.watch(me.person, command.tiles)


def _is_tile(tile: dict[str, Scalar]) -> bool:
    height = tile.get("height")
    return (
        tile.keys() == {"participant_id", "source", "height", "visible"}
        and isinstance(tile["participant_id"], str)
        and tile["source"] in ("camera", "screen", "microphone")
        and type(height) is int
        and 0 <= height <= HIGHEST_TILE
        and isinstance(tile["visible"], bool)
    )


async def source_state(me: Attendee, command: SourceState) -> None:
    """The browser stops sending by itself; this is what the others see."""
    if command.source == "screen":
        _step(me, command.enabled)
    me.room.unlocked(me.person, command.source, command.enabled)
    me.person.switch(command.source).enabled = command.enabled
    await me.live.write(me.person, sources=me.person.kept_sources())
    me.live.changed()


def _step(me: Attendee, shown: bool) -> None:
    """On the stage, or off it."""
    if shown:
        me.room.take_stage(me.person, me.live.clock.now())
    else:
        me.live.clear_stage(me.person, "stopped")


async def tell_quality(me: Attendee, command: TellQuality) -> None:
    """What the browser measured. Officials read the level, the record gets the rows."""
    if not all(is_row(row) for row in (*command.up, *command.down)):
        raise RuleError(ErrorCode.BAD_MESSAGE, "网络质量数据的格式不正确")
    now = me.live.clock.now()
    if not me.person.quality.may_tell(now):
        raise RuleError(ErrorCode.TOO_FAST, "网络质量上报太频繁")
    if me.person.quality.hear_page(command.path, command.up, command.down, now):
        me.live.changed()
