"""The handling of a case as its page shows it: the clocks with their reasons, and a form for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CLASS_NAMES, PetitionCase, PetitionState
from cases.deadlines.explaining import explain
from cases.handling.awaited import list_awaited
from cases.handling.clocks import PetitionClock, list_clocks, today
from cases.handling.procedure import (
    CONCLUSION_NAMES,
    GROUND_NAMES,
    RESULT_NAMES,
    RULES,
    SERVICE_NAMES,
    STEP_NAMES,
    WAY_NAMES,
    Ask,
    Step,
)
from cases.handling.taking import steps_for
from cases.handling.told import LABELS, list_reviewers, list_units
from cases.vocabulary import VOCABULARY
from web.http.flash import take_once
from web.keys import ACTOR, CLOCK

ASK_LABELS = LABELS | {
    Ask.CLASS: "类别",
    Ask.WAY: "办理途径",
    Ask.UNIT: "责任单位",
    Ask.DAYS: "天数",
    Ask.SERVICE: "送达方式",
    Ask.ON: "日期",
    Ask.CONCLUSION: "结论",
    Ask.REVIEWER: "复查、复核机关",
    Ask.RESULT: "结果",
    Ask.GROUND: "终结的原因",
}
# The clock that begins on the day on which a right is used.
FOLLOWERS = {"review_apply": "review_decide", "recheck_apply": "recheck_decide"}
KINDS = {Ask.WORDS: "text", Ask.DAYS: "number", Ask.ON: "date", Ask.BODY: "line", Ask.PROOF: "line"}


async def handling_desk(request: web.Request, db: AsyncSession, petition: PetitionCase) -> dict[str, Any]:
    """What the card 办理 shows; what was refused is told once, at its form, with everything typed."""
    now = today(request.app[CLOCK])
    steps = steps_for(request[ACTOR], petition)
    asked = {ask for step in steps for ask in RULES[step].asks}
    units = await list_units(db, petition) if Ask.UNIT in asked else []
    again = petition.state is PetitionState.REVIEWED
    reviewers = await list_reviewers(db, petition, again) if Ask.REVIEWER in asked else []
    options: dict[Ask, Mapping[Any, str]] = {
        Ask.CLASS: CLASS_NAMES,
        Ask.WAY: WAY_NAMES,
        Ask.UNIT: {unit.id: unit.name for unit in units},
        Ask.REVIEWER: {office.id: office.name for office in reviewers},
        Ask.SERVICE: SERVICE_NAMES,
        Ask.RESULT: RESULT_NAMES,
        Ask.GROUND: GROUND_NAMES,
        Ask.CONCLUSION: CONCLUSION_NAMES,
    }
    trouble = take_once(request, f"step:{petition.id}") or {}
    clocks = await list_clocks(db, petition.id)
    return {
        "handler": petition.handler.name if petition.handler else "",
        "trouble": "" if trouble.get("step") in set(steps) else trouble.get("message", ""),
        "clocks": [clock_row(row, now, clocks) for row in clocks],
        "steps": [_form(step, options, trouble, now.isoformat()) for step in steps],
        "awaited": [
            {
                "who": office_people(each.office, each.names),
                "steps": [STEP_NAMES[step] for step in each.steps],
            }
            for each in await list_awaited(db, request[ACTOR], petition)
        ],
    }


def office_people(office: str, names: Sequence[str]) -> str:
    """`市信访局（李强、王敏）`, or the office alone."""
    return f"{office}（{'、'.join(names)}）" if names else office


def clock_row(row: PetitionClock, now: Any, clocks: Sequence[PetitionClock] = ()) -> dict[str, Any]:
    """One clock in words; `clocks`: all of the case. A right ends as well by agreement, or when it lapsed."""
    counted, follower = row.counted(), FOLLOWERS.get(row.duty)
    used = follower is None or any(each.duty == follower and each.start_on == row.met_on for each in clocks)
    return {
        "title": counted.duty.title,
        "due": counted.rolled,
        "met": row.met_on,
        "right": counted.duty.right,
        "unused": counted.duty.right and row.met_on is not None and not used,
        "left": counted.days_left(now),
        "stands": counted.stands(now, row.met_on),
        "why": explain(counted),
    }


def _form(
    step: Step, options: Mapping[Ask, Mapping[Any, str]], trouble: Mapping[str, Any], now: str
) -> dict[str, Any]:
    wrong = trouble if trouble.get("step") == step else {}
    typed = wrong.get("typed", {})
    return {
        "code": str(step),
        "label": STEP_NAMES[step],
        "effect": VOCABULARY["step"][step].effect,
        "trouble": wrong.get("message", ""),
        "asks": [
            {
                "name": str(ask),
                "label": ASK_LABELS[ask],
                "kind": KINDS.get(ask, "choice"),
                "options": options.get(ask, {}),
                "value": typed.get(ask, now if ask is Ask.ON else ""),
                "wrong": wrong.get("field") == ask,
            }
            for ask in RULES[step].asks
        ],
    }
