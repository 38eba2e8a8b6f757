"""Other systems that may use the programming interface: a token each, and what it may do."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Forbidden, Invalid, NotFound, RuleError
from cases.fields import clean_name
from cases.intake.webhook import Webhook, end_webhooks
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, ActorKind, PostRef, require
from cases.roles import Role

PREFIX = "lxc_"


class ApiScope(StrEnum):
    """What a token is for; the policy decides about each case beside it."""

    READ = "cases:read"
    WRITE = "cases:write"


class TokenRefused(RuleError):
    """No token, an unknown or a revoked one."""

    default_code = "bad_token"
    default_message = "令牌不对，或者已经停用。"


class ApiClient(Base):
    """A system that acts for one office. `token_hash` is SHA-256: tokens are random and long."""

    __tablename__ = "api_clients"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(256))
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    scopes: Mapped[str] = mapped_column(String(256))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that showed its token, and the actor it is to the policy."""

    client: ApiClient
    actor: Actor

    def require(self, scope: ApiScope) -> None:
        """Raises Forbidden `scope_missing`."""
        if scope not in self.client.scopes.split(" "):
            raise Forbidden("scope_missing", "这个令牌没有这项权限。")


@atomic
async def create_client(
    db: AsyncSession, clock: Clock, actor: Actor, name: str, organisation_id: str, scopes: Iterable[ApiScope]
) -> tuple[ApiClient, str]:
    """Let a system in for a petition office; commits. Returns it with its token, told once."""
    require(actor, Action.MANAGE_ACCOUNTS)
    office = await get_organisation(db, organisation_id)
    if office.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_custodian", "请选择信访部门作为登记单位。", "organisation")
    chosen = sorted(set(scopes))
    if not chosen:
        raise Invalid("required", "请选择至少一项权限。", "scopes")
    token = PREFIX + secrets.token_urlsafe(32)
    client = ApiClient(
        id=new_id(), name=clean_name(name, "name", "系统名称"), organisation_id=office.id,
        organisation=office, scopes=" ".join(chosen), token_hash=_digest(token), created_at=clock.now(),
    )  # fmt: skip
    db.add(client)
    await db.flush()
    await add_audit(db, clock, actor, "client.created", "client", client.id)
    await db.commit()
    return client, token


@atomic
async def revoke_client(db: AsyncSession, clock: Clock, actor: Actor, client_id: str) -> None:
    """Its token is refused from the next request on, it is told nothing more; commits. Raises NotFound."""
    require(actor, Action.MANAGE_ACCOUNTS)
    end = update(ApiClient).where(ApiClient.id == client_id, ApiClient.revoked_at.is_(None))
    if await db.scalar(end.values(revoked_at=clock.now()).returning(ApiClient.id)) is None:
        raise NotFound("client_not_found", "没有找到这个系统，或者已经停用。")
    await end_webhooks(db, clock, Webhook.client_id == client_id)
    await add_audit(db, clock, actor, "client.revoked", "client", client_id)
    await db.commit()


async def list_clients(db: AsyncSession, actor: Actor) -> Sequence[ApiClient]:
    """All systems that were ever let in, by name."""
    require(actor, Action.MANAGE_ACCOUNTS)
    return (await db.scalars(select(ApiClient).order_by(ApiClient.name, ApiClient.created_at))).all()


async def find_caller(db: AsyncSession, token: str) -> Caller:
    """Who calls with this token. Raises TokenRefused."""
    query = select(ApiClient).where(ApiClient.token_hash == _digest(token), ApiClient.revoked_at.is_(None))
    client = await db.scalar(query) if token.startswith(PREFIX) and len(token) < 200 else None
    if client is None:
        raise TokenRefused()
    return Caller(client, actor_of(client))


def actor_of(client: ApiClient) -> Actor:
    """Like a clerk of its office, but no person: nothing confidential was ever granted to it."""
    office = client.organisation
    post = PostRef(Role.STATION_CLERK, office.id, office.region_code, office.tier, office.kind)
    return Actor(ActorKind.OFFICIAL, client.name, posts=(post,))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
