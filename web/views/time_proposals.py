"""改时间 on the page of a session: what was proposed, what can be answered, and by which office."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.policy import Actor
from scheduling.proposals import ProposalState
from scheduling.session import Session, SessionPart
from scheduling.sessions.moving import MOVABLE
from scheduling.sessions.proposing import is_live, list_proposals, next_states, own_offices

ACTS = {
    ProposalState.ACCEPTED: "按这个时间改期",
    ProposalState.ASKED_ANEW: "请另提时间",
    ProposalState.AGREED: "按原来的时间参加",
    ProposalState.WITHDRAWN: "收回",
}


async def proposal_card(db: AsyncSession, actor: Actor, session: Session, hosts: bool) -> dict[str, Any]:
    """`hosts`: the reader may manage the session. The caller has asked the policy."""
    rows = await list_proposals(db, session)
    waiting = {
        row.organisation_id for row in rows if is_live(session, row) and row.state is ProposalState.OPEN
    }
    own = own_offices(actor, session) - waiting
    offices = {
        each.organisation_id: each.organisation.name
        for each in session.organisations
        if each.part is SessionPart.JOINT and each.organisation_id in own
    }
    return {
        "rows": [
            {
                "row": row,
                "acts": {
                    str(state): name
                    for state, name in ACTS.items()
                    if state in next_states(actor, session, row, hosts)
                },
            }
            for row in rows
        ],
        "offices": offices if session.state in MOVABLE and session.opened_at is None else {},
    }
