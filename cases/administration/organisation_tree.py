"""The tree of organisations: one is added, gets another name, or is closed; every change stays as a line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, ForeignKey, String, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.administration.post_request import PostRequest
from cases.append_only import append_only
from cases.audit import add_audit
from cases.casefile import PetitionCase, PetitionState
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid
from cases.fields import clean, clean_name, clean_text
from cases.organisations import (
    CODE_LENGTHS,
    Organisation,
    OrganisationKind,
    Tier,
    covers,
    find_office,
    get_organisation,
)
from cases.people import Official, Post, scope_of_places
from cases.policy import Action, Actor, allowed, require

SHORT_NAME_LIMIT = 20
TIER_OF = {length: tier for tier, length in CODE_LENGTHS.items()}
# A matter that is none of anybody's work any more; what may still be asked of it another office can take.
SETTLED = frozenset(
    {
        PetitionState.REFUSED,
        PetitionState.NO_LONGER_ACCEPTED,
        PetitionState.ROUTED,
        PetitionState.CONCLUDED,
        PetitionState.REVIEWED,
        PetitionState.RECHECKED,
        PetitionState.TERMINATED,
        PetitionState.CLOSED,
    }
)
KIND_NAMES: Mapping[OrganisationKind, str] = {
    OrganisationKind.PETITION_OFFICE: "信访部门",
    OrganisationKind.DEPARTMENT: "职能部门",
    OrganisationKind.STATION: "基层接访点",
}


class OrganisationAct(StrEnum):
    """What was done to an organisation."""

    ADDED = "added"
    RENAMED = "renamed"
    CLOSED = "closed"


ACT_NAMES: Mapping[OrganisationAct, str] = {
    OrganisationAct.ADDED: "设立",
    OrganisationAct.RENAMED: "更名",
    OrganisationAct.CLOSED: "停用",
}


@append_only
class OrganisationChange(Base):
    """One line of an organisation's history, with its name before and after."""

    __tablename__ = "organisation_changes"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    at: Mapped[datetime]
    act: Mapped[OrganisationAct]
    name_before: Mapped[str] = mapped_column(String(128), default="")
    name: Mapped[str] = mapped_column(String(128))
    official_name: Mapped[str] = mapped_column(String(256))
    reason: Mapped[str] = mapped_column(String(800), default="")


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    """Command: an organisation below `parent_id`; a department has its parent's region code."""

    parent_id: str
    region_code: str
    name: str
    short_name: str
    kind: OrganisationKind


# What hangs at an organisation: its words and how many there are; other floors hand in theirs.
Hanging = Callable[[AsyncSession, str, datetime], Awaitable[Mapping[str, int]]]


@atomic
async def add_organisation(
    db: AsyncSession, clock: Clock, actor: Actor, command: NewOrganisation
) -> Organisation:
    """Add one and commit. Raises Invalid at the field, Conflict `office_exists`, `organisation_exists`."""
    require(actor, Action.MANAGE_ORGANISATIONS)
    parent = await get_organisation(db, command.parent_id)
    require(actor, Action.MANAGE_ORGANISATIONS, scope_of_places([parent]))
    if parent.closed_at is not None:
        raise Invalid("organisation_closed", "这个单位已经停用，请选择别的单位。", "parent")
    code = _clean_code(command, parent)
    row = Organisation(
        id=new_id(), region_code=code, name=clean_name(command.name, "name", "单位名称"),
        short_name=_clean_short(command.short_name), tier=TIER_OF[len(code)], kind=command.kind,
        parent_id=parent.id, version=1,
    )  # fmt: skip
    after = {"name": row.name, "short_name": row.short_name, "region_code": code, "kind": str(row.kind)}
    # First: whoever holds the end of the chain is alone in looking whether the region has an office.
    await add_audit(db, clock, actor, "organisation.added", "organisation", row.id, detail={"after": after})
    if command.kind is not OrganisationKind.DEPARTMENT and await find_office(db, code):
        raise Conflict("office_exists", "这个区划代码已经有信访部门或者接访点。", "region_code")
    db.add(row)
    await _flush(db)
    db.add(_change(clock, actor, row, OrganisationAct.ADDED))
    await db.commit()
    return row


@atomic
async def rename_organisation(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, version: int,
    name: str, short_name: str, reason: str = "",
) -> Organisation:  # fmt: skip
    """Give another name and commit; papers written before keep the one they were written under.

    Raises Invalid at the field, Conflict `edited_meanwhile`, `organisation_exists`.
    """
    require(actor, Action.MANAGE_ORGANISATIONS)
    row = await _taken(db, actor, organisation_id, version)
    before = {"name": row.name, "short_name": row.short_name}
    row.name, row.short_name = clean_name(name, "name", "单位名称"), _clean_short(short_name)
    change = _change(clock, actor, row, OrganisationAct.RENAMED, before["name"], reason)
    await _flush(db)
    db.add(change)
    detail = {"before": before, "after": {"name": row.name, "short_name": row.short_name}}
    await add_audit(db, clock, actor, "organisation.renamed", "organisation", row.id, detail=detail)
    await db.commit()
    return row


@atomic
async def close_organisation(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, version: int,
    reason: str = "", elsewhere: Sequence[Hanging] = (),
) -> None:  # fmt: skip
    """Close one at which nothing open hangs, and commit; it stays for what it did.

    `elsewhere`: what hangs at it on other floors. Raises Conflict `edited_meanwhile`, `organisation_in_use`.
    """
    require(actor, Action.MANAGE_ORGANISATIONS)
    row = await _taken(db, actor, organisation_id, version)
    row.closed_at = clock.now()
    db.add(_change(clock, actor, row, OrganisationAct.CLOSED, row.name, reason))
    detail = {"before": {"name": row.name}, "reason": reason}
    await add_audit(db, clock, actor, "organisation.closed", "organisation", row.id, detail=detail)
    if found := await hanging_at(db, row.id, clock.now(), elsewhere):
        told = "、".join(f"{words} {count}" for words, count in found.items())
        raise Conflict("organisation_in_use", f"还不能停用，尚有：{told}。")
    await db.commit()


async def hanging_at(
    db: AsyncSession, organisation_id: str, now: datetime, elsewhere: Sequence[Hanging] = ()
) -> dict[str, int]:
    """What keeps an organisation open, in words, and how many. The caller has asked the policy."""
    found: dict[str, int] = {}
    for look in (_hanging, *elsewhere):
        found |= {words: count for words, count in (await look(db, organisation_id, now)).items() if count}
    return found


async def list_tree(db: AsyncSession, actor: Actor) -> list[Organisation]:
    """All in reach, open and closed, each after the one it lies below."""
    require(actor, Action.MANAGE_ORGANISATIONS)
    order = (Organisation.region_code, Organisation.kind.desc(), Organisation.name)
    rows = (await db.scalars(select(Organisation).order_by(*order))).all()
    return [row for row in rows if allowed(actor, Action.MANAGE_ORGANISATIONS, scope_of_places([row]))]


async def get_managed(db: AsyncSession, actor: Actor, organisation_id: str) -> Organisation:
    """Raises NotFound for one out of reach."""
    row = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_ORGANISATIONS, scope_of_places([row]))
    return row


async def history_of(db: AsyncSession, organisation_id: str) -> Sequence[OrganisationChange]:
    """The lines of one, the newest first. The caller has asked the policy."""
    query = select(OrganisationChange).where(OrganisationChange.organisation_id == organisation_id)
    return (await db.scalars(query.order_by(OrganisationChange.at.desc(), OrganisationChange.id))).all()


async def _hanging(db: AsyncSession, organisation_id: str, now: datetime) -> Mapping[str, int]:
    async def count(model: type[Base], *which: ColumnElement[bool]) -> int:
        return await db.scalar(select(func.count()).select_from(model).where(*which)) or 0

    held = or_(
        PetitionCase.custodian_id == organisation_id,
        PetitionCase.handler_id == organisation_id,
        PetitionCase.reviewer_id == organisation_id,
    )
    enabled = Post.official_id.in_(select(Official.id).where(Official.disabled_at.is_(None)))
    manned = (Post.organisation_id == organisation_id, Post.ended_at.is_(None), enabled)
    below: Any = Organisation.parent_id == organisation_id
    asked = (PostRequest.organisation_id == organisation_id, PostRequest.decided_at.is_(None))
    return {
        "下级单位": await count(Organisation, below, Organisation.closed_at.is_(None)),
        "在岗人员": await count(Post, *manned),
        "待确认的岗位": await count(PostRequest, *asked),
        "未办结的信访件": await count(PetitionCase, held, PetitionCase.state.not_in(sorted(SETTLED))),
    }


async def _taken(db: AsyncSession, actor: Actor, organisation_id: str, version: int) -> Organisation:
    """The row, taken for a change: of two at once the second hears that it has moved."""
    row = await get_managed(db, actor, organisation_id)
    same = [Organisation.id == organisation_id, Organisation.version == version]
    same.append(Organisation.closed_at.is_(None))
    hold = update(Organisation).where(*same).values(version=version + 1).returning(Organisation.id)
    if await db.scalar(hold) is None:
        raise Conflict("edited_meanwhile", "别人刚刚改过这个单位，请刷新页面再看。")
    await db.refresh(row)
    return row


async def _flush(db: AsyncSession) -> None:
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("organisation_exists", "这个区划里已经有同名的单位。", "name") from error


def _change(
    clock: Clock, actor: Actor, row: Organisation, act: OrganisationAct, before: str = "", reason: str = ""
) -> OrganisationChange:
    return OrganisationChange(
        id=new_id(), organisation_id=row.id, at=clock.now(), act=act, name_before=before, name=row.name,
        official_name=actor.name, reason=clean_text(reason, "reason", "原因", 200),
    )  # fmt: skip


def _clean_code(command: NewOrganisation, parent: Organisation) -> str:
    """2, 4, 6 or 9 digits below the parent's; a department has its parent's own."""
    code = clean(command.region_code) or parent.region_code
    if not (code.isascii() and code.isdigit() and len(code) in TIER_OF):
        raise Invalid("bad_region", "区划代码是 2、4、6 或 9 位数字。", "region_code")
    department = command.kind is OrganisationKind.DEPARTMENT
    if department and code != parent.region_code:
        raise Invalid("bad_region", f"职能部门和上级同一个区划：{parent.region_code}。", "region_code")
    if not department and (code == parent.region_code or not covers(parent.region_code, code)):
        raise Invalid("bad_region", f"区划代码要在上级的 {parent.region_code} 之下。", "region_code")
    if command.kind is OrganisationKind.STATION and TIER_OF[len(code)] is not Tier.TOWNSHIP:
        raise Invalid("bad_region", "基层接访点的区划代码是 9 位。", "region_code")
    if parent.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_parent", "上级单位应当是信访部门或者接访点。", "parent")
    return code


def _clean_short(typed: str) -> str:
    short = clean_name(typed, "short_name", "简称")
    if len(short) > SHORT_NAME_LIMIT:
        raise Invalid("too_long", f"简称最多 {SHORT_NAME_LIMIT} 个字。", "short_name")
    return short
