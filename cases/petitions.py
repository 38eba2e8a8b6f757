"""Petition cases: registration, custody, who is concerned, and the use cases on them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import CHANNEL_NAMES as CHANNEL_NAMES
from cases.casefile import CLASS_NAMES as CLASS_NAMES
from cases.casefile import PETITION_STATE_NAMES as PETITION_STATE_NAMES
from cases.casefile import Channel as Channel
from cases.casefile import Part as Part
from cases.casefile import PetitionCase as PetitionCase
from cases.casefile import PetitionClass as PetitionClass
from cases.casefile import PetitionCounter, PetitionGrant, PetitionOrganisation
from cases.casefile import PetitionEvent as PetitionEvent
from cases.casefile import PetitionState as PetitionState
from cases.casefile import scope_of as scope_of
from cases.clock import BEIJING, Clock
from cases.database import READS_ONLY, atomic, insert_if_absent, new_id
from cases.errors import Invalid, NotFound
from cases.fields import clean, clean_subject, clean_text
from cases.handling.clocks import start_clock, today
from cases.intake.webhook_queue import queue_webhooks
from cases.organisations import OrganisationKind, get_organisation
from cases.people import PersonDetails, get_official, make_person
from cases.policy import Action, Actor, Scope, require, visible_organisation_ids
from cases.register.index import index_petition

NUMBER_PREFIX = "LZ"
QUERY_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # Nothing that is mistaken for something else on paper.
QUERY_LENGTH = 10
NO_CODE = "00$00"  # Fits nothing that can be typed.
# Ten typed characters are only 49 bits, so guessing has to cost something: scrypt's N (RFC 7914, section 2).
CODE_COST = 2**12


@dataclass(frozen=True, slots=True)
class RegisterPetition:
    """Command: enter a matter. `custodian_id` is the petition office (or station) that keeps it."""

    channel: Channel
    subject: str
    description: str
    petitioner: PersonDetails
    custodian_id: str
    class_: PetitionClass = PetitionClass.CLAIM
    confidential: bool = False
    accused_organisation_id: str | None = None
    phone_required: bool = True
    received_on: date | None = None  # The day from which the time to forward runs; today where none is said.
    with_query_code: bool = True  # False where nobody is there to be told one (cases/intake/imports.py).


@atomic
async def register_petition(
    db: AsyncSession, clock: Clock, actor: Actor, command: RegisterPetition
) -> tuple[PetitionCase, str]:
    """Enter a case and commit. Returns it with the query code, which is told once and stored as a hash.

    Raises Invalid at the field; NotFound when the custodian is out of the actor's line.
    """
    petition, query_code = await add_petition(db, clock, actor, command)
    await add_audit(db, clock, actor, "petition.registered", "petition", petition.id)
    await db.commit()
    return petition, query_code


async def add_petition(
    db: AsyncSession, clock: Clock, actor: Actor, command: RegisterPetition
) -> tuple[PetitionCase, str]:
    """Enter a case inside the caller's transaction; a public booking does so as SYSTEM."""
    custodian = await get_organisation(db, command.custodian_id)
    line = Scope(region_codes=frozenset({custodian.region_code}), organisation_ids=frozenset({custodian.id}))
    require(actor, Action.CREATE_PETITION, line)
    if custodian.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_custodian", "请选择信访部门作为登记单位。", "custodian_id")
    if command.accused_organisation_id:
        await get_organisation(db, command.accused_organisation_id)
    petitioner = make_person(clock, command.petitioner, phone_required=command.phone_required)
    query_code = _fresh_query_code()
    petition = PetitionCase(
        id=new_id(), number=await _next_number(db, clock), channel=command.channel,
        subject=clean_subject(command.subject), description=clean_text(command.description),
        class_=command.class_, state=PetitionState.REGISTERED, petitioner_id=petitioner.id,
        custodian_id=custodian.id, accused_organisation_id=command.accused_organisation_id or None,
        confidential=command.confidential or command.class_ is PetitionClass.ACCUSATION,
        query_code_hash=_kept(query_code) if command.with_query_code else NO_CODE, event_count=0,
        registered_at=clock.now(),
    )  # fmt: skip
    db.add(petitioner)
    await db.flush()
    db.add(petition)
    await db.flush()
    await _note_parts(db, clock, actor, petition)
    await db.refresh(petition)
    received_on = command.received_on or today(clock)
    await start_clock(db, clock, petition, "register_route", received_on, custodian.id)
    await add_petition_event(
        db, clock, actor, petition.id, "petition.registered", {"channel": petition.channel}
    )
    await db.refresh(petition)
    return petition, query_code


async def get_petition(db: AsyncSession, actor: Actor, petition_id: str) -> PetitionCase:
    """Return the case with petitioner, custodian and organisations. Raises NotFound, also for the unseen."""
    petition = await load_petition(db, petition_id)
    require(actor, Action.SEE_PETITION, scope_of(petition))
    return petition


async def load_petition(db: AsyncSession, petition_id: str) -> PetitionCase:
    """Return the case without asking the policy; the caller asks on its next line. Raises NotFound."""
    # Who is going to change it decides by what it is now; the parts of one page may share it.
    fresh = not db.info.get(READS_ONLY)
    petition = await db.get(PetitionCase, petition_id, populate_existing=fresh)
    if petition is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    return petition


async def find_by_query_code(db: AsyncSession, number: str, query_code: str) -> PetitionCase | None:
    """Return the case for a citizen who has its number and query code, else None, in about the same time."""
    petition = await db.scalar(select(PetitionCase).where(PetitionCase.number == clean(number).upper()))
    stored = petition.query_code_hash if petition else NO_CODE
    typed = clean(query_code).lower().replace(" ", "").replace("-", "")
    fits = secrets.compare_digest(_hash_query_code(typed, stored.partition("$")[0]), stored)
    return petition if fits else None


async def renew_query_code(db: AsyncSession, petition_id: str) -> str:
    """Give a case a new query code inside the caller's transaction; an earlier one stops working."""
    code = _fresh_query_code()
    same = update(PetitionCase).where(PetitionCase.id == petition_id)
    await db.execute(same.values(query_code_hash=_kept(code)))
    return code


@atomic
async def issue_query_code(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str
) -> tuple[PetitionCase, str]:
    """For a petitioner who stands at the window and has no code, or lost it; commits.

    Raises NotFound, Forbidden. Returns the case and the code, told once.
    """
    petition = await load_petition(db, petition_id)
    require(actor, Action.ISSUE_QUERY_CODE, scope_of(petition))
    code = await renew_query_code(db, petition_id)
    await add_petition_event(db, clock, actor, petition_id, "petition.query_code_issued")
    await add_audit(db, clock, actor, "petition.query_code_issued", "petition", petition_id)
    await db.commit()
    return petition, code


async def list_petition_events(db: AsyncSession, actor: Actor, petition_id: str) -> Sequence[PetitionEvent]:
    """Return the history of a case, oldest first."""
    await get_petition(db, actor, petition_id)
    query = select(PetitionEvent).where(PetitionEvent.petition_id == petition_id)
    return (await db.scalars(query.order_by(PetitionEvent.sequence))).all()


async def grant_petition(
    db: AsyncSession, clock: Clock, actor: Actor, petition_id: str, official_id: str
) -> None:
    """Let one more official see the case. Doing it twice is the same as once."""
    petition = await load_petition(db, petition_id)
    require(actor, Action.GRANT_PETITION, scope_of(petition))
    official = await get_official(db, official_id)
    await let_see(db, clock, petition_id, official_id)
    await add_petition_event(db, clock, actor, petition_id, "grant.given", {"official": official.name})
    await add_audit(db, clock, actor, "petition.granted", "petition", petition_id, detail={"to": official_id})
    await db.commit()


async def add_petition_organisation(
    db: AsyncSession, petition_id: str, organisation_id: str, part: Part
) -> None:
    """Note inside the caller's transaction that an organisation takes part; repeated notes change nothing."""
    await _note_part(db, petition_id, organisation_id, part)
    await index_petition(db, petition_id)


async def add_petition_event(
    db: AsyncSession,
    clock: Clock,
    actor: Actor,
    petition_id: str,
    kind: str,
    data: dict[str, Any] | None = None,
) -> PetitionEvent:
    """Append to the history inside the caller's transaction; appenders to one case take turns."""
    advance = update(PetitionCase).where(PetitionCase.id == petition_id)
    advance = advance.values(event_count=PetitionCase.event_count + 1)
    sequence = await db.scalar(advance.returning(PetitionCase.event_count))
    if sequence is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    event = PetitionEvent(
        id=new_id(), petition_id=petition_id, sequence=sequence, at=clock.now(), kind=kind,
        actor_name=actor.name, official_id=actor.official_id, data=data or {},
    )  # fmt: skip
    db.add(event)
    await db.flush()
    await index_petition(db, petition_id)  # What happened may have changed by what the case is found.
    await queue_webhooks(db, clock, event)
    return event


async def _note_parts(db: AsyncSession, clock: Clock, actor: Actor, petition: PetitionCase) -> None:
    await _note_part(db, petition.id, petition.custodian_id, Part.CUSTODIAN)
    for organisation_id in visible_organisation_ids(actor, Action.CREATE_PETITION):
        if organisation_id != petition.custodian_id:
            await _note_part(db, petition.id, organisation_id, Part.REGISTRAR)
    if petition.confidential:  # Or nobody could see what was just entered.
        await give_petition(db, clock, actor, petition.id)


async def _note_part(db: AsyncSession, petition_id: str, organisation_id: str, part: Part) -> None:
    await insert_if_absent(
        db, PetitionOrganisation, petition_id=petition_id, organisation_id=organisation_id, part=part
    )


async def give_petition(db: AsyncSession, clock: Clock, actor: Actor, petition_id: str) -> None:
    """Leave for the actor himself, inside the caller's transaction; the program needs none."""
    if actor.official_id:
        await let_see(db, clock, petition_id, actor.official_id)


async def let_see(db: AsyncSession, clock: Clock, petition_id: str, official_id: str) -> None:
    """Leave for one official, inside the caller's transaction; the caller has asked the policy."""
    await insert_if_absent(
        db, PetitionGrant, petition_id=petition_id, official_id=official_id, granted_at=clock.now()
    )


async def _next_number(db: AsyncSession, clock: Clock) -> str:
    year = clock.now().astimezone(BEIJING).year
    await insert_if_absent(db, PetitionCounter, year=year, last=0)
    advance = update(PetitionCounter).where(PetitionCounter.year == year)
    advance = advance.values(last=PetitionCounter.last + 1)
    last = await db.scalar(advance.returning(PetitionCounter.last))
    return f"{NUMBER_PREFIX}{year}-{last:06d}"


def _fresh_query_code() -> str:
    return "".join(secrets.choice(QUERY_ALPHABET) for _ in range(QUERY_LENGTH))


def _kept(code: str) -> str:
    return _hash_query_code(code, secrets.token_hex(16))


def _hash_query_code(code: str, salt: str) -> str:
    """Return `salt$hex`."""
    digest = hashlib.scrypt(code.encode(), salt=bytes.fromhex(salt), n=CODE_COST, r=8, p=1, dklen=32)
    return f"{salt}${digest.hex()}"
