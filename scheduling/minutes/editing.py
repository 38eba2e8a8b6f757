"""Writing the minutes: every change of a paragraph, by several people at once, without losing a word.

A change of text names the wording it was made from. If that is no longer the newest, both are merged by
words (scheduling/minutes/merge.py); if the paragraph was taken out meanwhile, it comes back. Changes to one
sheet take turns on its row. A change that is sent again is done once: `edit_id` is its name.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import note_refusal
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, Invalid, NotFound
from cases.policy import Action, Actor
from scheduling.invitation import Invitation
from scheduling.minutes.merge import merge
from scheduling.minutes.paragraph import MinutesParagraph, MinutesRevision, ParagraphKind, RevisionAct
from scheduling.minutes.record import (
    EDITABLE,
    MINUTES_STATE_NAMES,
    TEMPLATE_STEP,
    Minutes,
    list_paragraphs,
    lock_for,
    revision_of,
)
from scheduling.minutes.text import tidy
from scheduling.reach import load_session
from scheduling.session import Session

MOST_PARAGRAPHS = 1000
# Paragraphs ever begun, and changes ever made: four hours of four people who never stop typing.
MOST_BEGUN = 3000
MOST_VERSIONS = 60_000
LONGEST_AGO_MS = 24 * 3600 * 1000
STEP = 2**16
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Any change; `edit_id` and `paragraph_id` are 32 lower-case hexadecimal characters made by the page."""

    edit_id: str
    paragraph_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertParagraph(Change):
    """A new paragraph after `after_id`, or at the top; begun `ago_ms` milliseconds ago."""

    after_id: str | None
    kind: ParagraphKind
    speaker_id: str | None
    text: str
    ago_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EditParagraph(Change):
    """New text, made from revision `base`."""

    base: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeParagraph(Change):
    """Another kind or speaker; the last word counts."""

    kind: ParagraphKind
    speaker_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveParagraph(Change):
    """Another place: after `after_id`, or to the top; the last word counts."""

    after_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveParagraph(Change):
    """Take out what was read as revision `base`; refused when somebody has written on since."""

    base: int


@dataclass(frozen=True)
class Changed:
    """What a change came to. `others` wrote in the same place: (saved wording, typed wording) each.

    `renumbered`: every place of the sheet is new. `repeated`: it had been done before.
    """

    minutes: Minutes
    paragraph: MinutesParagraph
    act: RevisionAct
    overlaps: tuple[tuple[str, str], ...] = ()
    other: str = ""
    renumbered: bool = False
    repeated: bool = False


@atomic
async def change_minutes(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, change: Change
) -> Changed:
    """Carry one change out and commit.

    Raises NotFound `paragraph_not_found`, Forbidden, Invalid at the field, Conflict `minutes_locked`,
    `minutes_changed` (removal of what somebody has written on), `minutes_full`.
    """
    minutes = await lock_for(db, actor, session_id, Action.WRITE_MINUTES)
    _check_ids(change)
    done = await _done_before(db, minutes, change.edit_id)
    if done is None:
        await _require_editable(db, clock, actor, minutes)
        session = await load_session(db, session_id)
        done = await _carry_out(db, clock, actor, session, minutes, change)
    await db.commit()
    return done


async def _carry_out(
    db: AsyncSession, clock: Clock, actor: Actor, session: Session, minutes: Minutes, change: Change
) -> Changed:
    if minutes.version >= MOST_VERSIONS:
        raise Conflict("minutes_full", "这份笔录的修改次数已到上限，请核对后定稿。")
    if isinstance(change, InsertParagraph):
        changed = await _insert(db, clock, session, minutes, change)
    else:
        paragraph = await _paragraph(db, minutes, change.paragraph_id)
        if isinstance(change, EditParagraph):
            changed = await _edit(db, minutes, paragraph, change)
        elif isinstance(change, DescribeParagraph):
            await _describe(db, session, paragraph, change.kind, change.speaker_id)
            changed = Changed(minutes, paragraph, RevisionAct.DESCRIBED)
        elif isinstance(change, MoveParagraph):
            changed = await _move(db, minutes, paragraph, change)
        else:
            assert isinstance(change, RemoveParagraph)
            changed = await _remove(minutes, paragraph, change)
    minutes.version += 1
    changed.paragraph.revision += 1
    db.add(changed.paragraph)
    await db.flush()
    db.add(
        revision_of(clock, actor, minutes, changed.paragraph, minutes.version, change.edit_id, changed.act)
    )
    await db.flush()
    return changed


async def _insert(
    db: AsyncSession, clock: Clock, session: Session, minutes: Minutes, change: InsertParagraph
) -> Changed:
    text = tidy(change.text)
    if await db.get(MinutesParagraph, change.paragraph_id) is not None:
        raise Invalid("paragraph_exists", "这一段已经存在，请刷新页面。", "paragraph_id")
    await _refuse_crowd(db, minutes)
    place, renumbered = await _place_after(db, minutes, change.after_id)
    said_at, monotonic_ms = moment_of(clock, session, change.ago_ms)
    paragraph = MinutesParagraph(
        id=change.paragraph_id, minutes_id=minutes.id, place=place, kind=change.kind, speaker_id=None,
        speaker_name="", speaker_office="", text=text, revision=0, removed=False, said_at=said_at,
        monotonic_ms=monotonic_ms,
    )  # fmt: skip
    await _describe(db, session, paragraph, change.kind, change.speaker_id)
    return Changed(minutes, paragraph, RevisionAct.INSERTED, renumbered=renumbered)


async def _edit(
    db: AsyncSession, minutes: Minutes, paragraph: MinutesParagraph, change: EditParagraph
) -> Changed:
    typed = tidy(change.text)
    act, other = RevisionAct.EDITED, ""
    overlaps: tuple[tuple[str, str], ...] = ()
    if change.base != paragraph.revision:
        base = await _wording(db, paragraph, change.base)
        newest = await _wording(db, paragraph, paragraph.revision)
        merged = merge(base.text, paragraph.text, typed)
        if merged.text != typed:
            act, overlaps, other = RevisionAct.MERGED, merged.overlaps, newest.by
        typed = tidy(merged.text)
    if paragraph.removed:
        act, paragraph.removed = RevisionAct.RESTORED, False
    paragraph.text = typed
    return Changed(minutes, paragraph, act, overlaps, other)


async def _move(
    db: AsyncSession, minutes: Minutes, paragraph: MinutesParagraph, change: MoveParagraph
) -> Changed:
    if change.after_id == paragraph.id:
        raise Invalid("bad_place", "一段不能移到它自己后面。", "after_id")
    paragraph.place, renumbered = await _place_after(db, minutes, change.after_id, paragraph)
    return Changed(minutes, paragraph, RevisionAct.MOVED, renumbered=renumbered)


async def _remove(minutes: Minutes, paragraph: MinutesParagraph, change: RemoveParagraph) -> Changed:
    if change.base != paragraph.revision:
        raise Conflict("minutes_changed", "别人刚刚改过这一段，没有删除。请看过新的内容再决定。")
    paragraph.removed = True
    return Changed(minutes, paragraph, RevisionAct.REMOVED)


async def _describe(
    db: AsyncSession, session: Session, paragraph: MinutesParagraph, kind: ParagraphKind,
    speaker_id: str | None,
) -> None:  # fmt: skip
    name = office = ""
    if speaker_id is not None:
        speaker = await db.get(Invitation, speaker_id)
        if speaker is None or speaker.session_id != session.id:
            raise Invalid("speaker_unknown", "没有找到这位说话人，请重新选择。", "speaker_id")
        name = speaker.display_name
        office = speaker.organisation.short_name if speaker.organisation else ""
    paragraph.kind, paragraph.speaker_id = kind, speaker_id
    paragraph.speaker_name, paragraph.speaker_office = name, office


async def _place_after(
    db: AsyncSession, minutes: Minutes, after_id: str | None, moving: MinutesParagraph | None = None
) -> tuple[int, bool]:
    """A free place after that paragraph, and whether all places were spread anew to make one."""
    before = 0
    if after_id is not None:
        before = (await _paragraph(db, minutes, after_id, "前面的那一段找不到了，请刷新页面。")).place
    following = select(func.min(MinutesParagraph.place)).where(
        MinutesParagraph.minutes_id == minutes.id, MinutesParagraph.place > before
    )
    if moving is not None:
        following = following.where(MinutesParagraph.id != moving.id)
    after = await db.scalar(following) or before + 2 * STEP
    if after - before > 1:
        return before + min(STEP, (after - before) // 2), False
    place = 0
    for number, each in enumerate(await list_paragraphs(db, minutes.id, removed=True), 1):
        each.place = number * TEMPLATE_STEP
        place = each.place if each.id == after_id else place
    await db.flush()
    return place + STEP, True


async def _refuse_crowd(db: AsyncSession, minutes: Minutes) -> None:
    count = select(func.count()).select_from(MinutesParagraph).where(
        MinutesParagraph.minutes_id == minutes.id
    )  # fmt: skip
    standing = await db.scalar(count.where(MinutesParagraph.removed.is_(False))) or 0
    if standing >= MOST_PARAGRAPHS or (await db.scalar(count) or 0) >= MOST_BEGUN:
        raise Conflict("minutes_full", f"一份笔录最多 {MOST_PARAGRAPHS} 段，请写在已有的段落里。")


async def _paragraph(
    db: AsyncSession, minutes: Minutes, paragraph_id: str, missing: str = "这一段找不到了，请刷新页面。"
) -> MinutesParagraph:
    query = select(MinutesParagraph).where(
        MinutesParagraph.id == paragraph_id, MinutesParagraph.minutes_id == minutes.id
    )
    found = await db.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("paragraph_not_found", missing, "paragraph_id")
    return found


async def _wording(db: AsyncSession, paragraph: MinutesParagraph, number: int) -> MinutesRevision:
    query = select(MinutesRevision).where(
        MinutesRevision.paragraph_id == paragraph.id, MinutesRevision.number == number
    )
    found = await db.scalar(query)
    if found is None:
        raise Invalid("base_unknown", "这一段的版本对不上，请刷新页面。", "base")
    return found


async def _done_before(db: AsyncSession, minutes: Minutes, edit_id: str) -> Changed | None:
    query = select(MinutesRevision).where(
        MinutesRevision.minutes_id == minutes.id, MinutesRevision.edit_id == edit_id
    )
    found = await db.scalar(query)
    if found is None:
        return None
    paragraph = await _paragraph(db, minutes, found.paragraph_id)
    return Changed(minutes, paragraph, found.act, repeated=True)


async def _require_editable(db: AsyncSession, clock: Clock, actor: Actor, minutes: Minutes) -> None:
    if minutes.state not in EDITABLE:
        detail = {"state": str(minutes.state)}
        await note_refusal(db, clock, actor, "minutes.change_refused", "session", minutes.session_id, detail)
        state = MINUTES_STATE_NAMES[minutes.state]
        raise Conflict("minutes_locked", f"笔录{state}，不能再改。您写的内容还在页面上，可以复制出来。")


def _check_ids(change: Change) -> None:
    for field in ("edit_id", "paragraph_id"):
        if not _ID.fullmatch(getattr(change, field)):
            raise Invalid("bad_id", "页面发来的编号不正确，请刷新页面。", field)
    if isinstance(change, InsertParagraph) and not 0 <= change.ago_ms <= LONGEST_AGO_MS:
        raise Invalid("bad_time", "这一段的时间不正确，请刷新页面。", "ago_ms")


def moment_of(clock: Clock, session: Session, ago_ms: int) -> tuple[datetime | None, int | None]:
    """When something begun `ago_ms` ago was said, on both clocks of the events; empty outside the sitting."""
    at = clock.now() - timedelta(milliseconds=ago_ms)
    over = session.closed_at is not None and at > session.closed_at
    if session.opened_at is None or at < session.opened_at or over:
        return None, None
    return at, time.monotonic_ns() // 1_000_000 - ago_ms
