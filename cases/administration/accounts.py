"""Accounts: made, closed, opened again, given a password for one time; none is ever deleted.

Who an account reaches is the sum of its places: an administrator of one of them touches none that also works
elsewhere. A password that an administrator knows is good for three days and for nothing but being changed.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases import passwords
from cases.administration.post_request import PostRequest
from cases.administration.posts import AskForPost, add_request, hold_account
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean
from cases.organisations import Organisation, get_organisation
from cases.people import (
    CreateOfficial,
    Official,
    Post,
    add_official,
    get_official,
    hold_official,
    keep_an_administrator,
    scope_of_places,
)
from cases.policy import Action, Actor, Scope, allowed, require, visible_organisation_ids
from cases.roles import ADMINISTRATORS, Role
from cases.signin import SignIn, end_sign_ins

ONE_TIME = timedelta(days=3)
PAGE = 50
# Without those that are taken for one another when read out.
LETTERS = "".join(each for each in string.ascii_letters if each not in "IlOo")
DIGITS = "23456789"


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Command: an account with the post that is asked for it."""

    username: str
    name: str
    organisation_id: str
    role: Role
    title: str = ""


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """What is looked for: part of a name or user name, an organisation, those that are closed."""

    words: str = ""
    organisation_id: str = ""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the list. `waiting`: how many posts are asked for and not confirmed."""

    official: Official
    posts: tuple[Post, ...]
    waiting: int
    last_sign_in: datetime | None


@atomic
async def create_account(
    db: AsyncSession, clock: Clock, actor: Actor, command: NewAccount
) -> tuple[Official, str]:
    """Make an account, ask for its post, commit. Returns it with its one-time password, told once.

    Raises Invalid at the field, Conflict `username_taken`.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    place = await get_organisation(db, command.organisation_id)
    require(actor, Action.MANAGE_ACCOUNTS, scope_of_places([place]))
    password = one_time_password()
    made = CreateOfficial(command.username, command.name, password, one_time_until=clock.now() + ONE_TIME)
    official = await add_official(db, clock, actor, made)
    asked = AskForPost(official.id, place.id, command.role, command.title)
    await add_request(db, clock, actor, asked)
    await db.commit()
    return official, password


@atomic
async def reset_password(
    db: AsyncSession, clock: Clock, actor: Actor, official_id: str, version: int | None = None
) -> str:
    """Give a password for one time and end all sign-ins; commits. Returns it, told once.

    An administrator's is given at the command line alone: else the system administrator could become each
    of the others. Raises Forbidden `administrator_password`, Conflict `edited_meanwhile`, `account_disabled`.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    official = await _changed(db, actor, official_id, version)
    if official.disabled_at is not None:
        raise Conflict("account_disabled", "这个账号已经停用。")
    if _administers(official) and actor.official_id is not None:
        raise Forbidden("administrator_password", "管理员的密码只能在服务器上重设，请联系运行维护人员。")
    password = one_time_password()
    official.password_hash = await passwords.hash_password(password)
    official.one_time_until = clock.now() + ONE_TIME
    ended = await end_sign_ins(db, clock, official.id, "password_reset")
    await add_audit(
        db, clock, actor, "official.password_reset", "official", official.id, detail={"ended": ended}
    )
    await db.commit()
    return password


@atomic
async def choose_password(db: AsyncSession, clock: Clock, actor: Actor, current: str, new: str) -> None:
    """Change one's own password; every other sign-in of the account ends. Commits.

    Raises Invalid `wrong_password` at `current`, `weak_password` or `same_password` at `password`.
    """
    require(actor, Action.CHOOSE_PASSWORD)
    official = await hold_account(db, actor.official_id or "")
    if not await passwords.verify_password(official.password_hash, current):
        raise Invalid("wrong_password", "现在的密码不对。", "current")
    if new == current:
        raise Invalid("same_password", "新密码要和现在的不一样。", "password")
    passwords.check_strength(new, official.username)
    official.password_hash = await passwords.hash_password(new)
    official.one_time_until = None
    await end_sign_ins(db, clock, official.id, "password_changed", actor.sign_in_id or "")
    await add_audit(db, clock, actor, "official.password_changed", "official", official.id)
    await db.commit()


@atomic
async def disable_account(
    db: AsyncSession, clock: Clock, actor: Actor, official_id: str, version: int | None = None
) -> None:
    """Close an account; its sign-ins end in the same commit, on every page and in every room.

    Raises Conflict `edited_meanwhile`, `account_disabled`, `last_administrator`.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    official = await _changed(db, actor, official_id, version)
    if official.disabled_at is not None:
        raise Conflict("account_disabled", "这个账号已经停用。")
    official.disabled_at = clock.now()
    ended = await end_sign_ins(db, clock, official.id, "disabled")
    await add_audit(db, clock, actor, "official.disabled", "official", official.id, detail={"ended": ended})
    await keep_an_administrator(db, [post.role for post in official.posts if post.ended_at is None])
    await db.commit()


@atomic
async def enable_account(
    db: AsyncSession, clock: Clock, actor: Actor, official_id: str, version: int | None = None
) -> None:
    """Open a closed account again with the posts it holds. Raises Conflict `edited_meanwhile`."""
    require(actor, Action.MANAGE_ACCOUNTS)
    official = await _changed(db, actor, official_id, version)
    if _administers(official) and actor.official_id is not None:
        raise Forbidden("administrator_account", "管理员的账号停用后不能恢复，请另建账号并由安全管理员确认。")
    official.disabled_at = None
    await add_audit(db, clock, actor, "official.enabled", "official", official.id)
    await db.commit()


async def get_account(db: AsyncSession, actor: Actor, official_id: str) -> Official:
    """Raises NotFound for one out of reach."""
    require(actor, Action.SEE_ACCOUNTS)
    official = await get_official(db, official_id)
    require(actor, Action.SEE_ACCOUNTS, await scope_of_account(db, official))
    return official


async def list_accounts(
    db: AsyncSession, actor: Actor, asked: AccountQuery, after: str = ""
) -> tuple[list[Account], str | None]:
    """One page in reach by user name, after that one, and where the next page begins, None on the last."""
    require(actor, Action.SEE_ACCOUNTS)
    query = select(Official).where(Official.username > after).order_by(Official.username).limit(PAGE + 1)
    closed = Official.disabled_at.is_not(None)
    query = query.where(closed if asked.disabled else ~closed)
    query = query.where(Official.id.in_(await _placed(db, actor, asked.organisation_id)))
    if words := clean(asked.words):
        found = Official.name.contains(words, autoescape=True)
        query = query.where(or_(found, Official.username.contains(words.lower(), autoescape=True)))
    rows = (await db.scalars(query)).all()
    scopes = [(row, await scope_of_account(db, row)) for row in rows[:PAGE]]
    shown = [row for row, scope in scopes if allowed(actor, Action.SEE_ACCOUNTS, scope)]
    next_after = rows[PAGE - 1].username if len(rows) > PAGE else None
    return await _accounts(db, shown), next_after


async def scope_of_account(db: AsyncSession, official: Official) -> Scope:
    """Where somebody works or is asked to; who has left everywhere belongs where they worked."""
    query = select(Organisation).join(PostRequest, PostRequest.organisation_id == Organisation.id)
    query = query.where(PostRequest.official_id == official.id)
    asked = (await db.scalars(query.where(PostRequest.decided_at.is_(None)))).all()
    live = [post.organisation for post in official.posts if post.ended_at is None]
    if live or asked:
        return scope_of_places([*live, *asked])
    former = [post.organisation for post in official.posts]
    return scope_of_places([*former, *(await db.scalars(query)).all()])


async def last_sign_in(db: AsyncSession, official_id: str) -> datetime | None:
    """When somebody signed in last. The caller has asked the policy."""
    return (await _last_sign_ins(db, [official_id])).get(official_id)


def one_time_password() -> str:
    """Sixteen characters in groups of four that can be read out; about 80 random bits."""
    while True:
        drawn = [secrets.choice(LETTERS + DIGITS) for _ in range(16)]
        groups = ["".join(drawn[place : place + 4]) for place in range(0, 16, 4)]
        password = "-".join(groups)
        kinds = (str.islower, str.isupper, str.isdigit)
        if all(any(map(kind, drawn)) for kind in kinds) and not _blocked(password):
            return password


def _blocked(password: str) -> bool:
    return any(core in password.lower() for core in passwords.BLOCKED)


def _administers(official: Official) -> bool:
    return any(post.role in ADMINISTRATORS for post in official.posts if post.ended_at is None)


async def _changed(db: AsyncSession, actor: Actor, official_id: str, version: int | None) -> Official:
    """The account, taken for a change: of two at once the second hears that it has moved."""
    official = await get_official(db, official_id)
    require(actor, Action.MANAGE_ACCOUNTS, await scope_of_account(db, official))
    held = await hold_official(db, official_id, version)
    if held is None:
        raise Conflict("edited_meanwhile", "别人刚刚改过这个账号，请刷新页面再看。")
    return held


async def _placed(db: AsyncSession, actor: Actor, organisation_id: str) -> Sequence[str]:
    """Ids of the accounts that work, or are to work, in the actor's reach."""
    own = set(visible_organisation_ids(actor, Action.SEE_ACCOUNTS))
    query = select(Organisation)
    if organisation_id:
        query = query.where(Organisation.id == organisation_id)
    places = [
        each.id
        for each in await db.scalars(query)
        if each.id in own or allowed(actor, Action.SEE_ACCOUNTS, scope_of_places([each]))
    ]
    held = select(Post.official_id).where(Post.organisation_id.in_(places))
    asked = select(PostRequest.official_id).where(PostRequest.organisation_id.in_(places))
    return (await db.scalars(held.union(asked))).all()


async def _accounts(db: AsyncSession, officials: Sequence[Official]) -> list[Account]:
    ids = [each.id for each in officials]
    seen = await _last_sign_ins(db, ids)
    open_requests = select(PostRequest.official_id, func.count()).where(
        PostRequest.official_id.in_(ids), PostRequest.decided_at.is_(None)
    )
    found = await db.execute(open_requests.group_by(PostRequest.official_id))
    waiting = {official_id: count for official_id, count in found}
    return [
        Account(
            each, tuple(post for post in each.posts if post.ended_at is None),
            waiting.get(each.id, 0), seen.get(each.id),
        )
        for each in officials
    ]  # fmt: skip


async def _last_sign_ins(db: AsyncSession, ids: Sequence[str]) -> dict[str, datetime]:
    query = select(SignIn.official_id, func.max(SignIn.created_at)).where(SignIn.official_id.in_(ids))
    found = await db.execute(query.group_by(SignIn.official_id))
    return {official_id: at for official_id, at in found}
