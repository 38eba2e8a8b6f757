"""Who may do what: asked for by the system administrator, in force once the security administrator confirms.

No one person can give somebody a right (cases/second_person.py). What is withdrawn ends at once, by the
security administrator alone (cases/people.py, `end_post`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.post_request import TWO_PERSONS, PostRequest
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.organisations import get_organisation
from cases.people import (
    Appoint,
    Official,
    Post,
    give_post,
    hold_official,
    keep_an_administrator,
    refuse_mixed_duties,
    scope_of_places,
    stop_post,
)
from cases.policy import Action, Actor, allowed, require
from cases.roles import Role
from cases.second_person import Decision, settle

MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class AskForPost:
    """Command: a role in an organisation for somebody; `replaces_id` is the post that ends with it."""

    official_id: str
    organisation_id: str
    role: Role
    title: str = ""
    replaces_id: str | None = None


@atomic
async def ask_for_post(db: AsyncSession, clock: Clock, actor: Actor, command: AskForPost) -> PostRequest:
    """Ask that somebody be given a post, or be moved, and commit.

    Raises NotFound, Conflict `duties_exclude`, `post_held`, `post_asked`, `account_disabled`; Invalid at the
    field.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    row = await add_request(db, clock, actor, command)
    await db.commit()
    return row


async def add_request(db: AsyncSession, clock: Clock, actor: Actor, command: AskForPost) -> PostRequest:
    """The same inside the caller's transaction."""
    place = await get_organisation(db, command.organisation_id)
    require(actor, Action.MANAGE_ACCOUNTS, scope_of_places([place]))
    official = await hold_account(db, command.official_id)
    if place.closed_at is not None:
        raise Invalid("organisation_closed", "这个单位已经停用，请选择别的单位。", "organisation")
    _refuse(official, command)
    row = PostRequest(
        id=new_id(), official_id=official.id, organisation_id=place.id, role=command.role,
        title=clean_text(command.title, "title", "职务", 32), replaces_id=command.replaces_id or None,
        proposed_at=clock.now(), proposed_by_id=actor.official_id, proposed_by=actor.name,
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("post_asked", "这个岗位已经有人申请，正在等安全管理员确认。", "role") from error
    detail = {"role": str(command.role), "organisation": place.id, "replaces": command.replaces_id}
    await add_audit(db, clock, actor, "post.asked", "official", official.id, detail=detail)
    return row


@atomic
async def decide_request(
    db: AsyncSession, clock: Clock, actor: Actor, request_id: str, decision: Decision, reason: str = ""
) -> None:
    """Let a post take effect, refuse it, or (who asked for it) take it back; commits.

    Raises NotFound, Forbidden `own_proposal`, Conflict `request_decided`, `duties_exclude`,
    `last_administrator`, Invalid at `reason`.
    """
    action = TWO_PERSONS.action(decision)
    require(actor, action)
    row = await get_request(db, request_id)
    places = [row.organisation, *([row.replaces.organisation] if row.replaces else [])]
    require(actor, action, scope_of_places(places))
    reason = await settle(db, clock, actor, TWO_PERSONS, row, decision, reason)
    await hold_account(db, row.official_id)
    detail = {"role": str(row.role), "organisation": row.organisation_id, "reason": reason}
    await add_audit(db, clock, actor, f"post.{decision}", "official", row.official_id, detail=detail)
    if decision is Decision.CONFIRMED:
        await _carry_out(db, clock, actor, row)
    await db.commit()


async def _carry_out(db: AsyncSession, clock: Clock, actor: Actor, row: PostRequest) -> None:
    ended = row.replaces
    if ended is not None and ended.ended_at is None:
        await stop_post(db, clock, actor, ended)
        await db.flush()
    await give_post(db, clock, actor, Appoint(row.official_id, row.organisation_id, row.role, row.title))
    if ended is not None:
        await keep_an_administrator(db, [ended.role])


async def hold_account(db: AsyncSession, official_id: str) -> Official:
    """The account as it is now, for a change.

    Raises NotFound, Conflict `account_disabled`.
    """
    official = await hold_official(db, official_id)
    if official is None:
        raise NotFound("official_not_found", "没有找到这位工作人员。")
    if official.disabled_at is not None:
        raise Conflict("account_disabled", "这个账号已经停用。")
    return official


async def get_request(db: AsyncSession, request_id: str) -> PostRequest:
    """Raises NotFound."""
    row = await db.get(PostRequest, request_id, populate_existing=True)
    if row is None:
        raise NotFound("request_not_found", "没有找到这项申请。")
    return row


async def list_requests(db: AsyncSession, actor: Actor) -> Sequence[PostRequest]:
    """Those that wait to be confirmed in the actor's reach, the oldest first."""
    require(actor, Action.SEE_ACCOUNTS)
    query = select(PostRequest).where(PostRequest.decided_at.is_(None)).order_by(PostRequest.proposed_at)
    rows = (await db.scalars(query.limit(MOST_LISTED))).all()
    return [row for row in rows if allowed(actor, Action.SEE_ACCOUNTS, scope_of_places([row.organisation]))]


async def requests_of(db: AsyncSession, official_id: str) -> Sequence[PostRequest]:
    """All that was ever asked for somebody, the newest first. The caller has asked the policy."""
    query = select(PostRequest).where(PostRequest.official_id == official_id)
    return (await db.scalars(query.order_by(PostRequest.proposed_at.desc(), PostRequest.id))).all()


def _refuse(official: Official, command: AskForPost) -> None:
    live = [post for post in official.posts if post.ended_at is None]
    ended = next((post for post in live if post.id == command.replaces_id), None)
    if command.replaces_id and ended is None:
        raise NotFound("post_not_found", "没有找到这个岗位。")
    left: list[Post] = [post for post in live if post is not ended]
    if any((post.role, post.organisation_id) == (command.role, command.organisation_id) for post in left):
        raise Conflict("post_held", "已经有这个岗位。", "role")
    refuse_mixed_duties(left, command.role)
