"""What lies on the desks around a large register: bookings, notices, ratings, orders, campaigns, messages,
requests, recordings and the log of who did what.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.campaigns.campaign import Campaign, CampaignKind, CampaignMatter, MatterState, Rank
from cases.casefile import Channel, PetitionCase
from cases.database import Database
from cases.intake.thread import MessageThread, ThreadState
from cases.petition_rating import PetitionRating, Rated
from cases.roles import InvitationRole
from cases.supervision.measures import MeasureKind, SupervisionMeasure
from cases.supervision.order import OrderState, Reason, SupervisionOrder
from cases.task import PetitionTask
from recordings.alarms import Alarm, AlarmKind
from recordings.recording import Recording, RecordingState
from scheduling.afterwards.ratings import Question, Rating
from scheduling.booking.booking import Booking, BookingKind, BookingState
from scheduling.booking.slot import Slot
from scheduling.invitation import Invitation
from scheduling.notices.notice import Notice, NoticeAddress, NoticeChannel, NoticeEvent, NoticeState
from scheduling.requests.citizen_requests import Asked, CitizenRequest, RequestState
from scheduling.session import Session
from tests.cases.register.rows import Rows
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_slots

DESKFUL = 24
# Every which case has one; sessions are of every fifth. Every fiftieth case is confidential, so that a
# multiple of fifty would be an order which hardly anybody sees.
ORDER, LISTED, LED, WRITTEN, ASKED = 101, 1001, 201, 25, 20
NOTICES = ("invited", "reminder", "moved")


async def add_samples(
    db: AsyncSession, clock: FixedClock, world: World, petition: PetitionCase, session: Session
) -> None:
    """One row of each table that `fill_desks` writes more of."""
    office, now = world.chengguan, clock.now()
    guest = await find_invitation(db, session, InvitationRole.PETITIONER)
    (slot,) = await make_slots(db, clock, office, 1)
    notice = Notice(
        channel=NoticeChannel.SMS, template="invited", template_version="2026-07", text="请按时参加",
        session_id=session.id, petition_id=petition.id, organisation_id=office.id, queued_at=now,
    )  # fmt: skip
    campaign = Campaign(
        organisation_id=office.id, kind=CampaignKind.LEADERS, name="十百千", begins_on=now.date(),
        ends_on=now.date() + timedelta(days=365), created_at=now,
    )  # fmt: skip
    db.add_all((notice, campaign))
    await db.flush()
    rating = {"session_id": session.id, "organisation_id": office.id, "words": "", "at": now}
    db.add_all(
        (
            NoticeEvent(notice_id=notice.id, sequence=1, state=NoticeState.SENT, at=now),
            NoticeAddress(notice_id=notice.id, recipient="13800000000"),
            Rating(invitation_id=guest.id, question=Question.TIMELY, score=4, **rating),
            PetitionRating(
                petition_id=petition.id, rated=Rated.OFFICE, organisation_id=office.id, score=4, number=1,
                at=now,
            ),
            Booking(
                slot_id=slot.id, petition_id=petition.id, kind=BookingKind.SELF_ONLINE,
                state=BookingState.CANCELLED, created_at=now,
            ),
            SupervisionOrder(
                number="DB2020-000000", petition_id=petition.id, unit_id=world.housing.id,
                issuer_id=office.id, reason=Reason.OVERDUE, words="请尽快办结并反馈",
                state=OrderState.CLOSED, due_on=now.date(), at=now, by="督查员",
            ),
            SupervisionMeasure(
                petition_id=petition.id, kind=MeasureKind.LISTED, issuer_id=office.id,
                unit_id=world.housing.id, due_on=now.date(), words="挂牌督办", at=now, by="督查员",
                ended_at=now,
            ),
            CampaignMatter(
                campaign_id=campaign.id, petition_id=petition.id, rank=Rank.COUNTY, leader="王领导",
                plan="每月到现场一次", due_on=now.date(), entered_on=now.date(), state=MatterState.STRUCK_OFF,
                organisation_id=office.id,
            ),
            MessageThread(
                channel=Channel.SMS, sender="13800000000", organisation_id=office.id,
                state=ThreadState.DISMISSED, opened_at=now, last_at=now,
            ),
            CitizenRequest(
                invitation_id=guest.id, session_id=session.id, asked=Asked.REPLAY, state=RequestState.REFUSED,
                created_at=now,
            ),
            PetitionTask(
                petition_id=petition.id, session_id=session.id, organisation_id=office.id, person="张三",
                due_on=now.date(), words="一周内答复", at=now, by="接访员",
            ),
            Recording(
                session_id=session.id, petition_id=petition.id, organisation_id=office.id,
                state=RecordingState.ARCHIVED, directory="2020/scale", started_at=now, sealed_at=now,
                verified_at=now, size=300_000_000, chain_number=1,
            ),
        )
    )  # fmt: skip


def fill_desks(rows: Rows, world: World, settled: str) -> None:
    """Beside the cases of `scale_n`; `settled`: a condition on `n.i` for those that are over."""
    unit = f"'{world.housing.id}'"
    held, place = "scale_n n WHERE n.i % 5 = 0", "scale_n n JOIN scale_keepers o ON o.k = n.keeper"
    day, case = rows.day("n.at"), {"petition_id": "n.id"}
    session = {"session_id": rows.key("s", "n.i")}

    def state(over: str, *still: str) -> str:
        """`over`, or one of the others for what is not settled yet."""
        return f"CASE WHEN {settled} THEN '{over}' ELSE {rows.one_of(still, '(n.i / 5)')} END"

    def mine(prefix: str) -> dict[str, str]:
        return {"id": rows.key(prefix, "n.i")}

    guest = {"invitation_id": rows.key("g", "n.i")}
    fields = {"id": guest["invitation_id"], "code": f"'g' || {rows.padded('n.i', 9)}", "official_id": "NULL"}
    rows.copy(Invitation, session | fields | {"created_at": "n.at"}, held)
    fields = {"starts_at": "n.at", "ends_at": "n.at", "organisation_id": "o.id"}
    rows.copy(Slot, mine("slot") | fields, f"{place} WHERE n.i % 5 = 0")
    fields = {"slot_id": rows.key("slot", "n.i"), "created_at": "n.at", "review_due_on": day,
              "state": state("fulfilled", "submitted", "scheduled")}  # fmt: skip
    rows.copy(Booking, mine("book") | case | fields, held)
    for number, template in enumerate(NOTICES):
        key = {"notice_id": rows.key(f"n{number}", "n.i")}
        fields = {"id": key["notice_id"], "template": f"'{template}'", "queued_at": "n.at",
                  "organisation_id": "o.id"}  # fmt: skip
        rows.copy(Notice, session | case | fields, f"{place} WHERE n.i % 5 = 0")
        phone = f"'1{number}' || {rows.padded('n.i', 9)}"
        rows.copy(NoticeAddress, key | {"recipient": phone}, held)
        fields = {"at": "n.at", "state": state("sent", "sent", "sent", "failed")}
        rows.copy(NoticeEvent, mine(f"ne{number}") | key | fields, held)
    for question in Question:
        fields = {"question": f"'{question}'", "score": "1 + n.i / 5 % 5", "at": "n.at",
                  "organisation_id": "o.id"}  # fmt: skip
        rows.copy(Rating, mine(f"q{question[:2]}") | session | guest | fields, f"{place} WHERE n.i % 5 = 0")
    for rated in Rated:
        fields = {"rated": f"'{rated}'", "score": "1 + n.i / 2 % 5", "organisation_id": "o.id", "at": "n.at"}
        rows.copy(PetitionRating, mine(f"r{rated[:2]}") | case | fields, f"{place} WHERE n.i % 2 = 0")
    fields = {"number": f"'DB2021-' || {rows.padded('n.i', 7)}",
              "state": state("closed", "issued", "reported"), "due_on": rows.later(day),
              "issuer_id": "o.id", "at": "n.at"}  # fmt: skip
    rows.copy(SupervisionOrder, mine("o") | case | fields, f"{place} WHERE n.i % {ORDER} = 0")
    fields = {"ended_at": f"CASE WHEN {settled} THEN n.at END", "at": "n.at", "issuer_id": "o.id",
              "unit_id": unit, "due_on": rows.later(day)}  # fmt: skip
    rows.copy(SupervisionMeasure, mine("v") | case | fields, f"{place} WHERE n.i % {LISTED} = 0")
    fields = {"state": state("struck_off", "open", "proposed"), "entered_on": day, "due_on": rows.later(day)}
    rows.copy(CampaignMatter, mine("l") | case | fields, f"scale_n n WHERE n.i % {LED} = 0")
    fields = {"state": state("dismissed", "open"), "sender": f"'15' || {rows.padded('n.i', 9)}",
              "organisation_id": "o.id", "opened_at": "n.at", "last_at": "n.at"}  # fmt: skip
    rows.copy(MessageThread, mine("t") | fields, f"{place} WHERE n.i % {WRITTEN} = 0")
    fields = {"state": state("refused", "open"), "created_at": "n.at"}
    rows.copy(CitizenRequest, mine("a") | session | guest | fields, f"scale_n n WHERE n.i % {ASKED} = 0")
    fields = {"due_on": rows.later(day), "at": "n.at", "organisation_id": "o.id"}
    rows.copy(PetitionTask, mine("k") | session | case | fields, f"{place} WHERE n.i % 5 = 0")
    fields = {"chain_number": "n.i + 2", "started_at": "n.at", "sealed_at": "n.at", "verified_at": "n.at",
              "organisation_id": "o.id"}  # fmt: skip
    rows.copy(Recording, mine("z") | session | case | fields, f"{place} WHERE n.i % 5 = 0")
    fields = {"sequence": "n.i + 1000000", "at": "n.at", "object_id": "n.id", "digest": rows.key("d", "n.i")}
    rows.copy(AuditEntry, mine("y") | fields, "scale_n n")


async def write_desks(database: Database, clock: FixedClock, world: World) -> None:
    """What lies on other desks about the newest cases of a district: DESKFUL orders, bookings, alarms."""
    keeper, unit, now = world.chengguan, world.housing, clock.now()
    async with database.session() as db:
        slots = await make_slots(db, clock, keeper, DESKFUL)
        query = select(PetitionCase.id).where(PetitionCase.custodian_id == keeper.id)
        query = query.where(PetitionCase.confidential.is_(False)).order_by(PetitionCase.registered_at.desc())
        ids = (await db.scalars(query.limit(DESKFUL))).all()
        held = {row.petition_id: row.id for row in await db.scalars(select(Session).limit(DESKFUL))}
        for place, (petition_id, slot) in enumerate(zip(ids, slots, strict=False)):
            due = now.date() + timedelta(days=place % 20 - 5)
            db.add(
                SupervisionOrder(
                    number=f"DB2026-{place:06d}", petition_id=petition_id, unit_id=unit.id,
                    issuer_id=keeper.id, reason=Reason.OVERDUE, words="请尽快办结并反馈",
                    state=OrderState.ISSUED, due_on=due, at=now, by="督查员",
                )
            )  # fmt: skip
            db.add(
                Booking(
                    slot_id=slot.id, petition_id=petition_id, kind=BookingKind.SELF_ONLINE,
                    state=BookingState.SUBMITTED, created_at=now, review_due_on=due,
                )
            )  # fmt: skip
        for place, session_id in enumerate(held.values()):
            db.add(
                Alarm(
                    key=f"scale-{place}", at=now, kind=AlarmKind.NOT_ARCHIVED, session_id=session_id,
                    place="归档存储", finding_count=1, findings=[{"text": "归档存储连不上"}],
                )
            )  # fmt: skip
        await db.commit()
