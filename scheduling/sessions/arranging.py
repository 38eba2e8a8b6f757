"""Arranging a sitting from a case or from a booking: one door for both, and everything in one commit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase, scope_of
from cases.clock import Clock
from cases.errors import Conflict, Invalid
from cases.people import Official
from cases.petitions import load_petition
from cases.policy import Action, Actor, require
from cases.roles import InvitationRole
from scheduling.booking.booking import PENDING, Booking, BookingKind, BookingState
from scheduling.booking.bookings import get_booking
from scheduling.booking.equipment import Equipment
from scheduling.booking.joint_answers import declined_by
from scheduling.booking.slot import ReceptionRoom
from scheduling.notices.telling import Telling
from scheduling.session import Session, SessionKind
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import CreateSession, create_session


@dataclass(frozen=True, slots=True)
class Arrange:
    """Command: either `slot_id`, or `starts_at` and `ends_at` (aware). Everything else may stay empty.

    `booking_id`: the booking that it answers. `asked`: who asked, where there is none. Offices take part by
    being named or by their officials, rooms and equipment. `guests`: who comes beside the petitioner.
    """

    petition_id: str
    host_id: str
    booking_id: str | None = None
    slot_id: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    official_ids: tuple[str, ...] = ()
    joint_ids: tuple[str, ...] = ()
    room_ids: tuple[str, ...] = ()
    equipment_ids: tuple[str, ...] = ()
    guests: tuple[Invitee, ...] = ()
    kind: SessionKind = SessionKind.RECEPTION
    asked: BookingKind = BookingKind.STATION_ASSISTED


async def arrange(
    db: AsyncSession, clock: Clock, actor: Actor, command: Arrange, telling: Telling | None = None
) -> Session:
    """Arrange it and commit: session, people, rooms, equipment, what becomes of the booking, and with
    `telling` the notices to its citizens; or nothing.

    Raises as `create_session`; Conflict `booking_decided`, Invalid `joint_declined` at `joint`.
    """
    petition = await load_petition(db, command.petition_id)
    require(actor, Action.BOOK, scope_of(petition))
    booking = await _booking(db, actor, command)
    slot_id = _slot_of(booking, command)
    people = await _people(db, command)
    joint = {each.organisation_id for each in people if each.organisation_id} | set(command.joint_ids)
    joint |= await _owners(db, command)
    joint.discard(command.host_id)
    if booking is not None and joint & await declined_by(db, booking.id):
        message = "有单位答复不参加这场接访，请在预约里看原因，换时间或不请它。"
        raise Invalid("joint_declined", message, "joint")
    pending = booking is not None and booking.state in PENDING
    return await create_session(
        db, clock, actor,
        CreateSession(
            petition.id, command.host_id, slot_id=slot_id,
            starts_at=None if slot_id else command.starts_at, ends_at=None if slot_id else command.ends_at,
            joint_organisation_ids=tuple(sorted(joint)),
            invitees=(*people, *_citizens(petition, booking, command.guests)),
            kind=command.kind, asked=command.asked, room_ids=command.room_ids,
            equipment_ids=command.equipment_ids,
            instead_of_id=booking.id if booking and pending and slot_id != booking.slot_id else None,
        ),
        telling,
    )  # fmt: skip


async def _booking(db: AsyncSession, actor: Actor, command: Arrange) -> Booking | None:
    """The booking that is answered: nobody decided it yet, or it was passed on to the host."""
    if command.booking_id is None:
        return None
    booking = await get_booking(db, actor, command.booking_id)
    passed_on = booking.state is BookingState.REDIRECTED and booking.redirected_to_id == command.host_id
    if booking.petition_id != command.petition_id or not (booking.state in PENDING or passed_on):
        raise Conflict("booking_decided", "这个预约已经处理过了，请刷新后再看。", "span")
    return booking


def _slot_of(booking: Booking | None, command: Arrange) -> str | None:
    """A free time that is the booked one is the slot itself."""
    if command.slot_id is not None or booking is None or booking.state not in PENDING:
        return command.slot_id
    same = (booking.slot.starts_at, booking.slot.ends_at) == (command.starts_at, command.ends_at)
    return booking.slot_id if same and booking.slot.organisation_id == command.host_id else None


async def _people(db: AsyncSession, command: Arrange) -> list[Invitee]:
    """One of the host's people conducts, others of the office write, those of other offices sit beside."""
    officials = await db.scalars(select(Official).where(Official.id.in_(command.official_ids)))
    known = {each.id: each for each in officials}
    found: list[Invitee] = []
    conducted = False
    for official_id in command.official_ids:
        office = _office_of(known.get(official_id), command.host_id)
        role = InvitationRole.JOINT_RECEPTIONIST
        if office == command.host_id:
            role = InvitationRole.RECORDER if conducted else InvitationRole.HOST
            conducted = True
        found.append(Invitee(role, official_id=official_id, organisation_id=office))
    return found


def _office_of(official: Official | None, host_id: str) -> str:
    held = [post.organisation_id for post in official.posts if post.ended_at is None] if official else []
    if not held:
        raise Invalid("bad_choice", "请重新选择接访的人。", "officials")
    return host_id if host_id in held else held[0]


async def _owners(db: AsyncSession, command: Arrange) -> set[str]:
    rooms = await _owners_of(db, ReceptionRoom, command.room_ids)
    return rooms | await _owners_of(db, Equipment, command.equipment_ids)


async def _owners_of(
    db: AsyncSession, model: type[ReceptionRoom] | type[Equipment], ids: Collection[str]
) -> set[str]:
    return set(await db.scalars(select(model.organisation_id).where(model.id.in_(ids))))


def _citizens(
    petition: PetitionCase, booking: Booking | None, guests: Sequence[Invitee]
) -> tuple[Invitee, ...]:
    person = petition.petitioner
    found = [Invitee(InvitationRole.PETITIONER, person.name, person.phone or "")]
    if booking is not None and booking.proxy is not None:
        found.append(Invitee(InvitationRole.PROXY, booking.proxy.name, booking.proxy.phone or ""))
    return (*found, *guests)
