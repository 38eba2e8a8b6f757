"""出示材料: a page of a material for the whole room, turned, pointed at, drawn over on a copy."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from cases.errors import Forbidden, RuleError
from scheduling.materials.exhibition import UNITS
from scheduling.materials.reading import find_material, page_file
from scheduling.materials.showing import DRAWN, ENDED, REPLACED, SHOWN, TURNED, WIPED
from scheduling.session_events import append_event
from signaling import sittings
from signaling.exhibit import Exhibit
from signaling.material_commands import (
    DrawStroke,
    FetchStrokes,
    HideMaterial,
    PointAt,
    ShowMaterial,
    TurnPage,
    WipeStrokes,
)
from signaling.material_pushes import MaterialPointer, MaterialStrokes
from signaling.protocol import ErrorCode, dump
from signaling.rights import Right
from signaling.room import BadState

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.live import LiveRoom
    from signaling.participant import Participant

TAKEN = "别人正在出示材料，请等对方结束"
# Seconds between two places that one person points at; what comes sooner is dropped.
POINTER_PAUSE = 0.05


async def show(me: Attendee, command: ShowMaterial) -> None:
    """Show it to everybody. Officials any material of the session, a guest with the floor his own."""
    sittings.require_together(me.live)
    _require_floor(me.person)
    before = me.room.exhibit
    if before is not None and not _may_handle(me.person, before):
        raise RuleError(ErrorCode.STAGE_TAKEN, TAKEN)
    if me.room.stage.presenter is not None:
        raise RuleError(ErrorCode.STAGE_TAKEN, TAKEN)
    async with me.live.database.session() as db:
        found = await find_material(db, me.actor, me.room.sitting.id, command.material_id)
    exhibit = Exhibit(found.id, found.name, found.pages, me.person.id)
    exhibit.require_page(command.page)
    exhibit.page = command.page
    exhibit.page_sha256 = await _digest(me.live, exhibit, command.page)
    await me.live.backlog.settle()  # The end of what was up before comes first in the history, too.
    if before is not None:
        if before.material_id == found.id:
            exhibit.strokes = before.strokes
        await _write(me.live, ENDED, me.person, before.data() | {"cause": REPLACED}, before.by)
    await _write(me.live, SHOWN, me.person, exhibit.data() | {"page_sha256": exhibit.page_sha256})
    me.room.exhibit = exhibit
    me.live.changed()
    _tell_strokes(me.live, exhibit)


async def turn(me: Attendee, command: TurnPage) -> None:
    """Another page for everybody; who shows it turns, and the officials."""
    exhibit = _handled(me)
    exhibit.require_page(command.page)
    if command.page == exhibit.page:
        return
    digest = await _digest(me.live, exhibit, command.page)
    data = exhibit.data() | {"page": command.page, "page_sha256": digest}
    await _write(me.live, TURNED, me.person, data)
    exhibit.page, exhibit.page_sha256 = command.page, digest
    me.live.changed()
    _tell_strokes(me.live, exhibit)


async def hide(me: Attendee, command: HideMaterial) -> None:
    """Put it away; twice is as good as once."""
    exhibit = me.room.exhibit
    if exhibit is None:
        return
    if exhibit.by != me.person.id and Right.MUTE not in me.person.rights:
        raise Forbidden(message="请出示的人或者主持人收起材料")
    await _write(me.live, ENDED, me.person, exhibit.data() | {"cause": "stopped"}, exhibit.by)
    me.room.exhibit = None
    me.live.changed()


async def fetch(me: Attendee, command: FetchStrokes) -> None:
    """For a page that came later; nothing where nothing is shown."""
    if me.room.exhibit is not None and me.room.deliberation is None:
        me.live.tell(me.person.id, _strokes(me.room.exhibit))


async def point(me: Attendee, command: PointAt) -> None:
    """Never written anywhere; a client that is behind is not told."""
    _handled(me)
    now = me.live.monotonic()
    lifted = command.x < 0 or command.y < 0
    if not lifted and now - me.person.pointed_at < POINTER_PAUSE:
        return
    me.person.pointed_at = now
    x, y = (-1, -1) if lifted else (min(command.x, UNITS), min(command.y, UNITS))
    me.live.tell_passing(dump(MaterialPointer(me.person.id, x, y)), me.person)


async def draw(me: Attendee, command: DrawStroke) -> None:
    """Over the page, for everybody; the material itself stays as it is. Written before it is told."""
    exhibit, points = _handled(me), list(command.points)
    exhibit.require_stroke(points, me.room.strokes_written)
    await _write(me.live, DRAWN, me.person, exhibit.place() | {"points": points})
    me.room.strokes_written += 1
    exhibit.draw(points)
    _tell_strokes(me.live, exhibit)


async def wipe(me: Attendee, command: WipeStrokes) -> None:
    """The last line of the page, or all."""
    exhibit = _handled(me)
    if exhibit.drawn:
        await _write(me.live, WIPED, me.person, exhibit.place() | {"everything": command.everything})
        exhibit.wipe(command.everything)
    _tell_strokes(me.live, exhibit)


def _require_floor(person: Participant) -> None:
    """A guest shows something while he may speak; what the host locked stays locked."""
    if person.blocked("screen"):
        raise Forbidden(message="主持人已停止您出示材料，可以举手示意")
    if not person.official and person.blocked("microphone"):
        raise Forbidden(message="现在不是您发言，想出示材料请先点「举手」")


def _may_handle(person: Participant, exhibit: Exhibit) -> bool:
    return person.official or exhibit.by == person.id


def _handled(me: Attendee) -> Exhibit:
    """What is shown, for somebody who may turn and mark it. Raises BadState, Forbidden."""
    exhibit = me.room.exhibit
    if exhibit is None:
        raise BadState(message="现在没有出示材料")
    if not _may_handle(me.person, exhibit):
        raise Forbidden(message="材料由出示的人和工作人员翻页")
    return exhibit


async def _digest(live: LiveRoom, exhibit: Exhibit, page: int) -> str:
    """SHA-256 of the page's picture, as hex: the recording proves by it what was shown.

    Raises NotFound, Conflict where the page does not open: then nobody would see it.
    """
    store, session_id = live.materials, live.room.sitting.id
    picture = await asyncio.to_thread(store.read, session_id, exhibit.material_id, page_file(page))
    return hashlib.sha256(picture).hexdigest()


def _strokes(exhibit: Exhibit) -> MaterialStrokes:
    return MaterialStrokes(exhibit.material_id, exhibit.page, exhibit.drawn)


def _tell_strokes(live: LiveRoom, exhibit: Exhibit) -> None:
    if live.room.exhibit is exhibit:  # It may have been put away while its history was written.
        live.tell_listeners(_strokes(exhibit))


async def _write(
    live: LiveRoom, kind: str, by: Participant, data: dict[str, Any], whose: str | None = None
) -> None:
    async with live.database.session() as db:
        await append_event(db, live.clock, live.room.sitting.id, kind, by.name, whose or by.id, data)
