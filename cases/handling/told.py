"""What a step is told: cleaned and checked against what there is, refused at the field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import CLASS_NAMES, PetitionCase, PetitionClass
from cases.clock import BEIJING, Clock
from cases.errors import Invalid
from cases.fields import clean, clean_text
from cases.handling.clocks import today
from cases.handling.procedure import (
    CONCLUSION_NAMES,
    GROUND_NAMES,
    RESULT_NAMES,
    SERVICE_NAMES,
    WAY_NAMES,
    Ask,
    Conclusion,
    Ground,
    Result,
    Rule,
    Service,
    Way,
    ways_of,
)
from cases.organisations import Organisation, OrganisationKind, covers

MOST_DAYS = 366
LABELS = {Ask.WORDS: "说明", Ask.BODY: "有权处理的机关", Ask.PROOF: "送达凭证"}
CHOICES: Mapping[Ask, type[StrEnum]] = {
    Ask.CLASS: PetitionClass,
    Ask.WAY: Way,
    Ask.SERVICE: Service,
    Ask.CONCLUSION: Conclusion,
    Ask.RESULT: Result,
    Ask.GROUND: Ground,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a step was told, cleaned; what it does not ask for is empty."""

    words: str = ""
    class_: PetitionClass | None = None
    way: Way | None = None
    unit: Organisation | None = None
    body: str = ""
    days: int = 0
    service: Service | None = None
    proof: str = ""
    on: date | None = None
    conclusion: Conclusion | None = None
    reviewer: Organisation | None = None
    result: Result | None = None
    ground: Ground | None = None
    # From when what a delivery begins is counted, where that is not the day of `on`.
    effective_on: date | None = None

    def data(self) -> dict[str, Any]:
        """For the case's history, in words that stay readable when tables change."""
        told: dict[str, Any] = {
            "words": self.words, "class": self.class_ and CLASS_NAMES[self.class_],
            "way": self.way and WAY_NAMES[self.way], "unit": self.unit and self.unit.name, "body": self.body,
            "days": self.days, "service": self.service and SERVICE_NAMES[self.service], "proof": self.proof,
            "on": self.on and self.on.isoformat(),
            "conclusion": self.conclusion and CONCLUSION_NAMES[self.conclusion],
            "reviewer": self.reviewer and self.reviewer.name,
            "result": self.result and RESULT_NAMES[self.result],
            "ground": self.ground and GROUND_NAMES[self.ground],
        }  # fmt: skip
        return {name: value for name, value in told.items() if value}


async def list_units(db: AsyncSession, petition: PetitionCase) -> Sequence[Organisation]:
    """To whom a case can go: departments and offices at or below its keeper, none that it accuses."""
    prefix = petition.custodian.region_code
    query = select(Organisation).where(
        Organisation.region_code.startswith(prefix, autoescape=True), Organisation.id != petition.custodian_id
    )
    query = query.order_by(Organisation.region_code, Organisation.kind, Organisation.name)
    return [each for each in (await db.scalars(query)).all() if not _is_accused(petition, each)]


async def list_reviewers(
    db: AsyncSession, petition: PetitionCase, recheck: bool
) -> Sequence[Organisation]:
    """Who may review what the responsible unit said: the offices above it on its line, the nearest first.

    A department's opinion is reviewed by its own government, whose petition office keeps the matter, an
    office's by the one above (Art. 35). Who decided the review does not decide the recheck (Art. 36); what a
    review had handled anew is reviewed where it was before.
    """
    unit = petition.handler or petition.custodian
    above = [unit.region_code[:length] for length in (2, 4, 6, 9) if length <= len(unit.region_code)]
    query = select(Organisation).where(
        Organisation.kind == OrganisationKind.PETITION_OFFICE, Organisation.region_code.in_(above)
    )
    found = (await db.scalars(query.order_by(Organisation.region_code.desc()))).all()
    decided = {unit.id} | ({petition.reviewer_id} if recheck else set())
    return [each for each in found if each.id not in decided and not _is_accused(petition, each)]


async def read_told(
    db: AsyncSession, clock: Clock, petition: PetitionCase, rule: Rule, given: Mapping[str, str]
) -> Told:
    """What was typed, cleaned. Raises Invalid at the field."""
    told: dict[str, Any] = {}
    for ask in rule.asks:
        typed = clean(given.get(ask, ""), lines=ask is Ask.WORDS)
        if ask in LABELS:
            told[ask] = clean_text(typed, ask, LABELS[ask], 2000 if ask is Ask.WORDS else 200)
            if not told[ask]:
                raise Invalid("required", f"请填写{LABELS[ask]}。", ask)
        elif ask is Ask.UNIT:
            told[ask] = _one_of(await list_units(db, petition), typed, ask)
        elif ask is Ask.REVIEWER:
            offices = await list_reviewers(db, petition, "recheck_decide" in rule.starts)
            told[ask] = _one_of(offices, typed, ask)
        elif ask is Ask.DAYS:
            told[ask] = _days(typed)
        elif ask is Ask.ON:
            told[ask] = _day(typed, clock, petition)
        elif typed not in set(CHOICES[ask]):
            raise Invalid("choose", "请选择一项。", ask)
        else:
            told["class_" if ask is Ask.CLASS else ask] = CHOICES[ask](typed)
    way, class_ = told.get("way"), told.get("class_")
    if way is not None and class_ is not None and way not in ways_of(class_):
        raise Invalid("way_unfit", f"{CLASS_NAMES[class_]}不能按「{WAY_NAMES[way]}」办理。", "way")
    return Told(**{str(name): value for name, value in told.items()})


def _one_of(organisations: Sequence[Organisation], typed: str, ask: Ask) -> Organisation:
    for each in organisations:
        if each.id == typed:
            return each
    raise Invalid("unit_unknown", "请从列表里选择单位。", ask)


def _days(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed[:6]) <= MOST_DAYS):
        raise Invalid("bad_days", f"请填写天数，1 到 {MOST_DAYS}。", "days")
    return int(typed)


def _day(typed: str, clock: Clock, petition: PetitionCase) -> date:
    try:
        day = date.fromisoformat(typed) if typed else today(clock)
    except ValueError as error:
        raise Invalid("bad_date", "请按 2026-07-29 的样子填写日期。", "on") from error
    if day > today(clock):
        raise Invalid("date_in_future", "日期不能晚于今天。", "on")
    if day < petition.registered_at.astimezone(BEIJING).date():
        raise Invalid("date_too_early", "日期不能早于登记日期。", "on")
    return day


def _is_accused(petition: PetitionCase, unit: Organisation) -> bool:
    accused = petition.accused
    if accused is None:
        return False
    below = accused.kind is not OrganisationKind.DEPARTMENT and covers(accused.region_code, unit.region_code)
    return unit.id == accused.id or below
