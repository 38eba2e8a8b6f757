"""A rule that one administrator proposes: it is none until another one lets it take effect.

What holds for everybody is set by two people as rights are (cases/second_person.py); what a proposal led to
stands in the history of that rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, String, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import Base, new_id
from cases.errors import Conflict, NotFound
from cases.fields import clean_subject
from cases.policy import Action, Actor, Scope, allowed, require
from cases.second_person import Decision, Proposed, TwoPersonRule, settle

MOST_LISTED = 200
TWO_PERSONS = TwoPersonRule(
    takes_back=Action.CONFIGURE,
    decides=Action.CONFIRM_RULE,
    own="自己提出的改动要由另一个人确认。",
    late_code="rule_decided",
    late="这项改动已经有人处理，请刷新页面再看。",
)
_OPEN = text("decided_at IS NULL")


class RuleKind(StrEnum):
    """Of what rule: deadlines of a region, years of a class of recordings."""

    DEADLINES = "deadlines"
    RETENTION = "retention"


class RuleProposal(Proposed, Base):
    """`subject`: the region code or the class; `content`: the rule itself, as its kind keeps it."""

    __tablename__ = "rule_proposals"
    __table_args__ = (
        # Of one rule one change waits at a time: else the second would be decided upon what is gone.
        Index(
            "ix_rule_proposals_open",
            "kind",
            "subject",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    kind: Mapped[RuleKind]
    subject: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    why: Mapped[str] = mapped_column(String(800))


async def add_proposal(
    db: AsyncSession, clock: Clock, actor: Actor, kind: RuleKind, subject: str, content: dict[str, Any],
    why: str,
) -> RuleProposal:  # fmt: skip
    """Write one down inside the caller's transaction; the caller has asked the policy.

    Raises Invalid at `reason`, Conflict `rule_proposed` where a change of that rule waits already.
    """
    row = RuleProposal(
        id=new_id(), kind=kind, subject=subject, content=content, why=clean_subject(why, "reason", "理由"),
        proposed_at=clock.now(), proposed_by_id=actor.official_id, proposed_by=actor.name,
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("rule_proposed", "已经有一项改动在等安全管理员确认，请先处理那一项。") from error
    detail = {"kind": str(kind), "subject": subject, "proposal": row.id}
    await add_audit(db, clock, actor, f"{_noun(kind)}.proposed", _noun(kind), subject, detail=detail)
    return row


async def settle_proposal(
    db: AsyncSession, clock: Clock, actor: Actor, row: RuleProposal, decision: Decision, reason: str
) -> str:
    """Keep inside the caller's transaction what was decided, as `settle` does.

    Returns the reason as it is kept, for `note_decision`, which comes last. Raises NotFound, Forbidden
    `own_proposal`, Invalid at `reason`, Conflict `rule_decided`.
    """
    require(actor, TWO_PERSONS.action(decision), scope_of_rule(row))
    return await settle(db, clock, actor, TWO_PERSONS, row, decision, reason)


async def note_decision(
    db: AsyncSession, clock: Clock, actor: Actor, row: RuleProposal, decision: Decision, reason: str
) -> None:
    """The audit's line of a decision, after everything that it led to."""
    noun = _noun(row.kind)
    detail = {"proposal": row.id, "reason": reason}
    await add_audit(db, clock, actor, f"{noun}.{decision}", noun, row.subject, detail=detail)


async def get_proposal(db: AsyncSession, actor: Actor, proposal_id: str) -> RuleProposal:
    """Raises NotFound, also for one out of reach."""
    row = await db.get(RuleProposal, proposal_id, populate_existing=True)
    if row is None or not allowed(actor, Action.SEE_RULES, scope_of_rule(row)):
        raise NotFound("proposal_not_found", "没有找到这项改动。")
    return row


async def list_proposals(db: AsyncSession, actor: Actor, *, open_only: bool = True) -> Sequence[RuleProposal]:
    """Those that wait in the actor's reach, the oldest first; or all, the newest first."""
    require(actor, Action.SEE_RULES)
    query = select(RuleProposal).order_by(RuleProposal.proposed_at, RuleProposal.id).limit(MOST_LISTED)
    if open_only:
        query = query.where(RuleProposal.decided_at.is_(None))
    else:
        query = query.order_by(None).order_by(RuleProposal.proposed_at.desc(), RuleProposal.id)
    found = await db.scalars(query)
    return [row for row in found if allowed(actor, Action.SEE_RULES, scope_of_rule(row))]


def scope_of_rule(row: RuleProposal) -> Scope | None:
    """Deadlines are of a region; retention is of the whole house."""
    return Scope(region_codes=frozenset({row.subject})) if row.kind is RuleKind.DEADLINES else None


def _noun(kind: RuleKind) -> str:
    return "profile" if kind is RuleKind.DEADLINES else "retention"
