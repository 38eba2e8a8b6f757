"""The minutes of a session (笔录): the sheet, its states, who reads and writes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import Action, Actor, Scope, require
from cases.roles import InvitationRole
from cases.vocabulary import names
from scheduling.invitation import Invitation
from scheduling.minutes.objection import count_open_objections
from scheduling.minutes.paragraph import MinutesParagraph, MinutesRevision, ParagraphKind, RevisionAct
from scheduling.minutes.template import TEMPLATES, fill, usual_template
from scheduling.reach import load_session, scope_of_session
from scheduling.session import Session
from scheduling.session_events import add_event
from scheduling.sessions.invitations import list_invitations
from scheduling.transitions import require_transition

# Between two paragraphs of the template; a new one takes a small step after the one before it.
TEMPLATE_STEP = 2**32


class MinutesState(StrEnum):
    """How far the minutes have come."""

    DRAFTING = "drafting"
    READ_BACK = "read_back"
    SIGNING = "signing"
    LOCKED = "locked"


MINUTES_STATE_NAMES: Mapping[MinutesState, str] = names("minutes", MinutesState)
_S = MinutesState
TRANSITIONS: Mapping[MinutesState, frozenset[MinutesState]] = {
    _S.DRAFTING: frozenset({_S.READ_BACK}),
    _S.READ_BACK: frozenset({_S.DRAFTING, _S.SIGNING}),
    _S.SIGNING: frozenset({_S.DRAFTING, _S.LOCKED}),
    _S.LOCKED: frozenset(),
}
# While it is read back only corrections are expected, and each is a revision like any other.
EDITABLE = frozenset({_S.DRAFTING, _S.READ_BACK})


class Minutes(Base):
    """The sheet of one session. `version` counts every change; `signature_count` those who have signed.

    `shown_live`: the host lets the petitioner's side read along.
    """

    __tablename__ = "minutes"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), unique=True)
    template: Mapped[str] = mapped_column(String(32))
    template_version: Mapped[int]
    state: Mapped[MinutesState]
    version: Mapped[int] = mapped_column(default=0)
    signature_count: Mapped[int] = mapped_column(default=0)
    shown_live: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class MinutesWriter(Base):
    """A guest of another office whom the host lets write along."""

    __tablename__ = "minutes_writers"

    minutes_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("minutes.id"), primary_key=True)
    invitation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("invitations.id"), primary_key=True
    )
    given_at: Mapped[datetime]
    given_by: Mapped[str] = mapped_column(String(256))
    taken_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Sheet:
    """The minutes with every paragraph that was not removed, in order."""

    minutes: Minutes
    paragraphs: tuple[MinutesParagraph, ...]

    @property
    def public(self) -> tuple[MinutesParagraph, ...]:
        """What the petitioner's side may read, what is read back and signed: no notes of the officials."""
        return tuple(each for each in self.paragraphs if each.kind is not ParagraphKind.NOTE)


@atomic
async def begin_minutes(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, template: str | None = None
) -> Sheet:
    """Begin the minutes from a template, or return those already begun; commits.

    Raises NotFound, Forbidden, Invalid `template_unknown`.
    """
    session = await load_session(db, session_id, lock=True)
    require(actor, Action.WRITE_MINUTES, await scope_of_minutes(db, session))
    found = await find_minutes(db, session_id)
    if found is None:
        found = await _begin(db, clock, actor, session, template or usual_template(session))
    sheet = Sheet(found, await list_paragraphs(db, found.id))
    await db.commit()
    return sheet


async def read_minutes(db: AsyncSession, actor: Actor, session_id: str) -> Sheet:
    """The sheet for officials. Raises NotFound `minutes_not_begun`, Forbidden."""
    session = await load_session(db, session_id)
    require(actor, Action.SEE_MINUTES, await scope_of_minutes(db, session))
    minutes = await load_minutes(db, session_id)
    return Sheet(minutes, await list_paragraphs(db, minutes.id))


async def follow_minutes(db: AsyncSession, actor: Actor, session_id: str) -> Sheet:
    """The sheet for the petitioner's side while the host shows it: take `.public` of it.

    Raises NotFound, Forbidden `minutes_not_shown`.
    """
    session = await load_session(db, session_id)
    require(actor, Action.FOLLOW_MINUTES, await scope_of_session(db, session))
    minutes = await find_minutes(db, session_id)
    if minutes is None or not minutes.shown_live:
        raise Forbidden("minutes_not_shown", "主持人还没有打开笔录同步显示。")
    return Sheet(minutes, await list_paragraphs(db, minutes.id))


@atomic
async def move_minutes(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, state: MinutesState
) -> Minutes:
    """Bring the minutes into `state` if the table permits it; commits.

    Raises NotFound, Forbidden, Conflict `bad_transition`, `minutes_signed` (no way back after a signature),
    `objections_open`, `minutes_unsigned` (they are locked by the host's signature alone).
    """
    minutes = await lock_for(db, actor, session_id, Action.WRITE_MINUTES)
    old, new = MINUTES_STATE_NAMES[minutes.state], MINUTES_STATE_NAMES[state]
    require_transition(TRANSITIONS, minutes.state, state, f"笔录现在是「{old}」，不能变为「{new}」。")
    if state is MinutesState.DRAFTING and minutes.signature_count:
        raise Conflict("minutes_signed", "已经有人签字，笔录不能再改。需要更正的，另记一份说明。")
    if state is MinutesState.LOCKED:
        raise Conflict("minutes_unsigned", "主持人最后签字时自动定稿。")
    if state is MinutesState.SIGNING and await count_open_objections(db, minutes.id):
        raise Conflict("objections_open", "信访人还有意见没有答复，请先逐条答复再签字。")
    data = {"from": minutes.state, "to": state, "version": minutes.version}
    minutes.state = state
    await db.flush()
    await add_event(db, clock, session_id, f"minutes.{_EVENT[state]}", actor.name or None, data=data)
    await add_audit(db, clock, actor, "minutes.moved", "session", session_id, detail=data)
    await db.commit()
    return minutes


_EVENT = {
    _S.DRAFTING: "reopened",
    _S.READ_BACK: "read_back",
    _S.SIGNING: "signing",
    _S.LOCKED: "locked",
}


@atomic
async def show_live(db: AsyncSession, clock: Clock, actor: Actor, session_id: str, shown: bool) -> Minutes:
    """Let the petitioner's side read along, or no longer; commits. Twice is the same as once."""
    minutes = await lock_for(db, actor, session_id, Action.HOST)
    if minutes.shown_live != shown:
        minutes.shown_live = shown
        await db.flush()
        kind = "minutes.shown" if shown else "minutes.hidden"
        await add_event(db, clock, session_id, kind, actor.name or None)
    await db.commit()
    return minutes


@atomic
async def let_write(
    db: AsyncSession, clock: Clock, actor: Actor, session_id: str, invitation_id: str, allowed: bool
) -> Minutes:
    """Let a joint receptionist or department write along, or no longer; commits. Raises Invalid."""
    minutes = await lock_for(db, actor, session_id, Action.HOST)
    invitation = await db.get(Invitation, invitation_id)
    if invitation is None or invitation.session_id != session_id:
        raise NotFound("invitation_not_found", "没有找到这位参加人。")
    if invitation.role not in (InvitationRole.JOINT_RECEPTIONIST, InvitationRole.DEPARTMENT):
        raise Invalid("not_a_writer", "只有联合接访员和责任单位可以被授权记录。", "invitation_id")
    found = await db.get(MinutesWriter, (minutes.id, invitation_id))
    if found is None and allowed:
        db.add(
            MinutesWriter(
                minutes_id=minutes.id,
                invitation_id=invitation_id,
                given_at=clock.now(),
                given_by=actor.name,
                taken_at=None,
            )  # fmt: skip
        )
    elif found is not None:
        found.taken_at = None if allowed else clock.now()
    await db.flush()
    kind = "minutes.writer_given" if allowed else "minutes.writer_taken"
    data = {"name": invitation.display_name}
    await add_event(db, clock, session_id, kind, actor.name or None, data=data)
    await db.commit()
    return minutes


async def scope_of_minutes(db: AsyncSession, session: Session) -> Scope:
    """The scope of the session, and who writes in it by name: its hosts, recorders, and whom the host let."""
    by_role = select(Invitation.id, Invitation.official_id).where(
        Invitation.session_id == session.id,
        Invitation.revoked_at.is_(None),
        Invitation.role.in_([InvitationRole.HOST, InvitationRole.RECORDER]),
    )
    let = (
        select(Invitation.id, Invitation.official_id)
        .join(MinutesWriter, MinutesWriter.invitation_id == Invitation.id)
        .join(Minutes, Minutes.id == MinutesWriter.minutes_id)
        .where(
            Minutes.session_id == session.id,
            MinutesWriter.taken_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
    )
    rows = [*(await db.execute(by_role)), *(await db.execute(let))]
    writers = frozenset(each for row in rows for each in row if each)
    return replace(await scope_of_session(db, session), minutes_writer_ids=writers)


async def find_minutes(db: AsyncSession, session_id: str) -> Minutes | None:
    """The sheet as it is now, without asking the policy."""
    query = select(Minutes).where(Minutes.session_id == session_id)
    return await db.scalar(query.execution_options(populate_existing=True))


async def load_minutes(db: AsyncSession, session_id: str) -> Minutes:
    """The sheet, without asking the policy. Raises NotFound `minutes_not_begun`."""
    found = await find_minutes(db, session_id)
    if found is None:
        raise NotFound("minutes_not_begun", "这场接访还没有笔录。")
    return found


async def lock_for(db: AsyncSession, actor: Actor, session_id: str, action: Action) -> Minutes:
    """The sheet if `actor` may do `action`; other writers wait until this transaction ends.

    Raises NotFound, Forbidden.
    """
    session = await load_session(db, session_id)
    require(actor, action, await scope_of_minutes(db, session))
    same = update(Minutes).where(Minutes.session_id == session_id).values(version=Minutes.version)
    await db.execute(same, execution_options={"synchronize_session": False})
    return await load_minutes(db, session_id)


async def list_paragraphs(
    db: AsyncSession, minutes_id: str, removed: bool = False
) -> tuple[MinutesParagraph, ...]:
    """The paragraphs in order, with `removed` also those taken out. The caller has asked the policy."""
    query = select(MinutesParagraph).where(MinutesParagraph.minutes_id == minutes_id)
    if not removed:
        query = query.where(MinutesParagraph.removed.is_(False))
    query = query.order_by(MinutesParagraph.place, MinutesParagraph.id)
    return tuple(await db.scalars(query.execution_options(populate_existing=True)))


async def speakers_of(db: AsyncSession, session_id: str) -> Sequence[Invitation]:
    """Who can be named as a speaker: everybody invited. The caller has asked the policy."""
    return [each for each in await list_invitations(db, session_id) if each.revoked_at is None]


async def _begin(db: AsyncSession, clock: Clock, actor: Actor, session: Session, template: str) -> Minutes:
    versions = TEMPLATES.get(template)
    if versions is None:
        raise Invalid("template_unknown", "请选择笔录模板。", "template")
    lines = fill(versions[-1], session, await list_invitations(db, session.id))
    minutes = Minutes(
        id=new_id(), session_id=session.id, template=template, template_version=len(versions),
        state=MinutesState.DRAFTING, version=len(lines), signature_count=0, shown_live=False,
        created_at=clock.now(),
    )  # fmt: skip
    db.add(minutes)
    await db.flush()
    for number, line in enumerate(lines, 1):
        paragraph = MinutesParagraph(
            id=new_id(), minutes_id=minutes.id, place=number * TEMPLATE_STEP, kind=line.kind,
            speaker_id=None, speaker_name="", speaker_office="", text=line.text, revision=1, removed=False,
            said_at=None, monotonic_ms=None,
        )  # fmt: skip
        db.add(paragraph)
        await db.flush()
        db.add(revision_of(clock, actor, minutes, paragraph, number, new_id(), RevisionAct.INSERTED))
    await db.flush()
    data = {"template": template, "template_version": len(versions)}
    await add_event(db, clock, session.id, "minutes.begun", actor.name or None, data=data)
    return minutes


def revision_of(
    clock: Clock, actor: Actor, minutes: Minutes, paragraph: MinutesParagraph, version: int, edit_id: str,
    act: RevisionAct,
) -> MinutesRevision:  # fmt: skip
    """The paragraph as it now is, as a row of its history."""
    return MinutesRevision(
        id=new_id(), minutes_id=minutes.id, paragraph_id=paragraph.id, number=paragraph.revision,
        version=version, edit_id=edit_id, act=act, at=clock.now(), by_id=actor.official_id, by=actor.name,
        kind=paragraph.kind, speaker_name=paragraph.speaker_name, speaker_office=paragraph.speaker_office,
        text=paragraph.text,
    )  # fmt: skip
