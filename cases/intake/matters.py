"""Handing in a matter: the same steps for every channel, one number, one query code, one clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.clock import Clock
from cases.database import atomic, violates
from cases.errors import Conflict, Invalid
from cases.fields import clean, clean_text
from cases.intake.matter import PartyKind, PetitionIntake, PetitionParty, ReplyBy
from cases.intake.representation import check_representation
from cases.intake.routing import keepers, keeping_office
from cases.organisations import Organisation, get_organisation
from cases.people import PersonDetails, Post, make_person
from cases.petitions import RegisterPetition, add_petition, let_see
from cases.policy import ANONYMOUS, SYSTEM, Action, Actor, require
from cases.register.index import index_petition
from cases.roles import Role

# Channels by which a citizen writes himself; the others are entered by a clerk or come by an adapter.
WRITTEN_BY_CITIZENS = frozenset({Channel.WEB, Channel.LEADER_MAILBOX})


@dataclass(frozen=True, slots=True)
class Mandate:
    """A proxy, and the written mandate he shows (domain.md 1.2)."""

    person: PersonDetails
    words: str


@dataclass(frozen=True, slots=True)
class Matter:
    """Command: a matter as it is handed in. `office_id` is where to; the rule may move it up (routing.py).

    `headcount` counts everybody, `representatives` those beside the petitioner who speak.
    """

    channel: Channel
    office_id: str
    petitioner: PersonDetails
    subject: str
    description: str = ""
    class_: PetitionClass = PetitionClass.CLAIM
    accused_id: str | None = None
    headcount: int = 1
    representatives: tuple[PersonDetails, ...] = ()
    proxy: Mandate | None = None
    addressed_to: str | None = None
    reply_by: ReplyBy = ReplyBy.PHONE
    source: str | None = None
    external_id: str | None = None
    phone_required: bool = True
    received_on: date | None = None  # Where it was received before it is entered, such as by post.
    with_query_code: bool = True
    phone_confirmed_at: datetime | None = None


@atomic
async def submit_matter(
    db: AsyncSession, clock: Clock, matter: Matter, address: str | None = None
) -> tuple[PetitionCase, str]:
    """A citizen's own form or letter to a leader, without an account; commits.

    Returns the case and its query code, told once. Raises Invalid at the field.
    """
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    if matter.channel not in WRITTEN_BY_CITIZENS:
        raise Invalid("bad_channel", "请从网上信访或者领导信箱提交。", "channel")
    petition, code = await add_matter(db, clock, SYSTEM, matter)
    await add_audit(db, clock, ANONYMOUS, "petition.registered", "petition", petition.id, address=address)
    await db.commit()
    return petition, code


@atomic
async def register_matter(
    db: AsyncSession, clock: Clock, actor: Actor, matter: Matter
) -> tuple[PetitionCase, str]:
    """A clerk enters what was told or written to him; commits. Raises Invalid at the field, NotFound."""
    require(actor, Action.CREATE_PETITION)
    petition, code = await add_matter(db, clock, actor, matter)
    await add_audit(db, clock, actor, "petition.registered", "petition", petition.id)
    await db.commit()
    return petition, code


async def check_matter(db: AsyncSession, clock: Clock, matter: Matter) -> Organisation:
    """Refuse now what would be refused at the end, and write nothing; returns the office that will keep it.

    Raises Invalid at the field.
    """
    require(ANONYMOUS, Action.SUBMIT_PETITION)
    accused = await get_organisation(db, matter.accused_id) if matter.accused_id else None
    office = await keeping_office(db, await get_organisation(db, matter.office_id), accused)
    check_representation(office.region_code, matter.headcount, 1 + len(matter.representatives))
    _others(clock, matter)
    make_person(clock, matter.petitioner, phone_required=matter.phone_required)
    return office


async def add_matter(
    db: AsyncSession, clock: Clock, actor: Actor, matter: Matter
) -> tuple[PetitionCase, str]:
    """Enter a matter inside the caller's transaction; the policy is asked by `add_petition`."""
    if matter.source and matter.external_id and await find_by_source(db, matter.source, matter.external_id):
        raise Conflict("already_submitted", "这件事已经登记过了，没有重复登记。")
    accused = await get_organisation(db, matter.accused_id) if matter.accused_id else None
    office = await keeping_office(db, await get_organisation(db, matter.office_id), accused)
    check_representation(office.region_code, matter.headcount, 1 + len(matter.representatives))
    others = _others(clock, matter)
    petition, code = await add_petition(db, clock, actor, _registration(matter, office))
    db.add(
        PetitionIntake(
            petition_id=petition.id, headcount=matter.headcount, reply_by=matter.reply_by,
            addressed_to=clean(matter.addressed_to)[:120] if matter.addressed_to else None,
            source=matter.source, external_id=matter.external_id, came_at=clock.now(),
            phone_confirmed_at=matter.phone_confirmed_at,
        )
    )  # fmt: skip
    for position, party in enumerate(others):
        party.petition_id, party.position = petition.id, position
        db.add(party.person)
        await db.flush()
        db.add(party)
    if petition.confidential and office.id not in actor.organisation_ids:
        await _hand_to_keepers(db, clock, petition, office)
    try:
        await db.flush()
    except IntegrityError as error:
        if violates(error, "uq_petition_intakes_source_external_id", "petition_intakes.source"):
            raise Conflict("already_submitted", "这件事已经登记过了，没有重复登记。") from error
        raise
    return petition, code


async def find_intake(db: AsyncSession, petition_id: str) -> PetitionIntake | None:
    """How a case came in, where that was kept. The caller has asked the policy."""
    return await db.get(PetitionIntake, petition_id)


async def list_parties(db: AsyncSession, petition_id: str) -> Sequence[PetitionParty]:
    """Representatives of a case as they were named, then proxies. The caller has asked the policy."""
    query = select(PetitionParty).where(PetitionParty.petition_id == petition_id)
    order = PetitionParty.kind.desc(), PetitionParty.position, PetitionParty.id
    return (await db.scalars(query.order_by(*order))).all()


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A leader to whom citizens may write."""

    post_id: str
    organisation_id: str
    office: str
    title: str

    @property
    def words(self) -> str:
        """As the register keeps it."""
        return f"{self.office} {self.title}"


async def list_mailboxes(db: AsyncSession) -> Sequence[Mailbox]:
    """The leaders who hold a post now, higher tiers first; each office publishes them (Art. 18)."""
    require(ANONYMOUS, Action.VIEW_PUBLIC)
    query = select(Post).join(Organisation, Organisation.id == Post.organisation_id)
    query = query.where(Post.role == Role.LEADER, Post.ended_at.is_(None))
    found = (await db.scalars(query.order_by(Organisation.region_code, Post.started_at, Post.id))).unique()
    return [Mailbox(p.id, p.organisation_id, p.organisation.name, p.title or "负责人") for p in found]


async def find_by_source(db: AsyncSession, source: str, external_id: str) -> str | None:
    """The id of the case that came from this source under this name, if it came before."""
    query = select(PetitionIntake.petition_id)
    return await db.scalar(
        query.where(PetitionIntake.source == source, PetitionIntake.external_id == external_id)
    )


def _registration(matter: Matter, office: Organisation) -> RegisterPetition:
    return RegisterPetition(
        matter.channel, matter.subject, matter.description, matter.petitioner, office.id, matter.class_,
        accused_organisation_id=matter.accused_id, phone_required=matter.phone_required,
        received_on=matter.received_on, with_query_code=matter.with_query_code,
    )  # fmt: skip


def _others(clock: Clock, matter: Matter) -> list[PetitionParty]:
    """Raises Invalid at `representatives` or `proxy`, whichever of their fields was wrong."""
    found = []
    try:
        for each in matter.representatives:
            person = make_person(clock, each, phone_required=False)
            found.append(PetitionParty(kind=PartyKind.REPRESENTATIVE, person=person, person_id=person.id))
    except Invalid as error:
        raise Invalid(error.code, error.message, "representatives") from error
    if matter.proxy is None:
        return found
    words = clean_text(matter.proxy.words, "mandate", "委托说明", 200)
    try:
        person = make_person(clock, matter.proxy.person)
    except Invalid as error:
        raise Invalid(error.code, error.message, f"proxy_{error.field}") from error
    if not words:
        raise Invalid("required", "请写明授权委托书的情况，例如：2026-11-20 签署，由本人带来。", "mandate")
    found.append(PetitionParty(kind=PartyKind.PROXY, person=person, person_id=person.id, mandate=words))
    return found


async def _hand_to_keepers(
    db: AsyncSession, clock: Clock, petition: PetitionCase, office: Organisation
) -> None:
    for official in await keepers(db, office):
        await let_see(db, clock, petition.id, official.id)
    await index_petition(db, petition.id)  # By their leave alone it is found in the register.
