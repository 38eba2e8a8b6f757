"""Mediating: receiving a matter, sittings, what becomes of it, and its history.

Nothing is arranged before every party has consented (cases/mediation/consenting.py). What stays unsettled
is registered as a petition case by the ordinary registration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Channel, PetitionCase
from cases.clock import BEIJING, Clock, chinese_date
from cases.database import atomic, insert_if_absent, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean, clean_name, clean_phone, clean_subject, clean_text
from cases.mediation.matter import (
    IN_WORDS,
    MOST_PARTIES,
    NOTES,
    NUMBER_PREFIX,
    SITTING,
    TRANSITIONS,
    WORDS_LIMIT,
    Mediation,
    MediationCounter,
    MediationEvent,
    MediationParty,
    MediationSitting,
    MediationState,
    MediationStep,
    Side,
    scope_of_mediation,
)
from cases.mediation.place import CommunityPlace, scope_of_keeper
from cases.mediation.third_party import ThirdParty, ThirdPartyKind, load_third_party, refuse_conflict
from cases.organisations import OrganisationKind, get_organisation
from cases.people import PersonDetails
from cases.petitions import RegisterPetition, add_petition, add_petition_event, get_petition
from cases.policy import Action, Actor, require

T = MediationStep
# Refuses a mediator (id of the third party) who is engaged at that time, and makes rivals take turns.
RefuseEngaged = Callable[[AsyncSession, str, datetime, datetime], Awaitable[None]]
# Puts a mediator (id of the third party) into everything arranged so far, in place of who mediated.
TakeOver = Callable[[AsyncSession, Clock, Actor, Mediation, str], Awaitable[None]]
LONGEST = timedelta(hours=4)
CHANNELS = (Channel.VISIT, Channel.PHONE, Channel.LETTER, Channel.WEB, Channel.VIDEO)


@dataclass(frozen=True, slots=True)
class NewParty:
    """A party as typed."""

    side: Side
    name: str
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class NewMediation:
    """Command: a matter is brought to mediation, of itself or in the course of a petition case."""

    organisation_id: str
    subject: str
    facts: str
    parties: Sequence[NewParty]
    mediator_id: str = ""
    petition_id: str = ""


@atomic
async def open_mediation(db: AsyncSession, clock: Clock, actor: Actor, command: NewMediation) -> Mediation:
    """Receive it and commit. Raises NotFound, Forbidden, Invalid at the field, Conflict of interest."""
    require(actor, Action.CONDUCT_MEDIATION, scope_of_keeper(command.organisation_id))
    organisation = await get_organisation(db, command.organisation_id)
    if organisation.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_keeper", "请选择信访部门或者接访点。", "organisation")
    if command.petition_id:
        await get_petition(db, actor, command.petition_id)
    subject = clean_subject(command.subject)
    facts = clean_text(command.facts, "facts", "纠纷情况", WORDS_LIMIT)
    parties = _parties(command.parties)
    mediation = Mediation(
        id=new_id(), number=await _next_number(db, clock), organisation_id=organisation.id,
        petition_id=command.petition_id or None, subject=subject, facts=facts, state=MediationState.RECEIVED,
        step_count=0, at=clock.now(), by_id=actor.official_id, by=actor.name, parties=parties,
    )  # fmt: skip
    db.add(mediation)
    await db.flush()
    if command.mediator_id:
        one = await _fitting_mediator(db, clock, mediation, command.mediator_id)
        await _seat_mediator(db, mediation, one)
    await _add_event(db, clock, actor, mediation, None, MediationState.RECEIVED, subject)
    await _note(db, clock, actor, mediation, "mediation.received")
    await db.commit()
    return await load_mediation(db, mediation.id)


@atomic
async def choose_mediator(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, third_party_id: str, take_over: TakeOver
) -> Mediation:
    """Say who mediates, also in the sittings arranged so far, and commit; the same one again is nothing.

    Raises NotFound, Conflict `conflict_of_interest`, `bad_transition`, `mediation_moved`, `engaged`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    if mediation.state not in SITTING | {MediationState.RECEIVED}:
        raise TRANSITIONS.conflict()
    if third_party_id != mediation.mediator_id:
        one = await _fitting_mediator(db, clock, mediation, third_party_id)
        await take_over(db, clock, actor, mediation, one.id)
        # Last, for it tells whoever arranged a sitting with another mediator meanwhile.
        await _add_event(db, clock, actor, mediation, T.MEDIATOR, mediation.state, one.name)
        await _seat_mediator(db, mediation, one)
        await add_audit(db, clock, actor, "mediation.mediator", "mediation", mediation.id)
    await db.commit()
    return await load_mediation(db, mediation_id)


@atomic
async def arrange_sitting(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, place_id: str, starts_at: datetime,
    ends_at: datetime, refuse_engaged: RefuseEngaged,
) -> MediationSitting:  # fmt: skip
    """Arrange a sitting at a place while it is open, and commit.

    Raises NotFound, Forbidden, Invalid at the field, Conflict `no_consent`, `no_mediator`,
    `conflict_of_interest`, `place_taken`, `engaged`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    mediator = await require_ready(db, clock, mediation)
    place = await db.get(CommunityPlace, place_id)
    if place is None or place.retired_at is not None or place.organisation_id != mediation.organisation_id:
        raise Invalid("choose", "请选择一项。", "place_id")
    if not starts_at < ends_at <= starts_at + LONGEST or starts_at < clock.now() - timedelta(minutes=30):
        raise Invalid("bad_time", "请选择以后的时间，一场最长 4 小时。", "day")
    if not place.is_open(starts_at, ends_at):
        raise Invalid("place_closed", f"{place.name}那个时间不开放。", "time")
    # Touching the row makes two who want the same place take turns.
    same = update(CommunityPlace).where(CommunityPlace.id == place.id).values(name=CommunityPlace.name)
    await db.execute(same, execution_options={"synchronize_session": False})
    overlap = select(MediationSitting.id).where(
        MediationSitting.place_id == place.id,
        MediationSitting.starts_at < ends_at,
        MediationSitting.ends_at > starts_at,
    )
    if await db.scalar(overlap.limit(1)) is not None:
        raise Conflict("place_taken", "这个场所那个时间已经有调解。", "time")
    await refuse_engaged(db, mediator.id, starts_at, ends_at)
    row = await add_sitting(db, clock, actor, mediation, starts_at, ends_at, place_id=place.id)
    await db.commit()
    return row


@atomic
async def take_mediation_step(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, step: str, words: str
) -> Mediation:
    """Follow, confirm by the court, perform, breach or end, each in words; commits.

    Raises NotFound, Forbidden, Invalid, Conflict `bad_transition`, `mediation_moved`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    if step not in IN_WORDS:
        raise TRANSITIONS.conflict()
    told = clean_text(words, "words", "情况", WORDS_LIMIT)
    if not told:
        raise Invalid("required", "请写明情况。", "words")
    await apply_step(db, clock, actor, mediation, MediationStep(step), told)
    await db.commit()
    return await load_mediation(db, mediation_id)


@atomic
async def turn_into_petition(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, channel: str
) -> tuple[PetitionCase, str]:
    """What stays unsettled is registered in the applicant's name, and commit; or goes on in its own case.

    Returns the case and its query code, which is told once ("" for a case there was). `channel`: how the
    applicant brought it. Raises NotFound, Forbidden, Invalid, Conflict `bad_transition`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    TRANSITIONS.after(mediation.state, T.TURN)
    code = ""
    if mediation.petition_id is not None:
        petition = await get_petition(db, actor, mediation.petition_id)
    else:
        if channel not in CHANNELS:
            raise Invalid("choose", "请选择一项。", "channel")
        petition, code = await add_petition(db, clock, actor, _registration(mediation, Channel(channel)))
        own = update(Mediation).where(Mediation.id == mediation.id).values(petition_id=petition.id)
        await db.execute(own)
        await add_audit(db, clock, actor, "petition.registered", "petition", petition.id)
    await apply_step(db, clock, actor, mediation, T.TURN, petition.number)
    await add_petition_event(db, clock, actor, petition.id, "mediation.turned", {"number": mediation.number})
    await db.commit()
    return petition, code


async def apply_step(
    db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, step: MediationStep, words: str
) -> None:
    """Take a step of the table inside the caller's transaction. Raises Conflict where it has none."""
    state = TRANSITIONS.after(mediation.state, step)
    await _add_event(db, clock, actor, mediation, step, state, words)
    await _note(db, clock, actor, mediation, f"mediation.{step}")


async def add_sitting(
    db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, starts_at: datetime,
    ends_at: datetime, place_id: str | None = None, session_id: str | None = None,
) -> MediationSitting:  # fmt: skip
    """Note a sitting inside the caller's transaction."""
    row = MediationSitting(
        id=new_id(), mediation_id=mediation.id, place_id=place_id, session_id=session_id,
        starts_at=starts_at, ends_at=ends_at,
    )  # fmt: skip
    db.add(row)
    begin = starts_at.astimezone(BEIJING)
    await apply_step(db, clock, actor, mediation, T.SIT, f"{chinese_date(begin)} {begin:%H:%M}")
    return row


async def note_step(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, step: MediationStep, words: str
) -> None:
    """Note something of NOTES inside the caller's transaction; whatever the state, it stays.

    Never in the way of a room: whoever takes a step at the same moment is told so, not this.
    """
    assert step in NOTES
    count = update(Mediation).where(Mediation.id == mediation_id).values(step_count=Mediation.step_count + 1)
    row = (await db.execute(count.returning(Mediation.step_count, Mediation.state))).one()
    number, state = row
    db.add(
        MediationEvent(
            id=new_id(),
            mediation_id=mediation_id,
            number=number,
            step=step,
            state=state,
            words=words,
            at=clock.now(),
            by_id=actor.official_id,
            by=actor.name,
        )  # fmt: skip
    )
    await db.flush()


async def require_ready(db: AsyncSession, clock: Clock, mediation: Mediation) -> ThirdParty:
    """Return who mediates if there may be a sitting.

    Raises Conflict `no_consent`, `no_mediator`, `conflict_of_interest`.
    """
    if mediation.state not in SITTING:
        raise Conflict("no_consent", "各方都同意以后才能安排调解。")
    if mediation.mediator is None:
        raise Conflict("no_mediator", "请先选择调解员。")
    await refuse_conflict(db, clock, mediation.mediator, [each.name for each in mediation.parties])
    return mediation.mediator


async def load_mediation(db: AsyncSession, mediation_id: str) -> Mediation:
    """Return it without asking the policy; the caller asks on its next line. Raises NotFound."""
    query = select(Mediation).where(Mediation.id == mediation_id)
    mediation = await db.scalar(query.execution_options(populate_existing=True))
    if mediation is None:
        raise NotFound("mediation_not_found", "没有找到这个调解事项。")
    return mediation


async def _fitting_mediator(
    db: AsyncSession, clock: Clock, mediation: Mediation, third_party_id: str
) -> ThirdParty:
    one = await load_third_party(db, third_party_id)
    if one.organisation_id != mediation.organisation_id or one.kind is not ThirdPartyKind.MEDIATOR:
        raise Invalid("choose", "请选择一项。", "mediator_id")
    await refuse_conflict(db, clock, one, [each.name for each in mediation.parties])
    return one


async def _seat_mediator(db: AsyncSession, mediation: Mediation, one: ThirdParty) -> None:
    chosen = update(Mediation).where(Mediation.id == mediation.id).values(mediator_id=one.id)
    await db.execute(chosen)


def _parties(typed: Sequence[NewParty]) -> list[MediationParty]:
    if not {each.side for each in typed} >= set(Side):
        raise Invalid("both_sides", "请填写双方当事人。", "parties")
    if len(typed) > MOST_PARTIES:
        raise Invalid("too_many", f"当事人最多 {MOST_PARTIES} 人。", "parties")
    return [
        MediationParty(
            id=new_id(),
            number=number,
            side=each.side,
            name=clean_name(each.name, f"{each.side}_name"),
            phone=clean_phone(each.phone, f"{each.side}_phone") if clean(each.phone) else None,
            address=clean_text(clean(each.address), f"{each.side}_address", "住址", 200),
        )  # fmt: skip
        for number, each in enumerate(typed, 1)
    ]


def _registration(mediation: Mediation, channel: Channel) -> RegisterPetition:
    applicant = next(each for each in mediation.parties if each.side is Side.APPLICANT)
    person = PersonDetails(applicant.name, applicant.phone or "", address=applicant.address)
    return RegisterPetition(
        channel, mediation.subject, mediation.facts, person, mediation.organisation_id, phone_required=False
    )


async def _add_event(
    db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, step: MediationStep | None,
    state: MediationState, words: str,
) -> None:  # fmt: skip
    """Writers take turns: whoever saw an older count is told so."""
    seen = Mediation.id == mediation.id, Mediation.step_count == mediation.step_count
    move = update(Mediation).where(*seen).values(step_count=Mediation.step_count + 1, state=state)
    number = await db.scalar(move.returning(Mediation.step_count))
    if number is None:
        raise Conflict("mediation_moved", "别人刚刚办理了这个调解事项，请刷新页面再看。")
    db.add(
        MediationEvent(
            id=new_id(),
            mediation_id=mediation.id,
            number=number,
            step=step,
            state=state,
            words=words,
            at=clock.now(),
            by_id=actor.official_id,
            by=actor.name,
        )  # fmt: skip
    )
    await db.flush()


async def _note(db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, kind: str) -> None:
    await add_audit(db, clock, actor, kind, "mediation", mediation.id, detail={"number": mediation.number})


async def _next_number(db: AsyncSession, clock: Clock) -> str:
    year = clock.now().astimezone(BEIJING).year
    await insert_if_absent(db, MediationCounter, year=year, last=0)
    advance = update(MediationCounter).where(MediationCounter.year == year)
    advance = advance.values(last=MediationCounter.last + 1)
    return f"{NUMBER_PREFIX}{year}-{await db.scalar(advance.returning(MediationCounter.last)):06d}"
