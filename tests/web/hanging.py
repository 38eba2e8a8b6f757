"""A matter with everything that hangs on it, for the question who may know of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import CampaignMatter, Rank
from cases.casefile import PetitionCase, scope_of
from cases.deadlines.reminders import Audience
from cases.handling.clocks import today
from cases.policy import SYSTEM, Scope
from cases.supervision.measures import MeasureKind, SupervisionMeasure
from cases.supervision.notices import DutyNotice
from cases.supervision.order import OrderState, Reason, SupervisionOrder
from recordings.alarms import Alarm, AlarmKind, Trouble, raise_alarm
from recordings.recording import start_recording, stop_recording
from scheduling.booking.booking import Booking, BookingKind, BookingState
from scheduling.booking.slot import Slot
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, list_incidents, raise_incident
from scheduling.materials.material import MaterialKind
from scheduling.materials.rendering import Rendered
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Draft, keep_material
from scheduling.minutes.record import begin_minutes
from scheduling.reach import load_session, scope_of_session
from scheduling.sessions.invitations import list_invitations
from tests.disk import AMPLE
from tests.factories import make_petition, make_session
from tests.web.conftest import House
from tests.web.test_routes import Objects, make_objects
from web.routes import Route

# Opening one of these asks more than its route's own action: whether the case is seen, whose campaign it is.
NARROWER = ("{booking_id}", "{matter_id}", "{measure_id}")
OF_PETITION = ("{petition_id}", "{order_id}", *NARROWER)


@dataclass
class Case:
    """One matter with everything that can be asked of it, and what the policy knows of it."""

    objects: Objects
    petition: Scope
    session: Scope
    words: tuple[str, ...]

    def scope(self, route: Route) -> Scope:
        return self.petition if any(name in route.path for name in OF_PETITION) else self.session


async def make_case(house: House, base: Objects, subject: str, **more: object) -> Case:
    """A matter that accuses 城关区, kept by the city, with a session the province joins."""
    clock, world = house.clock, house.world
    async with house.database.session() as db:
        accused = {"accused_organisation_id": world.chengguan.id}
        petition = await make_petition(db, clock, world.city, subject, **accused, **more)
        together = {"host_organisation_id": world.city.id, "joint_organisation_ids": (world.province.id,)}
        session = await make_session(db, clock, world, petition, **together)
        await begin_minutes(db, clock, SYSTEM, session.id)
        invitation = (await list_invitations(db, session.id))[0]
        recording = await start_recording(
            db, clock, SYSTEM, session.id, house.settings.recordings_root, AMPLE
        )
        await stop_recording(db, clock, SYSTEM, recording.id, "session_closed")
        finding = ({"text": f"{session.title}：缺少一个分段。"},)
        trouble = Trouble(AlarmKind.FILES_MISSING, subject, finding, 1, session.id, recording.id)
        await raise_alarm(db, clock, trouble)
        draft = Draft(SYSTEM, session.id, "x.jpg", b"x", "0" * 64)
        store = MaterialStore.at(house.settings.state)
        material = await keep_material(db, clock, store, draft, Rendered(MaterialKind.JPEG, [b"page"]))
        order = SupervisionOrder(
            number=f"DB-{subject[:2]}", petition_id=petition.id, unit_id=world.city.id,
            issuer_id=world.province.id, reason=Reason.OVERDUE, words=subject, state=OrderState.ISSUED,
            due_on=today(clock), at=clock.now(), by_id=None, by="某人",
        )  # fmt: skip
        db.add(order)
        await db.flush()
        booking, matter, measure = await _hang(db, house, base, petition.id, order.id)
        await db.commit()
        await raise_incident(db, clock, Occurrence(session.id, Cause.DISCONNECTED, "seat", "李德福"))
        (task,) = await list_incidents(db, session.id)
        alarm_id = await db.scalar(select(Alarm.id).where(Alarm.session_id == session.id))
        assert alarm_id is not None
        objects = replace(
            base, petition_id=petition.id, session_id=session.id, invitation_id=invitation.id,
            recording_id=recording.id, code=invitation.code, alarm_id=alarm_id, material_id=material.id,
            incident_id=task.incident.id, order_id=order.id, booking_id=booking.id, matter_id=matter.id,
            measure_id=measure.id,
        )  # fmt: skip
        return await _case(db, objects, (subject, petition.number))


async def _hang(
    db: AsyncSession, house: House, base: Objects, petition_id: str, order_id: str
) -> tuple[Booking, CampaignMatter, SupervisionMeasure]:
    """In places of the accused: on their reception day, in their campaign, among their notices."""
    clock, world, day = house.clock, house.world, today(house.clock)
    used = select(Booking.slot_id)
    slots = select(Slot.id).where(Slot.reception_day_id == base.day_id, Slot.id.not_in(used))
    slot_id = await db.scalar(slots.order_by(Slot.starts_at).limit(1))
    assert slot_id is not None
    booking = Booking(
        slot_id=slot_id, petition_id=petition_id, kind=BookingKind.SELF_ONLINE, state=BookingState.SUBMITTED,
        created_at=clock.now(),
    )  # fmt: skip
    matter = CampaignMatter(
        campaign_id=base.campaign_id, petition_id=petition_id, rank=Rank.COUNTY, leader="某人",
        plan="每周听汇报。", due_on=day, entered_on=day, organisation_id=world.chengguan.id,
    )  # fmt: skip
    measure = SupervisionMeasure(
        petition_id=petition_id, kind=MeasureKind.LISTED, issuer_id=world.city.id, unit_id=world.housing.id,
        due_on=day, words="挂牌。", at=clock.now(), by="某人",
    )  # fmt: skip
    notice = DutyNotice(
        petition_id=petition_id, order_id=order_id, reminder="late", audience=Audience.HANDLER,
        organisation_id=world.housing.id, due_on=day, at=clock.now(),
    )  # fmt: skip
    db.add_all([booking, matter, measure, notice])
    await db.flush()
    return booking, matter, measure


async def _case(db: AsyncSession, objects: Objects, words: tuple[str, ...]) -> Case:
    session = await load_session(db, objects.session_id)
    scope = await scope_of_session(db, session)
    assert session.petition is not None
    return Case(objects, scope_of(session.petition), scope, words)


async def ordinary(house: House) -> Case:
    objects = await make_objects(house)
    async with house.database.session() as db:
        petition = await db.get_one(PetitionCase, objects.petition_id)
        return await _case(db, objects, (petition.subject, petition.number))
