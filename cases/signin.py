"""Sign-in of officials: lock-out, server-side sign-ins that can be revoked, and the Actor they stand for."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, Row, Select, String, and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases import passwords
from cases.audit import add_audit, record_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, insert_if_absent, new_id
from cases.errors import RuleError
from cases.fields import clean
from cases.organisations import Organisation
from cases.people import Official, Post
from cases.policy import ANONYMOUS, Action, Actor, ActorKind, PostRef, require

TOUCH_EVERY = timedelta(seconds=30)  # Not every request has to write.


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What the operator may set. Defaults: GB/T 22239-2019 level 3 and OWASP ASVS 7.3."""

    failures: int = 5
    lock: timedelta = timedelta(minutes=15)
    idle: timedelta = timedelta(minutes=15)
    absolute: timedelta = timedelta(hours=12)
    allow_demo: bool = False


DEFAULT_RULES = SignInRules()


class SignIn(Base):
    """One sign-in of one official on one device. The token itself is never stored, only its SHA-256 (hex)."""

    __tablename__ = "sign_ins"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64))
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    revoke_reason: Mapped[str | None] = mapped_column(String(32), default=None)


class SignInLock(Base):
    """Failures counted against an account name or an address, whether or not such an account exists."""

    __tablename__ = "sign_in_locks"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    attempts: Mapped[int] = mapped_column(default=0)
    last_attempt_at: Mapped[datetime]
    locked_until: Mapped[datetime | None] = mapped_column(default=None)


# Every request asks this: one statement, a row for each live post of the official, and no objects.
_POST = (Post.role, Post.organisation_id, Organisation.region_code, Organisation.tier, Organisation.kind)
_HOLDER: Select[*tuple[Any, ...]] = (
    select(
        SignIn.id.label("sign_in_id"), SignIn.last_seen_at, SignIn.expires_at, SignIn.revoked_at,
        Official.id, Official.name, Official.demo, Official.disabled_at, Official.one_time_until, *_POST,
    )
    .join(Official, Official.id == SignIn.official_id)
    .outerjoin(Post, and_(Post.official_id == Official.id, Post.ended_at.is_(None)))
    .outerjoin(Organisation, Organisation.id == Post.organisation_id)
    .where(SignIn.token_hash == bindparam("token_hash"))
    .order_by(Post.started_at, Post.id)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignInGrant:
    """What the browser gets: `token` for the cookie, `csrf_token` for forms and headers, `language` if the
    official ever chose one."""

    token: str = field(repr=False)
    official_id: str
    csrf_token: str = field(repr=False)
    expires_at: datetime
    sign_in_id: str
    language: str | None = None
    must_change: bool = False  # The password was for this one time.


def hash_secret(secret: str) -> str:
    """Return the SHA-256 (hex) under which a random secret of at least 128 bits is stored.

    What was given may hold bytes that are no text, as a cookie or JSON may: it is simply nobody's.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def derive_csrf_token(secret: str) -> str:
    """Return the form token that belongs to a cookie secret (HMAC-SHA-256, hex); nothing is stored for it."""
    return hmac.new(secret.encode(), b"lianxin csrf", hashlib.sha256).hexdigest()


async def sign_in(
    db: AsyncSession, clock: Clock, username: str, password: str, address: str,
    previous_token: str | None = None, rules: SignInRules = DEFAULT_RULES,
) -> SignInGrant:  # fmt: skip
    """Check name and password and open a sign-in with a new token; `previous_token` dies with it.

    Raises RuleError `sign_in_locked`, `sign_in_failed` (one text for every cause) or `demo_refused`.
    """
    username = clean(username).lower()[:64]
    keys = (_lock_key("account", username), _lock_key("address", address))
    await _charge(db, clock, keys, rules, username, address)
    official = await db.scalar(select(Official).where(Official.username == username))
    fits = await passwords.verify_password(official.password_hash if official else None, password)
    if official is None or not fits or not _is_open(official, clock.now()):
        await _audit_failure(db, clock, username, address, "failed")
        raise RuleError("sign_in_failed", "用户名或密码不对。连续五次不对会锁定 15 分钟。", "password")
    if official.demo and not rules.allow_demo:
        await _audit_failure(db, clock, username, address, "demo_refused")
        raise RuleError("demo_refused", "演示账号只能在演示模式下使用。", "username")
    await _refund(db, keys)
    if previous_token:
        await _revoke(db, clock, "replaced", SignIn.token_hash == hash_secret(previous_token))
    return await _open(db, clock, official, address, rules)


async def find_sign_in(
    db: AsyncSession, clock: Clock, token: str, rules: SignInRules = DEFAULT_RULES, seen: bool = True
) -> Actor | None:
    """Return the official behind a live token, with today's posts, and note that he was seen; else None.

    Not `seen`: a page asks by itself, and nobody may be in front of it.
    """
    rows = (await db.execute(_HOLDER, {"token_hash": hash_secret(token)})).all()
    if not rows or not _is_live(rows[0], clock.now(), rules) or not _may_sign_in(rows[0], rules):
        return None
    found = rows[0]
    if seen and clock.now() - found.last_seen_at >= TOUCH_EVERY:
        await touch_sign_in(db, clock, found.sign_in_id)
    posts = tuple(PostRef(*row[-len(_POST) :]) for row in rows if row.role is not None)
    return _actor(found, posts, found.sign_in_id, derive_csrf_token(token))


async def touch_sign_in(db: AsyncSession, clock: Clock, sign_in_id: str) -> None:
    """Note that the official is still there; a live session calls this so that nobody idles out of it."""
    await touch_sign_ins(db, clock, [sign_in_id])


async def touch_sign_ins(db: AsyncSession, clock: Clock, sign_in_ids: Collection[str]) -> None:
    """The same for everybody in a live room at once."""
    alive = SignIn.id.in_(sign_in_ids) & SignIn.revoked_at.is_(None)
    await db.execute(update(SignIn).where(alive).values(last_seen_at=clock.now()))
    await db.commit()


async def is_sign_in_live(
    db: AsyncSession, clock: Clock, sign_in_id: str, rules: SignInRules = DEFAULT_RULES
) -> bool:
    """Tell whether a sign-in still holds."""
    return sign_in_id in await live_sign_ins(db, clock, [sign_in_id], rules)


async def live_sign_ins(
    db: AsyncSession, clock: Clock, sign_in_ids: Collection[str], rules: SignInRules = DEFAULT_RULES
) -> set[str]:
    """Which of these sign-ins still hold, of open accounts; live rooms ask every few seconds."""
    query = select(SignIn, Official).join(Official, Official.id == SignIn.official_id)
    query = query.where(SignIn.id.in_(sign_in_ids)).execution_options(populate_existing=True)
    now = clock.now()
    return {
        row.id
        for row, official in (await db.execute(query)).all()
        if _is_live(row, now, rules) and _may_sign_in(official, rules)
    }


async def sign_out(db: AsyncSession, clock: Clock, token: str) -> None:
    """End the sign-in of this token. Unknown and dead tokens are fine."""
    await _revoke(db, clock, "signed_out", SignIn.token_hash == hash_secret(token))
    await db.commit()


async def revoke_all(db: AsyncSession, clock: Clock, actor: Actor, official_id: str) -> int:
    """End every sign-in of an official; one may do so for oneself. Returns how many were live."""
    if actor.official_id != official_id or actor.kind is not ActorKind.OFFICIAL:
        require(actor, Action.MANAGE_ACCOUNTS)
    count = await _revoke(db, clock, "revoked", SignIn.official_id == official_id)
    await record_audit(db, clock, actor, "sign_in.revoked", "official", official_id, detail={"count": count})
    return count


async def end_sign_ins(db: AsyncSession, clock: Clock, official_id: str, reason: str, but: str = "") -> int:
    """End every sign-in of an account inside the caller's transaction, `but` one; returns how many."""
    return await _revoke(db, clock, reason, (SignIn.official_id == official_id) & (SignIn.id != but))


async def unlock_account(db: AsyncSession, clock: Clock, actor: Actor, username: str) -> None:
    """Lift the lock of an account name before its time; the act is audited."""
    require(actor, Action.GUARD_ACCOUNTS)
    await _refund(db, (_lock_key("account", clean(username).lower()),))
    await record_audit(
        db, clock, actor, "account.unlocked", "account", None, detail={"username": username[:64]}
    )


async def is_locked(db: AsyncSession, clock: Clock, username: str) -> bool:
    """Tell whether an account name is locked now. The caller has asked the policy."""
    lock = await db.get(SignInLock, _lock_key("account", clean(username).lower()), populate_existing=True)
    return lock is not None and lock.locked_until is not None and clock.now() < lock.locked_until


def actor_for(official: Official, sign_in_id: str | None = None, csrf_token: str = "") -> Actor:
    """Return the Actor an official is, with the posts that are live now."""
    posts = tuple(
        PostRef(
            post.role, post.organisation_id, post.organisation.region_code,
            post.organisation.tier, post.organisation.kind,
        )
        for post in official.posts
        if post.ended_at is None
    )  # fmt: skip
    return _actor(official, posts, sign_in_id, csrf_token)


def _actor(
    official: Official | Row[*tuple[Any, ...]], posts: tuple[PostRef, ...], sign_in_id: str | None,
    csrf_token: str,
) -> Actor:  # fmt: skip
    """The Actor of an official, or of a row with his columns.

    Who has still to change a one-time password holds no post until then, and may nothing.
    """
    once = official.one_time_until is not None
    return Actor(
        kind=ActorKind.OFFICIAL, name=official.name, official_id=official.id, posts=() if once else posts,
        csrf_token=csrf_token, sign_in_id=sign_in_id, must_change=once,
    )  # fmt: skip


def _may_sign_in(official: Official | Row[*tuple[Any, ...]], rules: SignInRules) -> bool:
    return official.disabled_at is None and (rules.allow_demo or not official.demo)


def _is_open(official: Official, now: datetime) -> bool:
    over = official.one_time_until is not None and now >= official.one_time_until
    return official.disabled_at is None and not over


def _is_live(row: SignIn | Row[*tuple[Any, ...]], now: datetime, rules: SignInRules) -> bool:
    return row.revoked_at is None and now < row.expires_at and now - row.last_seen_at < rules.idle


async def _open(
    db: AsyncSession, clock: Clock, official: Official, address: str, rules: SignInRules
) -> SignInGrant:
    token, now = secrets.token_urlsafe(32), clock.now()
    row = SignIn(
        id=new_id(), token_hash=hash_secret(token), official_id=official.id, created_at=now, last_seen_at=now,
        expires_at=now + rules.absolute, address=clean(address)[:64],
    )  # fmt: skip
    db.add(row)
    await add_audit(
        db, clock, actor_for(official), "sign_in.opened", "official", official.id, address=address
    )
    await db.commit()
    return SignInGrant(
        token, official.id, derive_csrf_token(token), row.expires_at, row.id, official.language,
        official.one_time_until is not None,
    )  # fmt: skip


def _lock_key(kind: str, value: str) -> str:
    """Return a key of fixed length; an attacker's text never becomes a column value."""
    return hashlib.sha256(f"{kind}:{value}".encode("utf-8", "surrogatepass")).hexdigest()


async def _charge(
    db: AsyncSession, clock: Clock, keys: tuple[str, ...], rules: SignInRules, username: str, address: str
) -> None:
    """Count the attempt before the password is looked at, so that a hundred at once are still a hundred."""
    locked = False
    for key in sorted(keys):  # Always in one order: two attempts never wait for each other.
        locked = await _charge_key(db, clock.now(), key, rules) or locked
    await db.commit()
    if locked:
        await _audit_failure(db, clock, username, address, "locked")
        raise RuleError(
            "sign_in_locked", "连续多次不成功，已锁定 15 分钟，请稍后再试或联系管理员。", "password"
        )


async def _charge_key(db: AsyncSession, now: datetime, key: str, rules: SignInRules) -> bool:
    await insert_if_absent(db, SignInLock, key=key, attempts=0, last_attempt_at=now)
    # The update is what makes attempts on one key take turns, on both databases.
    await db.execute(update(SignInLock).where(SignInLock.key == key).values(attempts=SignInLock.attempts + 1))
    lock = await db.get_one(SignInLock, key, populate_existing=True)
    if lock.locked_until is not None and now < lock.locked_until:
        return True
    if lock.locked_until is not None or now - lock.last_attempt_at >= rules.lock:
        lock.attempts, lock.locked_until = 1, None
    lock.last_attempt_at = now
    if lock.attempts >= rules.failures:
        lock.locked_until = now + rules.lock
    return False


async def _refund(db: AsyncSession, keys: tuple[str, ...]) -> None:
    """A success forgets the failures of these keys."""
    gone = update(SignInLock).where(SignInLock.key.in_(keys)).values(attempts=0, locked_until=None)
    await db.execute(gone)


async def _revoke(db: AsyncSession, clock: Clock, reason: str, which: object) -> int:
    live = select(SignIn).where(which, SignIn.revoked_at.is_(None))  # type: ignore[arg-type]
    rows = (await db.scalars(live)).all()
    for row in rows:
        row.revoked_at, row.revoke_reason = clock.now(), reason
    await db.flush()
    return len(rows)


async def _audit_failure(db: AsyncSession, clock: Clock, username: str, address: str, cause: str) -> None:
    detail = {"username": username, "cause": cause}
    await record_audit(db, clock, ANONYMOUS, "sign_in.refused", "account", None, "refused", detail, address)
