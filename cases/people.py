"""People: those who come with a matter, those who receive them, and the posts the latter hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases import passwords
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_name, clean_phone, clean_text, mask_id_number
from cases.organisations import Organisation, get_organisation
from cases.policy import Action, Actor, Scope, require
from cases.roles import ADMINISTRATORS, ROLE_NAMES, Role

_ONE_ADMINISTRATOR = "role IN ('sysadmin', 'security_admin', 'auditor') AND ended_at IS NULL"


class Person(Base):
    """A petitioner, proxy, companion or third party. The full identity number is never stored."""

    __tablename__ = "people"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(256))
    phone: Mapped[str | None] = mapped_column(String(16), index=True)
    id_number_masked: Mapped[str | None] = mapped_column(String(18))
    # A keyed digest of the number, by which the same person is known again; the number is not in it.
    id_mark: Mapped[str | None] = mapped_column(String(64), index=True, default=None)
    address: Mapped[str | None] = mapped_column(String(800))
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """What is typed about a person; `person` turns it into a row.

    `id_mark` is the keyed digest of the number (fields.mark_id_number), by who holds the key.
    """

    name: str
    phone: str = ""
    id_number: str = ""
    address: str = ""
    id_mark: str = ""


def make_person(clock: Clock, details: PersonDetails, *, phone_required: bool = True) -> Person:
    """Return a new Person from what was typed. Raises Invalid at `name`, `phone`, `id_number`, `address`."""
    name = clean_name(details.name)
    phone = clean_phone(details.phone) if phone_required or clean(details.phone) else None
    masked = mask_id_number(details.id_number) if clean(details.id_number) else None
    address = clean_text(details.address, "address", "地址", 200) or None
    return Person(
        id=new_id(), name=name, phone=phone, id_number_masked=masked, address=address,
        id_mark=details.id_mark or None if masked else None, created_at=clock.now(),
    )  # fmt: skip


class Official(Base):
    """Somebody who signs in. `demo` officials are refused outside demo mode.

    `one_time_until`: the password is for one sign-in until then, and has to be changed before anything else.
    `version` counts the changes of the account.
    """

    __tablename__ = "officials"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(256))
    password_hash: Mapped[str] = mapped_column(String(256))
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    language: Mapped[str | None] = mapped_column(String(16), default=None)
    one_time_until: Mapped[datetime | None] = mapped_column(default=None)
    version: Mapped[int] = mapped_column(default=1)
    posts: Mapped[list[Post]] = relationship(
        back_populates="official", lazy="selectin", order_by="Post.started_at, Post.id"
    )


class Post(Base):
    """A role held in an organisation, from `started_at` until `ended_at`."""

    __tablename__ = "posts"
    __table_args__ = (
        # An official holds at most one administrator's post, so that the administrators exclude one another.
        Index(
            "ix_posts_one_administrator",
            "official_id",
            unique=True,
            sqlite_where=text(_ONE_ADMINISTRATOR),
            postgresql_where=text(_ONE_ADMINISTRATOR),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    role: Mapped[Role]
    title: Mapped[str] = mapped_column(String(64), default="")
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    official: Mapped[Official] = relationship(back_populates="posts")
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@dataclass(frozen=True, slots=True)
class CreateOfficial:
    """Command: a new account. `password` is checked against the rules of cases.passwords."""

    username: str
    name: str
    password: str
    demo: bool = False
    one_time_until: datetime | None = None


@atomic
async def create_official(db: AsyncSession, clock: Clock, actor: Actor, command: CreateOfficial) -> Official:
    """Create an account without posts. Raises Invalid at the field, Conflict `username_taken`."""
    require(actor, Action.MANAGE_ACCOUNTS)
    official = await add_official(db, clock, actor, command)
    await db.commit()
    return official


async def add_official(db: AsyncSession, clock: Clock, actor: Actor, command: CreateOfficial) -> Official:
    """The same inside the transaction of a caller that has asked the policy."""
    username = _clean_username(command.username)
    name = clean_name(command.name)
    passwords.check_strength(command.password, username)
    digest = await passwords.hash_password(command.password)
    row = {
        "id": new_id(), "username": username, "name": name, "password_hash": digest, "demo": command.demo,
        "created_at": clock.now(), "one_time_until": command.one_time_until,
    }  # fmt: skip
    try:
        await db.execute(insert(Official).values(**row))
    except IntegrityError as error:
        raise Conflict("username_taken", "这个用户名已经有人使用。", "username") from error
    official = await get_official(db, str(row["id"]))
    detail = {"after": {"username": official.username, "name": official.name}}
    await add_audit(db, clock, actor, "official.created", "official", official.id, detail=detail)
    return official


@dataclass(frozen=True, slots=True)
class Appoint:
    """Command: give an official a role in an organisation."""

    official_id: str
    organisation_id: str
    role: Role
    title: str = ""


@atomic
async def appoint(db: AsyncSession, clock: Clock, actor: Actor, command: Appoint) -> Post:
    """Give a post at once. Raises Conflict `duties_exclude` when an administrator would hold another post.

    What one person asks for and another confirms (cases/administration/posts.py) the program alone may do.
    """
    require(actor, Action.MANAGE_ACCOUNTS)
    require(actor, Action.CONFIRM_POST)
    post = await give_post(db, clock, actor, command)
    await db.commit()
    return post


async def give_post(db: AsyncSession, clock: Clock, actor: Actor, command: Appoint) -> Post:
    """Give a post inside the transaction of a caller that has asked the policy. Raises Conflict."""
    official = await get_official(db, command.official_id)
    await get_organisation(db, command.organisation_id)
    refuse_mixed_duties(official.posts, command.role)
    post = Post(
        id=new_id(), official_id=official.id, organisation_id=command.organisation_id, role=command.role,
        title=clean_text(command.title, "title", "职务", 32), started_at=clock.now(),
    )  # fmt: skip
    db.add(post)
    try:
        await db.flush()
    except IntegrityError as error:
        raise _duties_exclude() from error
    detail = {"role": str(command.role), "organisation": command.organisation_id}
    await add_audit(db, clock, actor, "post.given", "official", official.id, detail=detail)
    await db.refresh(official, ["posts"])
    await db.refresh(post, ["organisation"])
    return post


@atomic
async def end_post(db: AsyncSession, clock: Clock, actor: Actor, post_id: str) -> None:
    """End a post at once; what it permitted is refused from the next request on.

    Raises NotFound, Conflict `last_administrator`.
    """
    require(actor, Action.CONFIRM_POST)
    post = await db.get(Post, post_id)
    if post is None or post.ended_at is not None:
        raise NotFound("post_not_found", "没有找到这个岗位。")
    require(actor, Action.CONFIRM_POST, scope_of_places([post.organisation]))
    await hold_official(db, post.official_id)
    await db.refresh(post)
    if post.ended_at is not None:
        raise Conflict("post_ended", "这个岗位已经有人撤销，请刷新页面再看。")
    await stop_post(db, clock, actor, post)
    await keep_an_administrator(db, [post.role])
    await db.commit()


async def stop_post(db: AsyncSession, clock: Clock, actor: Actor, post: Post) -> None:
    """The same inside the transaction of a caller that has asked the policy and keeps an administrator."""
    post.ended_at = clock.now()
    detail = {"role": str(post.role), "organisation": post.organisation_id}
    await add_audit(db, clock, actor, "post.ended", "official", post.official_id, detail=detail)


async def keep_an_administrator(db: AsyncSession, roles: Iterable[Role]) -> None:
    """Raises Conflict `last_administrator` when none of a kind is left who can sign in.

    Called after `add_audit` of the act, in its transaction: whoever holds the end of the chain goes first, so
    that two administrators who close each other's account at once cannot both succeed.
    """
    for role in sorted(set(roles) & ADMINISTRATORS):
        query = select(func.count()).select_from(Post).join(Official, Official.id == Post.official_id)
        live = (Post.role == role, Post.ended_at.is_(None), Official.disabled_at.is_(None))
        if not await db.scalar(query.where(*live)):
            raise Conflict(
                "last_administrator", f"这是最后一位{ROLE_NAMES[role]}，先要有人接任，才能停用或者撤销。"
            )


def scope_of_places(organisations: Iterable[Organisation]) -> Scope:
    """The organisations somebody works in, as the policy asks of administrators."""
    found = list(organisations)
    return Scope(frozenset(each.region_code for each in found), frozenset(each.id for each in found))


async def hold_official(db: AsyncSession, official_id: str, version: int | None = None) -> Official | None:
    """The account as it is now, for a change: others who change it wait until the transaction ends.

    None where there is none, or where it is no longer of this `version`. Taken before the audit's line.
    """
    same = [Official.id == official_id]
    if version is not None:
        same.append(Official.version == version)
    hold = update(Official).where(*same).values(version=Official.version + 1)
    if await db.scalar(hold.returning(Official.id)) is None:
        return None
    query = select(Official).where(Official.id == official_id).execution_options(populate_existing=True)
    return (await db.scalars(query)).one()


async def get_official(db: AsyncSession, official_id: str) -> Official:
    """Return the official with posts. Raises NotFound."""
    official = await db.get(Official, official_id)
    if official is None:
        raise NotFound("official_not_found", "没有找到这位工作人员。")
    return official


async def list_officials(db: AsyncSession, organisation_ids: Sequence[str]) -> Sequence[Official]:
    """Return the enabled officials who hold a live post in one of the organisations, by name."""
    posted = select(Post.official_id).where(
        Post.organisation_id.in_(organisation_ids), Post.ended_at.is_(None)
    )
    query = select(Official).where(Official.id.in_(posted), Official.disabled_at.is_(None))
    return (await db.scalars(query.order_by(Official.name, Official.id))).all()


def _clean_username(value: str) -> str:
    username = clean(value).lower()
    if not (
        3 <= len(username) <= 32
        and username.isascii()
        and username.replace("-", "").replace("_", "").isalnum()
    ):
        raise Invalid("bad_username", "用户名用 3 到 32 个英文字母、数字、横线或下划线。", "username")
    return username


def refuse_mixed_duties(posts: Iterable[Post], role: Role) -> None:
    """Raises Conflict `duties_exclude` where an administrator would hold another post beside."""
    held = {post.role for post in posts if post.ended_at is None}
    if held and (role in ADMINISTRATORS or held & ADMINISTRATORS):
        raise _duties_exclude()


def _duties_exclude() -> Conflict:
    return Conflict("duties_exclude", "管理员岗位不能和其他岗位由同一人担任。", "role")
