"""What one person proposes and a second one decides: rights, rules, the destruction of recordings.

Nobody does such a thing alone (三员分立, GB/T 22239-2019 level 3, 8.1.4.2). A proposal keeps who made it and
who decided, when and why. It does not expire: it waits until somebody answers or takes it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.clock import Clock
from cases.database import ID_LENGTH, new_id
from cases.errors import Conflict, Forbidden, Invalid
from cases.fields import clean_text
from cases.policy import Action, Actor


class Decision(StrEnum):
    """What became of a proposal; None is one that waits."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


DECISION_NAMES: Mapping[Decision, str] = {
    Decision.CONFIRMED: "已确认",
    Decision.REFUSED: "不同意",
    Decision.WITHDRAWN: "已撤回",
}
TRANSITIONS: Mapping[Decision | None, frozenset[Decision]] = {
    None: frozenset(Decision),
    **{decided: frozenset() for decided in Decision},
}


class Proposed:
    """Columns of a row that waits for a second person. `reason` is the second one's."""

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    proposed_at: Mapped[datetime] = mapped_column(index=True)
    proposed_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    proposed_by: Mapped[str] = mapped_column(String(256))
    decision: Mapped[Decision | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[str] = mapped_column(String(256), default="")
    reason: Mapped[str] = mapped_column(String(800), default="")


@dataclass(frozen=True, slots=True)
class TwoPersonRule:
    """Of one kind of proposal: who may take it back, who may decide, and what people are told.

    `own`: to who would decide his own proposal; `late`, under `late_code`: to who comes second.
    """

    takes_back: Action
    decides: Action
    own: str
    late_code: str
    late: str

    def action(self, decision: Decision) -> Action:
        """What the policy is asked for, in the reach of the proposal."""
        return self.takes_back if decision is Decision.WITHDRAWN else self.decides


def refuse_own(actor: Actor, proposed_by_id: str | None, words: str) -> None:
    """Who proposed is not the second person, whatever posts he has by now; nor is nobody in particular.

    Raises Forbidden `own_proposal`.
    """
    if actor.official_id is None or actor.official_id == proposed_by_id:
        raise Forbidden("own_proposal", words)


async def settle(
    db: AsyncSession, clock: Clock, actor: Actor, rule: TwoPersonRule, row: Proposed,
    decision: Decision, reason: str,
) -> str:  # fmt: skip
    """Keep what was decided inside the caller's transaction: of two at once, the second hears so.

    The caller has asked the policy for `rule.action(decision)`, and carries out what was confirmed. Returns
    the reason as it is kept. Raises Forbidden `own_proposal`, Invalid at `reason`, Conflict `late_code`.
    """
    if decision is not Decision.WITHDRAWN:
        refuse_own(actor, row.proposed_by_id, rule.own)
    reason = clean_text(reason, "reason", "理由", 200)
    if decision is Decision.REFUSED and not reason:
        raise Invalid("required", "请写明不同意的理由。", "reason")
    model = type(row)
    as_it_was = (model.id == row.id, model.decision.is_not_distinct_from(row.decision))
    decided = {"decision": decision, "decided_at": clock.now(), "decided_by": actor.name, "reason": reason}
    first = update(model).where(*as_it_was).values(**decided).returning(model.id)
    if decision not in TRANSITIONS[row.decision] or await db.scalar(first) is None:
        raise Conflict(rule.late_code, rule.late)
    return reason
