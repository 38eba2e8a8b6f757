"""Personal links: a secret in the URL fragment that opens one session for one person on one device.

The address is `/j/{code}#{secret}`. The fragment never reaches a server by itself, so a preview robot that
fetches the page learns and changes nothing; only the page's POST exchanges the secret for a device secret.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, Index, String, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit, note_refusal
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, RuleError
from cases.policy import ANONYMOUS, Action, Actor, ActorKind
from cases.signin import derive_csrf_token, hash_secret
from scheduling.invitation import Invitation
from scheduling.reach import manageable
from scheduling.session import Session, SessionState
from scheduling.session_events import add_event

SECRET_BYTES = 32
# After a reception that was held the link still opens rating, receipt and progress.
AFTERWARDS = timedelta(days=30)
_HELD = frozenset({SessionState.CLOSED, SessionState.ARCHIVED})
MAX_SECRET = 256  # Nobody hashes a megabyte for a stranger.
_TAKEN_BACK = frozenset({SessionState.CANCELLED, SessionState.RESCHEDULED, SessionState.REJECTED})


@dataclass(frozen=True, slots=True)
class LinkRules:
    """From when before the start until when after the end a link opens."""

    before: timedelta = timedelta(minutes=30)
    after: timedelta = timedelta(hours=4)


DEFAULT_RULES = LinkRules()


class Link(Base):
    """One issued link. Only the SHA-256 (hex) of the secret and of the device secret is stored."""

    __tablename__ = "links"
    __table_args__ = (
        Index(
            "ix_links_one_live",
            "invitation_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    # A reminder brings a secret of its own to the same link: what was sent before still opens.
    reminder_hash: Mapped[str | None] = mapped_column(String(64), default=None, index=True, unique=True)
    device_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    # The device before, which is told in words that the link moved on.
    former_device_hash: Mapped[str | None] = mapped_column(String(64), default=None)
    issued_at: Mapped[datetime]
    issued_by: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    valid_from: Mapped[datetime]
    valid_until: Mapped[datetime]
    bound_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


@dataclass(frozen=True, slots=True)
class LinkGrant:
    """What the device keeps in its cookie, and what it was opened for."""

    device_secret: str = field(repr=False)
    invitation: Invitation


async def issue_link(
    db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str, rules: LinkRules = DEFAULT_RULES
) -> str:
    """Return a new secret (43 characters, told this once) and commit; an earlier link stops working.

    Raises NotFound, Forbidden, Conflict `invitation_revoked`.
    """
    invitation, session = await manageable(db, actor, invitation_id, Action.ISSUE_LINK)
    if invitation.revoked_at is not None:
        raise Conflict("invitation_revoked", "这位参加人已被取消邀请，不能再发链接。")
    await _revoke_links(db, clock, invitation_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link = Link(
        id=new_id(), invitation_id=invitation_id, secret_hash=hash_secret(secret), issued_at=clock.now(),
        issued_by=actor.official_id, valid_from=session.starts_at - rules.before,
        valid_until=session.ends_at + rules.after,
    )  # fmt: skip
    db.add(link)
    await _note(db, clock, actor, invitation, "link.issued")
    await db.commit()
    return secret


async def repeat_link(db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str) -> str:
    """Return one more secret of the live link, or the first of a new one, and commit; told this once.

    The link stays what it is: device, window and the secret that was sent before. Of reminders the last one
    opens. Raises as `issue_link`.
    """
    invitation, _ = await manageable(db, actor, invitation_id, Action.ISSUE_LINK)
    link = await find_link(db, invitation_id)
    if link is None:
        return await issue_link(db, clock, actor, invitation_id)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link.reminder_hash = hash_secret(secret)
    await _note(db, clock, actor, invitation, "link.repeated")
    await db.commit()
    return secret


async def revoke_link(db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str) -> None:
    """Stop the live link of an invitation and commit; without one nothing happens."""
    invitation, _ = await manageable(db, actor, invitation_id, Action.ISSUE_LINK)
    if await _revoke_links(db, clock, invitation_id):
        await _note(db, clock, actor, invitation, "link.revoked")
    await db.commit()


async def find_link(db: AsyncSession, invitation_id: str) -> Link | None:
    """Return the live link of an invitation, for showing its window and whether a device holds it."""
    query = select(Link).where(Link.invitation_id == invitation_id, Link.revoked_at.is_(None))
    return await db.scalar(query.execution_options(populate_existing=True))


async def live_links(db: AsyncSession, link_ids: Collection[str]) -> set[str]:
    """Which of these (an Actor's `link_id`) still hold: neither taken back nor moved to another device.

    The window is not asked: nobody is thrown out of a reception because it takes long.
    """
    query = select(Link.id, Link.device_hash).join(Invitation, Invitation.id == Link.invitation_id)
    ids = {link_id.partition(":")[0] for link_id in link_ids}
    query = query.where(Link.id.in_(ids), Link.revoked_at.is_(None), Invitation.revoked_at.is_(None))
    return {_holding(link_id, device_hash or "") for link_id, device_hash in await db.execute(query)}


async def exchange_link(
    db: AsyncSession, clock: Clock, code: str, secret: str, device_secret: str | None = None
) -> LinkGrant:
    """Bind the link to this device, or recognise the device that holds it, and commit.

    Raises RuleError `link_invalid`, `link_revoked`, `link_early`, `link_expired` or `link_in_use`.
    """
    invitation, session, link = await _find(db, code, secret)
    _refuse_closed(clock, invitation, session, link)
    if link.device_hash is None:
        fresh = secrets.token_urlsafe(SECRET_BYTES)
        if await _bind(db, clock, link, fresh):
            await add_event(
                db, clock, session.id, "link.opened", invitation.display_name,
                data={"invitation_id": invitation.id},
            )  # fmt: skip
            await db.commit()
            return LinkGrant(fresh, invitation)
    await db.commit()
    await db.refresh(link)
    if device_secret is None or not _is_device(link, device_secret):
        await _note_stranger(db, clock, invitation)
        message = "这个链接已经在另一台设备上打开。请用原来的手机打开，或联系接访单位重新发送。"
        raise RuleError("link_in_use", message)
    return LinkGrant(device_secret, invitation)


async def open_early(db: AsyncSession, clock: Clock, code: str, secret: str) -> Invitation:
    """The invitation of a link that opens now or will: enough to check devices. Binds and changes nothing.

    Raises RuleError `link_invalid`, `link_revoked` or `link_expired`.
    """
    invitation, session, link = await _find(db, code, secret)
    if _closed_because(clock, invitation, session, link) != "link_early":
        _refuse_closed(clock, invitation, session, link)
    return invitation


async def find_issued(db: AsyncSession, code: str, secret: str) -> Invitation | None:
    """The invitation of any link that was ever issued with this secret, also of one that stopped working.

    Enough to ask for help, and for nothing else.
    """
    try:
        invitation, _, _ = await _find(db, code, secret)
    except RuleError:
        return None
    return invitation


async def release_device(db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str) -> None:
    """Let the link be opened on another device, inside the caller's transaction.

    The device that held it is a stranger from now on; seat, identity and consent are the invitation's.
    """
    held = (Link.invitation_id == invitation_id) & Link.revoked_at.is_(None) & Link.device_hash.is_not(None)
    values = {"device_hash": None, "former_device_hash": Link.device_hash, "bound_at": None}
    freed = update(Link).where(held).values(values).returning(Link.id)
    if (await db.scalars(freed)).all():
        invitation = await db.get_one(Invitation, invitation_id)
        await _note(db, clock, actor, invitation, "link.released")


async def find_link_actor(db: AsyncSession, clock: Clock, code: str, device_secret: str) -> Actor | None:
    """Return the holder of a bound link as an Actor while the link is live; else None. Changes nothing."""
    found = await find_link_holder(db, clock, code, device_secret)
    return found[0] if found else None


async def find_link_holder(
    db: AsyncSession, clock: Clock, code: str, device_secret: str
) -> tuple[Actor, Invitation, Session] | None:
    """The same with invitation and session, which asking for them afterwards would load a second time."""
    found = await _held_by(db, code, device_secret)
    if found is None or _closed_because(clock, found[1], found[2], found[0]) is not None:
        return None
    return _actor_of(found[1], found[0], device_secret), found[1], found[2]


async def why_closed(db: AsyncSession, clock: Clock, code: str, device_secret: str) -> str | None:
    """Why the link that this device holds opens nothing now: `link_revoked`, `link_expired`, `link_early`.

    `mediation_off` where a mediation by video was called off. None while it opens, and for strangers.
    """
    found = await _held_by(db, code, device_secret)
    if found is None:
        return None
    link, invitation, session = found
    if session.mediation_id is not None and session.state in _TAKEN_BACK:
        return "mediation_off"
    return _closed_because(clock, invitation, session, link)


async def _held_by(
    db: AsyncSession, code: str, device_secret: str
) -> tuple[Link, Invitation, Session] | None:
    """The newest link of this code that the device opened, whether or not it still works."""
    if len(device_secret) > MAX_SECRET:
        return None
    query = (
        select(Link, Invitation, Session)
        .join(Invitation, Invitation.id == Link.invitation_id)
        .join(Session, Session.id == Invitation.session_id)
        .where(Invitation.code == code, Link.device_hash == hash_secret(device_secret))
        .order_by(Link.issued_at.desc())
    )
    found = (await db.execute(query.execution_options(populate_existing=True))).first()
    return (found[0], found[1], found[2]) if found is not None else None


async def has_moved(db: AsyncSession, code: str, device_secret: str) -> bool:
    """Whether this device held the link before another one was let in its place."""
    if len(device_secret) > MAX_SECRET:
        return False
    former = Link.former_device_hash == hash_secret(device_secret)
    query = select(Link.id).join(Invitation, Invitation.id == Link.invitation_id)
    query = query.where(Invitation.code == code, former, Link.revoked_at.is_(None))
    return await db.scalar(query) is not None


def _actor_of(invitation: Invitation, link: Link, device_secret: str) -> Actor:
    return Actor(
        kind=ActorKind.INVITEE, name=invitation.display_name, official_id=invitation.official_id,
        invitation_id=invitation.id, session_id=invitation.session_id, invitation_role=invitation.role,
        csrf_token=derive_csrf_token(device_secret), link_id=_holding(link.id, link.device_hash or ""),
    )  # fmt: skip


def _holding(link_id: str, device_hash: str) -> str:
    """The link in the hands of one device: another device, another right."""
    return f"{link_id}:{device_hash[:16]}"


async def _find(db: AsyncSession, code: str, secret: str) -> tuple[Invitation, Session, Link]:
    """Look the secret up by its hash; whoever lacks it gets one answer for every cause."""
    digest = hash_secret(secret[:MAX_SECRET])
    query = (
        select(Invitation, Session, Link)
        .join(Session, Session.id == Invitation.session_id)
        .join(Link, Link.invitation_id == Invitation.id)
        .where(Invitation.code == code[:16], or_(Link.secret_hash == digest, Link.reminder_hash == digest))
    )
    found = (await db.execute(query.execution_options(populate_existing=True))).first()
    if found is None:
        raise RuleError("link_invalid", "这个链接不对或不完整。请从短信里重新打开，或联系接访单位。")
    return found[0], found[1], found[2]


def _refuse_closed(clock: Clock, invitation: Invitation, session: Session, link: Link) -> None:
    code = _closed_because(clock, invitation, session, link)
    if code is None:
        return
    opens = link.valid_from.astimezone(BEIJING).strftime("%-m月%-d日 %H:%M")
    messages = {
        "link_revoked": "这个链接已经停用。如仍需参加，请联系接访单位重新发送。",
        "link_expired": "这个链接已经过期。如仍需参加，请联系接访单位。",
        "link_early": f"现在还早。请在{opens}以后打开这个链接。",
    }
    raise RuleError(code, messages[code])


def _closed_because(clock: Clock, invitation: Invitation, session: Session, link: Link) -> str | None:
    if link.revoked_at or invitation.revoked_at or session.state in _TAKEN_BACK:
        return "link_revoked"
    if clock.now() >= link.valid_until + (AFTERWARDS if session.state in _HELD else timedelta(0)):
        return "link_expired"
    return "link_early" if clock.now() < link.valid_from else None


async def _bind(db: AsyncSession, clock: Clock, link: Link, device_secret: str) -> bool:
    """Give the link to this device unless another one was faster."""
    free = (Link.id == link.id) & Link.device_hash.is_(None) & Link.revoked_at.is_(None)
    claim = update(Link).where(free).values(device_hash=hash_secret(device_secret), bound_at=clock.now())
    claimed = await db.scalar(claim.returning(Link.id))
    return claimed is not None


def _is_device(link: Link, device_secret: str) -> bool:
    known = link.device_hash or ""
    return hmac.compare_digest(known, hash_secret(device_secret[:MAX_SECRET]))


async def _revoke_links(db: AsyncSession, clock: Clock, invitation_id: str) -> bool:
    # The invitation's row first, so that two issuers take turns.
    same = update(Invitation).where(Invitation.id == invitation_id).values(code=Invitation.code)
    await db.execute(same, execution_options={"synchronize_session": False})
    live = (Link.invitation_id == invitation_id) & Link.revoked_at.is_(None)
    revoked = await db.scalars(update(Link).where(live).values(revoked_at=clock.now()).returning(Link.id))
    return bool(revoked.all())


async def _note(db: AsyncSession, clock: Clock, actor: Actor, invitation: Invitation, kind: str) -> None:
    data = {"invitation_id": invitation.id, "name": invitation.display_name}
    await add_event(db, clock, invitation.session_id, kind, actor.name or None, data=data)
    await add_audit(db, clock, actor, kind, "invitation", invitation.id)


async def _note_stranger(db: AsyncSession, clock: Clock, invitation: Invitation) -> None:
    """Tell the officials' event list that a second device tried (robustness.md B44)."""
    data = {"invitation_id": invitation.id, "name": invitation.display_name}
    await add_event(db, clock, invitation.session_id, "link.refused", invitation.display_name, data=data)
    await db.commit()
    await note_refusal(db, clock, ANONYMOUS, "link.refused", "invitation", invitation.id)
