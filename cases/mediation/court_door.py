"""The court's door: one agreement, read only, for a time, for the court that is asked to confirm it.

People's Mediation Law, Art. 33, and Civil Procedure Law, Art. 205: both parties ask together, within 30 days
of the day on which the agreement took effect. The court reads what confirmation needs: the agreement, who
made it and with whose help; not what was said on the way to it, nor anybody's telephone, nor the case it came
from. The address is `/court/{code}#{secret}`: the fragment reaches no server by itself, so it stands in
no log; each look is a line of its own and a line of the audit.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_name
from cases.handling.clocks import today
from cases.mediation.agreement import LABELS, MediationAgreement, find_agreement, paper_of
from cases.mediation.matter import BINDING, SIDE_NAMES, Mediation, scope_of_mediation
from cases.mediation.mediating import load_mediation
from cases.policy import ANONYMOUS, Action, Actor, require
from cases.signin import hash_secret

SECRET_BYTES = 32
MAX_SECRET = 256  # Nobody hashes a megabyte for a stranger.
DAYS: Sequence[int] = (7, 15, 30)
MOST_OPEN = 5


class CourtLink(Base):
    """One issued link. Only the SHA-256 (hex) of its secret is stored."""

    __tablename__ = "court_links"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    mediation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("mediations.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    court: Mapped[str] = mapped_column(String(256))
    issued_at: Mapped[datetime]
    issued_by: Mapped[str] = mapped_column(String(256))
    valid_until: Mapped[datetime]
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    def opens(self, now: datetime) -> bool:
        """Whether it still opens."""
        return self.revoked_at is None and now < self.valid_until


@append_only
class CourtView(Base):
    """One look through the door: when, from which address, at the page or the paper itself."""

    __tablename__ = "court_views"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    link_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("court_links.id"), index=True)
    at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(64))
    paper: Mapped[bool]


@dataclass(frozen=True, slots=True)
class ForCourt:
    """What the court reads. `parties`: side, name, address; `texts`: label and text."""

    number: str
    office: str
    mediator: str
    parties: Sequence[tuple[str, str, str]]
    texts: Sequence[tuple[str, str]]
    due_on: date
    effective_on: date
    confirm_until: date
    sha256: str
    court: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A link with how often and when last it was looked through."""

    link: CourtLink
    views: int
    last: datetime | None


@atomic
async def issue_court_link(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, given: Mapping[str, str]
) -> tuple[CourtLink, str]:
    """Open the door to a court and commit; returns the link and its secret, told this once.

    `given`: court, days (of DAYS), asked ("yes": both sides ask for confirmation). Raises NotFound,
    Forbidden, Invalid at the field, Conflict `agreement_spoken`, `no_agreement`, `confirmation_over`,
    `too_many_links`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    await _require_confirmable(db, clock, mediation)
    court = clean_name(given.get("court", ""), "court", "法院名称")
    if given.get("days", "") not in {str(days) for days in DAYS}:
        raise Invalid("choose", "请选择一项。", "days")
    if given.get("asked") != "yes":
        raise Invalid("both_ask", "司法确认要双方共同申请，请先问过双方。", "asked")
    if sum(each.link.opens(clock.now()) for each in await list_court_links(db, mediation_id)) >= MOST_OPEN:
        raise Conflict("too_many_links", f"一份协议最多同时有 {MOST_OPEN} 个查阅链接，请先停用不用的。")
    secret = secrets.token_urlsafe(SECRET_BYTES)
    link = CourtLink(
        id=new_id(), mediation_id=mediation_id, secret_hash=hash_secret(secret), court=court,
        issued_at=clock.now(), issued_by=actor.name,
        valid_until=clock.now() + timedelta(days=int(given["days"])),
    )  # fmt: skip
    db.add(link)
    detail = {"number": mediation.number, "court": court, "until": link.valid_until.isoformat()}
    await add_audit(db, clock, actor, "court_link.issued", "mediation", mediation_id, detail=detail)
    await db.commit()
    return link, secret


@atomic
async def revoke_court_link(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, link_id: str
) -> None:
    """From now on it opens nothing; commits, twice is the same as once. Raises NotFound, Forbidden."""
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    link = await db.get(CourtLink, link_id)
    if link is None or link.mediation_id != mediation_id:
        raise NotFound("court_link_not_found", "没有找到这个查阅链接。")
    query = update(CourtLink).where(CourtLink.id == link_id, CourtLink.revoked_at.is_(None))
    ended = await db.scalar(query.values(revoked_at=clock.now()).returning(CourtLink.id))
    if ended is not None:
        await add_audit(db, clock, actor, "court_link.revoked", "mediation", mediation_id)
    await db.commit()


async def list_court_links(db: AsyncSession, mediation_id: str) -> Sequence[IssuedLink]:
    """Those of a mediation, the newest first. The caller has asked the policy."""
    query = select(CourtLink).where(CourtLink.mediation_id == mediation_id)
    links = (await db.scalars(query.order_by(CourtLink.issued_at.desc(), CourtLink.id))).all()
    of_these = CourtView.link_id.in_([link.id for link in links])
    seen: dict[str, list[datetime]] = {}
    for view in await db.scalars(select(CourtView).where(of_these).order_by(CourtView.at)):
        seen.setdefault(view.link_id, []).append(view.at)
    return [IssuedLink(link, len(at := seen.get(link.id, [])), at[-1] if at else None) for link in links]


@atomic
async def open_for_court(db: AsyncSession, clock: Clock, code: str, secret: str, address: str) -> ForCourt:
    """What the court reads; the look is noted in the same commit.

    Raises NotFound `court_link_closed` for every address that opens nothing, whatever the cause.
    """
    require(ANONYMOUS, Action.OPEN_LINK)
    link, mediation, agreement = await _enter(db, clock, code, secret)
    told = _told(link, mediation, agreement)
    await _note(db, clock, link, mediation, address, paper=False)
    return told


@atomic
async def read_for_court(db: AsyncSession, clock: Clock, code: str, secret: str, address: str) -> bytes:
    """The signed paper (PDF); the look is noted in the same commit. Raises NotFound."""
    require(ANONYMOUS, Action.OPEN_LINK)
    link, mediation, _ = await _enter(db, clock, code, secret)
    body = await paper_of(db, mediation.id)
    await _note(db, clock, link, mediation, address, paper=True)
    return body


def confirmable(mediation: Mediation, agreement: MediationAgreement | None, now: date) -> bool:
    """Whether there is something that the court may still be asked to confirm."""
    written = agreement is not None and not agreement.spoken and now <= agreement.confirm_until
    return written and mediation.state in BINDING


async def _require_confirmable(db: AsyncSession, clock: Clock, mediation: Mediation) -> None:
    agreement = await find_agreement(db, mediation.id)
    if agreement is None or mediation.state not in BINDING:
        raise Conflict("no_agreement", "还没有生效的调解协议，不能交法院查阅。")
    if agreement.spoken:
        raise Conflict("agreement_spoken", "口头协议没有协议书，不能申请司法确认。")
    if today(clock) > agreement.confirm_until:
        raise Conflict("confirmation_over", "共同申请司法确认的三十日已经过了。")


async def _enter(
    db: AsyncSession, clock: Clock, code: str, secret: str
) -> tuple[CourtLink, Mediation, MediationAgreement]:
    link = await db.get(CourtLink, code[:ID_LENGTH])
    known = link.secret_hash if link is not None else ""
    right = hmac.compare_digest(hash_secret(secret[:MAX_SECRET]), known)
    agreement = await find_agreement(db, link.mediation_id) if link is not None and right else None
    if link is None or agreement is None or not link.opens(clock.now()):
        raise NotFound("court_link_closed", "这个查阅链接不对、已经到期或者已经停用，请联系出具链接的单位。")
    return link, await load_mediation(db, link.mediation_id), agreement


def _told(link: CourtLink, mediation: Mediation, agreement: MediationAgreement) -> ForCourt:
    mediator = mediation.mediator
    return ForCourt(
        number=mediation.number,
        office=mediation.organisation.name,
        mediator=f"{mediator.name}（{mediator.employer}）" if mediator else "",
        parties=[(SIDE_NAMES[each.side], each.name, each.address) for each in mediation.parties],
        texts=[(label, agreement.told.get(name, "")) for name, label in LABELS.items()],
        due_on=agreement.due_on,
        effective_on=agreement.effective_on,
        confirm_until=agreement.confirm_until,
        sha256=agreement.sha256,
        court=link.court,
        valid_until=link.valid_until,
    )


async def _note(
    db: AsyncSession, clock: Clock, link: CourtLink, mediation: Mediation, address: str, *, paper: bool
) -> None:
    db.add(CourtView(id=new_id(), link_id=link.id, at=clock.now(), address=address[:64], paper=paper))
    detail = {"number": mediation.number, "court": link.court, "paper": paper}
    told = ("court_link.opened", "mediation", mediation.id, "ok", detail, address)
    await add_audit(db, clock, ANONYMOUS, *told)
    await db.commit()
