"""How far a matter is, as its petitioner reads it: what comes next, until when, and how that was counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, PetitionState
from cases.clock import Clock
from cases.deadlines.explaining import explain
from cases.handling.clocks import today
from cases.handling.procedure import Way
from scheduling.afterwards.progress import (
    NextDeadline,
    answer_due,
    handling_office,
    list_progress,
    next_deadline,
)
from web.words import plain_date

# What is said where no clock runs; the rest needs no words.
AFTERWARDS: Mapping[PetitionState, str] = {
    PetitionState.CONCLUDED: "处理意见书还没有送达。从您收到的那一天起，计算请求复查的期限。",
    PetitionState.REVIEWED: "复查意见书还没有送达。从您收到的那一天起，计算请求复核的期限。",
    PetitionState.RECHECKED: "复核意见是信访程序的最终意见。",
    PetitionState.ROUTED: "请按告知书写明的法定途径提出。",
    PetitionState.REFUSED: "理由写在告知书里。",
    PetitionState.NO_LONGER_ACCEPTED: "理由写在告知书里。",
}


async def progress_of(db: AsyncSession, clock: Clock, petition: PetitionCase) -> dict[str, Any]:
    """What the page of the progress and the receipt show. The caller has made sure who asks."""
    due, following = await answer_due(db, petition), await next_deadline(db, petition)
    steps = await list_progress(db, petition)
    return {
        "handler": handling_office(petition),
        "steps": steps,
        # "Another" reception is offered to those alone who have had, or asked for, one.
        "booked": any(each.kind.startswith(("booking.", "session.")) for each in steps),
        "deadline": plain_date(due.deadline.rolled) if due and due.deadline.rolled else "",
        "why": due.why() if due else [],
        "next": next_words(petition, following, today(clock)),
        "next_why": explain(following.deadline) if following else [],
    }


def next_words(petition: PetitionCase, found: NextDeadline | None, now: date) -> str:
    """One or two sentences on what comes next, or ""."""
    if petition.way == Way.DISCIPLINE and petition.state is PetitionState.ROUTED:
        return "已经移送有权处理的机关，由它依照规定处理。"
    if found is None:
        return AFTERWARDS.get(petition.state, "")
    last = found.deadline.rolled
    if last is None:
        return f"{found.office}正在听证，听证的时间不计算在期限内。"
    words = _words(found.duty, found.office, plain_date(last))
    if now <= last:
        return words
    if not found.office:
        return f"{words}这个期限已经过了。"
    return f"{words}这个期限已经过了，您可以打电话询问。"


def _words(duty: str, office: str, day: str) -> str:
    match duty:
        case "register_route":
            return f"{office}最迟{day}交给负责的单位。"
        case "forward_notice":
            return f"{office}最迟{day}书面告诉您接收情况和办理程序。"
        case "review_apply":
            return f"您不服处理意见的，最迟{day}可以书面请求复查。"
        case "review_decide":
            return f"{office}最迟{day}作出复查意见。"
        case "recheck_apply":
            return f"您不服复查意见的，最迟{day}可以书面请求复核。"
        case "recheck_decide":
            return f"{office}最迟{day}作出复核意见。"
        case _:
            return f"{office}最迟{day}书面答复您。"
