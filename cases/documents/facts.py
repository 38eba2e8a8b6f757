"""What the program itself can put into a paper: the case, the step it is about, its clocks, the remedies."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CHANNEL_NAMES, PetitionCase, PetitionClass, PetitionEvent
from cases.clock import BEIJING, chinese_date
from cases.deadlines.profile import Unit
from cases.documents.kind import DocumentKind
from cases.handling.clocks import list_clocks, profile_of
from cases.handling.procedure import GROUND_NAMES, RESULT_NAMES, WAY_NAMES, Ground, Result, Way
from cases.handling.told import list_reviewers
from cases.intake.matter import PetitionIntake
from cases.organisations import Organisation

# Of each clock the name of its length and of its last day in a template.
CLOCKS = {
    "forward_notice": ("notice_within", "notice_due"),
    "forward_objection": ("objection_within", "objection_due"),
    "assigned_feedback": ("", "feedback_due"),
    "handle": ("handle_within", "handle_due"),
    "review_decide": ("review_within", "review_due"),
    "recheck_decide": ("recheck_within", "recheck_due"),
}
# A paper against which something can be done: the duty that says until when, and what it is called.
REMEDIES = {
    DocumentKind.HANDLING_OPINION: ("review_apply", "处理意见", "复查"),
    DocumentKind.REVIEW_OPINION: ("recheck_apply", "复查意见", "复核"),
}
# Accusations the office passes on itself (Art. 22, 30); a claim is made there by who petitions (Art. 31).
TRANSFERRED = "本单位已经依照规定移送上述机关处理，内容保密，您不需要另行提出。"
TO_BE_ASKED = "请您在法定期限内向上述机关提出。需要帮助的，请与本单位联系。"
ROUTED_BY = "《信访工作条例》第三十一条"
# By what a unit accepts and answers: suggestions are studied and answered by an article of their own.
ACCEPTED_BY, ANSWERED_BY = "《信访工作条例》第三十一条、第三十四条", "《信访工作条例》第三十二条"
STUDIED_BY = "《信访工作条例》第二十九条"
AGAIN = "有新的事实和理由的，可以重新提出。"
# By what a matter has ended, and what that means: only a recheck opinion shuts the same facts out (Art. 36).
# A death has no article of its own; who writes the paper names one.
ENDINGS = {
    GROUND_NAMES[Ground.RECHECKED]: (
        "《信访工作条例》第三十六条", f"以同一事实和理由再次提出的，各级机关、单位不再受理；{AGAIN}",
    ),
    GROUND_NAMES[Ground.NOT_ASKED]: (
        "《信访工作条例》第三十五条、第三十六条", f"请求复查、复核的期限已过，不能再请求复查、复核；{AGAIN}",
    ),
    GROUND_NAMES[Ground.AGREED]: ("《信访工作条例》第三十三条", AGAIN),
}  # fmt: skip
TERMINAL = (
    "本意见为信访终结意见。您仍然以同一事实和理由提出信访请求的，各级机关、单位不再受理"
    "（《信访工作条例》第三十六条）。"
)


async def facts_of(
    db: AsyncSession, petition: PetitionCase, event: PetitionEvent, kind: DocumentKind, office: Organisation
) -> dict[str, str]:
    """Name of FACTS → text; what is not known yet is empty."""
    told: dict[str, Any] = event.data
    facts = {
        "petitioner": await petitioners(db, petition),
        "number": petition.number,
        "subject": petition.subject,
        "description": petition.description,
        "channel": CHANNEL_NAMES[petition.channel],
        "registered_on": chinese_date(petition.registered_at.astimezone(BEIJING).date()),
        "custodian": petition.custodian.name,
        "handler": petition.handler.name if petition.handler else "",
        "reviewer": petition.reviewer.name if petition.reviewer else "",
        "office": office.name,
        "way": WAY_NAMES[Way(petition.way)] if petition.way else "",
        "accepted_on": chinese_date(petition.accepted_on) if petition.accepted_on else "",
        "step_on": chinese_date(day_of(event)),
        **{name: str(told.get(name) or "") for name in ("words", "body", "days", "conclusion", "result")},
        "advice": TRANSFERRED if petition.way == Way.DISCIPLINE else TO_BE_ASKED,
        "routing_basis": "《信访工作条例》第三十条" if petition.way == Way.DISCIPLINE else ROUTED_BY,
        "acceptance_basis": STUDIED_BY if petition.class_ is PetitionClass.SUGGESTION else ACCEPTED_BY,
        "opinion_basis": STUDIED_BY if petition.class_ is PetitionClass.SUGGESTION else ANSWERED_BY,
        **_ending(str(told.get("ground") or "")),
        "remedies": await _remedies(db, petition, kind, str(told.get("result") or "")),
    }
    profile = profile_of(petition)
    for duty, (within, _) in CLOCKS.items():
        length = profile.duty(duty)
        if within and length is not None and length.days:
            facts[within] = f"{length.days}{'日' if length.unit is Unit.CALENDAR else '个工作日'}"
    for row in await list_clocks(db, petition.id):  # The newest of a duty comes last.
        if row.duty in CLOCKS and row.rolled_on is not None:
            facts[CLOCKS[row.duty][1]] = chinese_date(row.rolled_on)
    return facts


def _ending(ground: str) -> dict[str, str]:
    basis, ending = ENDINGS.get(ground, ("", ""))
    return {"ground": ground, "ending_basis": basis, "ending": ending}


async def petitioners(db: AsyncSession, petition: PetitionCase) -> str:
    """`李德福`, or `李德福等12人` where several petition together."""
    intake = await db.get(PetitionIntake, petition.id)
    name = petition.petitioner.name
    return f"{name}等{intake.headcount}人" if intake is not None and intake.headcount > 1 else name


def day_of(event: PetitionEvent) -> date:
    """The civil date of a step: the one it was told, else when it was entered."""
    told = event.data.get("on")
    return date.fromisoformat(told) if told else event.at.astimezone(BEIJING).date()


async def _remedies(db: AsyncSession, petition: PetitionCase, kind: DocumentKind, result: str) -> str:
    """Art. 35 and 36, or what the profile of the region says instead."""
    if result == RESULT_NAMES[Result.REDO]:
        return _redone(petition)
    if kind is DocumentKind.RECHECK_OPINION:
        return TERMINAL
    if kind not in REMEDIES:
        return ""
    code, paper, remedy = REMEDIES[kind]
    duty = profile_of(petition).duty(code)
    if duty is None:
        return ""
    # The one above is asked, and no further one (Art. 35 and 36).
    found = await list_reviewers(db, petition, kind is DocumentKind.REVIEW_OPINION)
    offices = [each.name for each in found]
    where = offices[0] if offices else f"有权{remedy}的机关"
    unit = "日" if duty.unit is Unit.CALENDAR else "个工作日"
    return (
        f"您如果不服本{paper}，可以自收到本意见书之日起{duty.days}{unit}内，书面向{where}请求{remedy}"
        f"（{duty.source}）。无正当理由，期限内没有请求{remedy}的，不再受理。"
    )


def _redone(petition: PetitionCase) -> str:
    """What is done again is answered again, and against that answer there is the same remedy."""
    handle, apply = (profile_of(petition).duty(code) for code in ("handle", "review_apply"))
    assert handle is not None and apply is not None  # Every text has them.
    return (
        f"原办理单位应当重新办理，自本意见作出之日起{handle.days}日内办结并书面答复您（{handle.source}）。"
        f"您不服重新作出的处理意见的，可以自收到之日起{apply.days}日内请求复查（{apply.source}）。"
    )
