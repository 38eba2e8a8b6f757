"""The minutes in the room: read along, write along, let others do so. The database has every word."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Forbidden, NotFound, RuleError
from cases.policy import Action, Actor, allowed
from scheduling.minutes.editing import (
    Change,
    Changed,
    DescribeParagraph,
    EditParagraph,
    InsertParagraph,
    MoveParagraph,
    RemoveParagraph,
    change_minutes,
)
from scheduling.minutes.objection import count_open_objections
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.minutes.reading import reading_of
from scheduling.minutes.record import (
    MinutesState,
    Sheet,
    begin_minutes,
    find_minutes,
    follow_minutes,
    let_write,
    move_minutes,
    read_minutes,
    scope_of_minutes,
    show_live,
    speakers_of,
)
from scheduling.minutes.signature import list_signers
from scheduling.reach import load_session
from signaling.hosting import authority_of
from signaling.minutes_commands import (
    BeginMinutes,
    ChangeMinutes,
    FetchMinutes,
    LetWrite,
    MoveMinutes,
    ShowMinutes,
)
from signaling.minutes_pushes import (
    MinutesSheet,
    MinutesView,
    changed_push,
    minutes_view,
    public_push,
    without_names,
)
from signaling.protocol import ErrorCode
from signaling.rights import Right

if TYPE_CHECKING:
    from signaling.attendee import Attendee
    from signaling.live import LiveRoom
    from signaling.participant import Participant


async def fetch(me: Attendee, command: FetchMinutes) -> None:
    """The whole sheet follows as a push; nothing where there is none, or none that is shown."""
    await _tell_sheet(me.live, me.person, me.actor)


async def begin(me: Attendee, command: BeginMinutes) -> None:
    """Begin from a template; who is faster chooses it."""
    async with me.live.database.session() as db:
        session_id = me.room.sitting.id
        await begin_minutes(db, me.live.clock, me.authority, session_id, command.template or None)
    await refresh(me.live)


async def move(me: Attendee, command: MoveMinutes) -> None:
    """The next step: to be read back, to be signed, or back to writing."""
    async with me.live.database.session() as db:
        state = MinutesState(command.state)
        await move_minutes(db, me.live.clock, me.authority, me.room.sitting.id, state)
    await refresh(me.live)


async def change(me: Attendee, command: ChangeMinutes) -> None:
    """Carry one change out; everybody who reads along is told, the sender too, before the answer."""
    async with me.live.database.session() as db:
        change = change_of(command)
        changed = await change_minutes(db, me.live.clock, me.authority, me.room.sitting.id, change)
    await spread(me.live, changed, command.edit_id, me.person.name)
    if changed.repeated:
        me.live.tell(me.person.id, changed_push(changed, command.edit_id, me.person.name))


async def show(me: Attendee, command: ShowMinutes) -> None:
    """The petitioner's side reads along from now on, or no longer."""
    async with me.live.database.session() as db:
        minutes = await show_live(db, me.live.clock, me.authority, me.room.sitting.id, command.shown)
    me.room.minutes_shown = minutes.shown_live
    me.live.changed()
    await tell_officials(me.live)
    for person in me.room.in_room():
        if not person.official and Right.FOLLOW_MINUTES in person.rights:
            await _tell_sheet(me.live, person, me.live.holders.get(person.id))


async def let(me: Attendee, command: LetWrite) -> None:
    """A colleague of another office writes along from now on, or no longer."""
    async with me.live.database.session() as db:
        session_id = me.room.sitting.id
        await let_write(
            db, me.live.clock, me.authority, session_id, command.speaker_id, command.allowed
        )  # fmt: skip
    await tell_officials(me.live)


async def spread(live: LiveRoom, changed: Changed, edit_id: str, by: str) -> None:
    """Tell the room of one change; also of those made on a page outside it."""
    if changed.repeated:
        return
    if changed.renumbered:
        await tell_officials(live)
    push = changed_push(changed, edit_id, by)
    public = public_push(push)
    public = replace(public, paragraph=without_names(public.paragraph, _screened(live)))
    for person in live.room.in_room():
        if Right.READ_MINUTES in person.rights:
            live.tell(person.id, push)
        elif changed.minutes.shown_live and _follows(live, person):
            live.tell(person.id, public)


def _follows(live: LiveRoom, person: Participant) -> bool:
    """Whether this guest may be told what is written now; what is written in private comes later, as it then
    stands."""
    return Right.FOLLOW_MINUTES in person.rights and not live.room.is_apart(person)


async def refresh(live: LiveRoom) -> None:
    """The state of the sheet has changed, here or on a page outside: everybody hears of it."""
    async with live.database.session() as db:
        minutes = await find_minutes(db, live.room.sitting.id)
        objections = await count_open_objections(db, minutes.id) if minutes is not None else 0
    live.room.open_objections = objections
    live.room.minutes_state = str(minutes.state) if minutes is not None else None
    live.room.minutes_shown = minutes is not None and minutes.shown_live
    live.changed()
    await tell_officials(live)


async def tell_officials(live: LiveRoom) -> None:
    """The whole sheet anew to everybody of the offices who reads it."""
    for person in live.room.in_room():
        if Right.READ_MINUTES in person.rights:
            await _tell_sheet(live, person, live.holders.get(person.id))


async def _tell_sheet(live: LiveRoom, person: Participant, actor: Actor | None) -> None:
    if actor is None or person.id not in live.connections:
        return
    official = Right.READ_MINUTES in person.rights
    if not official and live.room.is_apart(person):
        live.tell(person.id, MinutesSheet(None))
        return
    async with live.database.session() as db:
        view = await view_for(db, authority_of(person, actor), live.room.sitting.id, official)
    if view is not None and not person.official:
        screened = _screened(live)
        view = replace(view, paragraphs=[without_names(each, screened) for each in view.paragraphs])
    live.tell(person.id, MinutesSheet(view))


def _screened(live: LiveRoom) -> set[str]:
    """Invitations of those whom the host screens."""
    return {person.invitation_id for person in live.room.people.values() if person.veiled}


async def view_for(db: AsyncSession, actor: Actor, session_id: str, official: bool) -> MinutesView | None:
    """The sheet as this person may read it; None where there is nothing to read."""
    try:
        if not official:
            sheet = await follow_minutes(db, actor, session_id)
            return minutes_view(sheet.minutes, sheet.public, writable=False)
        return await official_view(db, actor, session_id, await read_minutes(db, actor, session_id))
    except (NotFound, Forbidden):
        return None


async def official_view(db: AsyncSession, actor: Actor, session_id: str, sheet: Sheet) -> MinutesView:
    """With speakers to choose and whether this person writes."""
    scope = await scope_of_minutes(db, await load_session(db, session_id))
    writable = allowed(actor, Action.WRITE_MINUTES, scope)
    speakers = await speakers_of(db, session_id)
    view = minutes_view(sheet.minutes, sheet.paragraphs, writable, speakers, scope.minutes_writer_ids)
    reading = await reading_of(db, sheet)
    unsigned = [each.name for each in await list_signers(db, sheet.minutes) if each.signature is None]
    return replace(view, open_objections=reading.open_objections, unsigned=unsigned)


def change_of(command: ChangeMinutes) -> Change:
    """The command as the use case takes it. Raises RuleError `bad_message` where a field is missing."""
    ids = {"edit_id": command.edit_id, "paragraph_id": command.paragraph_id}
    kind = ParagraphKind(command.kind) if command.kind else None
    match command.act:
        case "insert" if kind is not None:
            return InsertParagraph(
                **ids, after_id=command.after_id, kind=kind, speaker_id=command.speaker_id,
                text=command.text, ago_ms=command.ago_ms,
            )  # fmt: skip
        case "edit" if command.base is not None:
            return EditParagraph(**ids, base=command.base, text=command.text)
        case "describe" if kind is not None:
            return DescribeParagraph(**ids, kind=kind, speaker_id=command.speaker_id)
        case "move":
            return MoveParagraph(**ids, after_id=command.after_id)
        case "remove" if command.base is not None:
            return RemoveParagraph(**ids, base=command.base)
    raise RuleError(ErrorCode.BAD_MESSAGE, "笔录的修改不完整，请刷新页面。")
