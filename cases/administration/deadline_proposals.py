"""Deadlines of a region: proposed by one administrator, in force when another confirms, as posts are.

A version takes effect on a day that is not past. A matter keeps the version of the day it came in: what is
counted again are running clocks of matters that came in on that day or later, if the version is confirmed
only then, and of these none that was extended or stood still, for that was decided under its old version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_rules import Draft, TypedRules, draft_of, read_rules
from cases.administration.deadline_version import DeadlineVersion, load_rules, read_versions
from cases.administration.rule_proposal import (
    RuleKind,
    RuleProposal,
    add_proposal,
    get_proposal,
    note_decision,
    settle_proposal,
)
from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.database import atomic, new_id
from cases.deadlines.deadline import Deadline, count
from cases.deadlines.in_force import calendar_of, profiles
from cases.deadlines.profile import Profile, profile_for
from cases.errors import Conflict
from cases.handling.clocks import PetitionClock, today
from cases.organisations import Organisation, OrganisationKind
from cases.policy import Action, Actor, Scope, allowed, require
from cases.register.due import index_due_dates
from cases.second_person import Decision


@dataclass(frozen=True, slots=True)
class Effect:
    """What a version does: running clocks of the region, those that pass to it, and whose last day moves.

    `below`: regions inside that have rules of their own, which do not follow.
    """

    draft: Draft
    running: int
    passed: int
    moved: int
    below: tuple[str, ...]

    @property
    def kept(self) -> int:
        """Running clocks that stay under the version by which they were set."""
        return self.running - self.passed


async def preview_rules(db: AsyncSession, clock: Clock, actor: Actor, typed: TypedRules) -> Effect:
    """What would become of it; nothing is kept. Raises as `propose_rules`."""
    _ask(actor, Action.CONFIGURE, typed.region_code)
    return await _effect(db, await _draft(db, clock, typed))


@atomic
async def propose_rules(
    db: AsyncSession, clock: Clock, actor: Actor, typed: TypedRules, why: str
) -> RuleProposal:
    """Propose the next version of a region and commit.

    Raises NotFound out of reach; Invalid at the fields of `read_rules` and at `reason`; Conflict
    `rule_proposed`.
    """
    _ask(actor, Action.CONFIGURE, typed.region_code)
    draft = await _draft(db, clock, typed)
    kept = {
        "effective_on": draft.version.effective_on.isoformat(),
        "version": draft.version.version,
        "rules": draft.version.content,
    }
    row = await add_proposal(db, clock, actor, RuleKind.DEADLINES, typed.region_code, kept, why)
    await db.commit()
    return row


@atomic
async def decide_rules(
    db: AsyncSession, clock: Clock, actor: Actor, proposal_id: str, decision: Decision, reason: str = ""
) -> Effect | None:
    """Let a version take effect, refuse it, or take it back; commits. None unless it takes effect.

    Raises NotFound, Forbidden `own_proposal`, Invalid at `reason`, Conflict `rule_decided`, `rules_moved`,
    `effective_passed`: a day that has passed meanwhile is none for rules to begin on.
    """
    require(actor, Action.SEE_RULES)
    row = await get_proposal(db, actor, proposal_id)
    kept = await settle_proposal(db, clock, actor, row, decision, reason)
    effect = None
    if decision is Decision.CONFIRMED:
        effect = await _carry_out(db, clock, actor, row)
    await note_decision(db, clock, actor, row, decision, kept)
    await db.commit()
    if effect is not None:
        await load_rules(db)
    return effect


async def effect_of(db: AsyncSession, actor: Actor, row: RuleProposal) -> Effect:
    """What a proposal that waits would do. Raises Conflict `rules_moved`."""
    _ask(actor, Action.SEE_RULES, row.subject)
    return await _effect(db, await _proposed(db, row))


async def list_versions(db: AsyncSession, actor: Actor, region_code: str) -> Sequence[DeadlineVersion]:
    """The versions of a region, the newest first. Raises NotFound out of reach."""
    _ask(actor, Action.SEE_RULES, region_code)
    return await _versions(db, region_code)


async def list_regions(db: AsyncSession, actor: Actor) -> Sequence[Organisation]:
    """The petition offices whose regions the actor looks after, by code."""
    require(actor, Action.SEE_RULES)
    query = select(Organisation).where(
        Organisation.kind == OrganisationKind.PETITION_OFFICE, Organisation.closed_at.is_(None)
    )
    found = (await db.scalars(query.order_by(Organisation.region_code))).all()
    return [
        each
        for each in found
        if allowed(actor, Action.SEE_RULES, Scope(region_codes=frozenset({each.region_code})))
    ]


async def _carry_out(db: AsyncSession, clock: Clock, actor: Actor, row: RuleProposal) -> Effect:
    draft = await _proposed(db, row)
    version = draft.version
    if version.effective_on < today(clock):
        raise Conflict("effective_passed", "施行日期已经过了，请退回，换一个施行日期重新提出。")
    effect = await _effect(db, draft)
    version.id, version.made_at, version.why = new_id(), clock.now(), row.why
    version.proposed_by, version.confirmed_by = row.proposed_by, actor.name
    db.add(version)
    try:
        await db.flush()
    except IntegrityError as error:
        raise _moved() from error
    for clock_row, deadline in await _passing(db, draft):
        clock_row.profile, clock_row.raw_on, clock_row.rolled_on = version.code, deadline.raw, deadline.rolled
        await db.flush()
        await index_due_dates(db, await db.get_one(PetitionCase, clock_row.petition_id))
    detail = {
        "region_code": version.region_code, "version": version.version, "passed": effect.passed,
        "moved": effect.moved, "effective_on": version.effective_on.isoformat(),
    }  # fmt: skip
    await add_audit(db, clock, actor, "profile.added", "profile", version.id, detail=detail)
    return effect


async def _draft(db: AsyncSession, clock: Clock, typed: TypedRules) -> Draft:
    return read_rules(typed, await _versions(db, typed.region_code), today(clock))


async def _proposed(db: AsyncSession, row: RuleProposal) -> Draft:
    told = row.content
    effective_on = date.fromisoformat(told["effective_on"])
    draft = draft_of(row.subject, effective_on, told["rules"], await _versions(db, row.subject))
    if draft.version.version != told["version"]:
        raise _moved()
    return draft


async def _effect(db: AsyncSession, draft: Draft) -> Effect:
    code = draft.version.region_code
    query = select(func.count()).select_from(PetitionClock)
    running = await db.scalar(query.where(PetitionClock.met_on.is_(None), _inside(code)))
    passing = await _passing(db, draft)
    moved = sum((row.raw_on, row.rolled_on) != (found.raw, found.rolled) for row, found in passing)
    rows = await read_versions(db)
    below = {row.region_code for row in rows if row.region_code != code and row.region_code.startswith(code)}
    return Effect(draft, running or 0, len(passing), moved, tuple(sorted(below)))


async def _passing(db: AsyncSession, draft: Draft) -> list[tuple[PetitionClock, Deadline]]:
    """Running clocks that the version may take over, with their deadlines by it."""
    version = draft.version
    begins = datetime.combine(version.effective_on, time(), BEIJING)
    query = select(PetitionClock, PetitionCase.registered_at)
    query = query.join(PetitionCase, PetitionCase.id == PetitionClock.petition_id).where(
        PetitionClock.met_on.is_(None), _inside(version.region_code), PetitionCase.registered_at >= begins
    )
    rules = {**profiles(), version.code: draft.profile}
    found = []
    for row, registered_at in (await db.execute(query.order_by(PetitionClock.id))).all():
        day = registered_at.astimezone(BEIJING).date()
        if _holds(row, day, rules, version.code) and draft.profile.duty(row.duty) is not None:
            calendar = calendar_of(row.region_code or "")
            told = (draft.profile, calendar, row.duty, row.start_on)
            found.append((row, count(*told, set_days=row.set_days)))
    return found


def _holds(row: PetitionClock, day: date, rules: Mapping[str, Profile], code: str) -> bool:
    untouched = not row.extension and not row.pauses
    return untouched and profile_for(row.region_code or "", day, rules).code == code


def _inside(region_code: str) -> ColumnElement[bool]:
    return PetitionClock.region_code.startswith(region_code)


async def _versions(db: AsyncSession, region_code: str) -> Sequence[DeadlineVersion]:
    query = select(DeadlineVersion).where(DeadlineVersion.region_code == region_code)
    return (await db.scalars(query.order_by(DeadlineVersion.version.desc()))).all()


def _ask(actor: Actor, action: Action, region_code: str) -> None:
    require(actor, action, Scope(region_codes=frozenset({region_code})))


def _moved() -> Conflict:
    return Conflict("rules_moved", "这个地区刚刚有了新的一版，请退回后重新提出。")
