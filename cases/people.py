"""People: those who come with a matter, those who receive them, and the posts the latter hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, insert, select, text
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
from cases.policy import Action, Actor, require
from cases.roles import ADMINISTRATORS, Role


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
    """Somebody who signs in. `demo` officials are refused outside demo mode."""

    __tablename__ = "officials"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(256))
    password_hash: Mapped[str] = mapped_column(String(256))
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None] = mapped_column(default=None)
    language: Mapped[str | None] = mapped_column(String(16), default=None)
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
            sqlite_where=text("role IN ('sysadmin', 'auditor') AND ended_at IS NULL"),
            postgresql_where=text("role IN ('sysadmin', 'auditor') AND ended_at IS NULL"),
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


@atomic
async def create_official(db: AsyncSession, clock: Clock, actor: Actor, command: CreateOfficial) -> Official:
    """Create an account without posts. Raises Invalid at the field, Conflict `username_taken`."""
    require(actor, Action.MANAGE_ACCOUNTS)
    username = _clean_username(command.username)
    name = clean_name(command.name)
    passwords.check_strength(command.password, username)
    digest = await passwords.hash_password(command.password)
    row = {
        "id": new_id(), "username": username, "name": name, "password_hash": digest, "demo": command.demo,
        "created_at": clock.now(),
    }  # fmt: skip
    try:
        await db.execute(insert(Official).values(**row))
    except IntegrityError as error:
        raise Conflict("username_taken", "这个用户名已经有人使用。", "username") from error
    official = await get_official(db, str(row["id"]))
    await add_audit(db, clock, actor, "official.created", "official", official.id)
    await db.commit()
    return official


@dataclass(frozen=True, slots=True)
class Appoint:
    """Command: give an official a role in an organisation."""

    official_id: str
    organisation_id: str
    role: Role
    title: str = ""


async def appoint(db: AsyncSession, clock: Clock, actor: Actor, command: Appoint) -> Post:
    """Give a post. Raises Conflict `duties_exclude` when an administrator would hold another post."""
    require(actor, Action.MANAGE_ACCOUNTS)
    official = await get_official(db, command.official_id)
    await get_organisation(db, command.organisation_id)
    _refuse_mixed_duties(official, command.role)
    post = Post(
        id=new_id(), official_id=official.id, organisation_id=command.organisation_id, role=command.role,
        title=clean_text(command.title, "title", "职务", 32), started_at=clock.now(),
    )  # fmt: skip
    db.add(post)
    await add_audit(db, clock, actor, "post.given", "official", official.id, detail={"role": command.role})
    await db.commit()
    await db.refresh(official, ["posts"])
    await db.refresh(post, ["organisation"])
    return post


async def end_post(db: AsyncSession, clock: Clock, actor: Actor, post_id: str) -> None:
    """End a post at once; what it permitted is refused from the next request on."""
    require(actor, Action.MANAGE_ACCOUNTS)
    post = await db.get(Post, post_id)
    if post is None or post.ended_at is not None:
        raise NotFound("post_not_found", "没有找到这个岗位。")
    post.ended_at = clock.now()
    await add_audit(db, clock, actor, "post.ended", "official", post.official_id, detail={"role": post.role})
    await db.commit()


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


def _refuse_mixed_duties(official: Official, role: Role) -> None:
    held = {post.role for post in official.posts if post.ended_at is None}
    if held and (role in ADMINISTRATORS or held & ADMINISTRATORS):
        raise Conflict("duties_exclude", "管理员岗位不能和其他岗位由同一人担任。", "role")
