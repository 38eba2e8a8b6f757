"""The figures of receptions are what plain Python counts over the same rows, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass, PetitionState
from cases.clock import BEIJING
from cases.database import Base, new_id
from cases.errors import NotFound
from cases.figures.period import Period, months_back, parse_period
from cases.figures.scope import Filters
from cases.people import Person
from cases.roles import InvitationRole
from cases.task import PetitionTask, TaskState, TaskStep
from recordings.recording import LIVE, Recording, RecordingState
from recordings.recording_figures import SEALED, count_recordings, list_counted_recordings
from scheduling.afterwards.people_listing import list_persons, list_waits
from scheduling.afterwards.ratings import Question, Rating
from scheduling.afterwards.session_figures import Counts, ReceptionFigures, read_receptions
from scheduling.afterwards.session_listing import list_promises, list_receptions
from scheduling.afterwards.session_measure import PROMISES, measures
from scheduling.afterwards.session_trend import Trend
from scheduling.arrival.identity import NEEDS_IDENTITY
from scheduling.incidents.incident import Cause, Incident
from scheduling.invitation import Invitation
from scheduling.session import Session, SessionKind, SessionOrganisation, SessionPart, SessionState
from scheduling.session_events import SessionEvent
from signaling.seat import invitations_of_seats
from tests.clock import FixedClock
from tests.factories import World

CLOCK, TODAY = FixedClock(), date(2026, 7, 22)
SITTINGS = 240
S = SessionState
UNPLANNED = {S.REQUESTED, S.APPROVED, S.REJECTED, S.REDIRECTED, S.CANCELLED, S.RESCHEDULED}
TROUBLES = {Cause.DISCONNECTED, Cause.DEVICE_BLOCKED, Cause.HOST_GONE, Cause.RECORDING_FAULTY}
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@dataclass
class Sitting:
    """A session with all that hangs on it."""

    case: PetitionCase
    session: Session
    joint: bool = False
    invitations: list[Invitation] = field(default_factory=list)
    events: list[SessionEvent] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    task: PetitionTask | None = None
    done_on: date | None = None
    withdrawn: bool = False

    @property
    def counted(self) -> bool:
        secret = self.case.confidential or self.case.accused_organisation_id is not None
        return not secret and self.session.state not in UNPLANNED

    @property
    def held(self) -> bool:
        return self.session.opened_at is not None

    @property
    def due(self) -> bool:
        over = self.session.state in (S.NO_SHOW, S.TECHNICAL_FAILED, S.CLOSED, S.ARCHIVED)
        return self.held or over or civil(self.session.starts_at) < TODAY

    def within(self, period: Period) -> bool:
        return self.counted and period.starts_at <= self.session.starts_at < period.ends_at


def seconds(later: datetime, earlier: datetime) -> int:
    return round((later - earlier).total_seconds())


def civil(moment: datetime) -> date:
    return moment.astimezone(BEIJING).date()


def sittings(world: World) -> Iterator[Sitting]:
    """By a fixed seed: every state, moments at the edges of months, people who come twice or never."""
    dice = random.Random(20260722)
    offices = [world.city, world.chengguan, world.xigu]
    edges = [datetime(2026, month, 1, tzinfo=BEIJING) for month in range(1, 8)]
    for number in range(SITTINGS):
        host = offices[number % 3]
        day = datetime(2025, 3, 1, 9, tzinfo=BEIJING) + dice.randrange(500) * DAY
        starts = day + dice.randrange(36_000) * SECOND
        if number % 12 == 0:
            starts = dice.choice(edges) - dice.choice((0, 1, 3600)) * SECOND
        state = dice.choice((*SessionState, *[S.CLOSED] * 20))
        if number % 6 == 1:  # About today, some of them still to come.
            starts = datetime(2026, 7, 18, 9, tzinfo=BEIJING) + dice.randrange(13) * DAY
            state = state if number % 4 == 1 else S.NOTIFIED
        opened = starts + dice.randrange(-600, 1200) * SECOND if state in (S.CLOSED, S.LIVE) else None
        closed = opened + dice.randrange(3600) * SECOND if opened and state is S.CLOSED else None
        case = PetitionCase(
            id=new_id(), number=f"LZ2026-{number:07d}", channel=Channel.VISIT, subject="x", description="",
            class_=PetitionClass.CLAIM, state=PetitionState.ACCEPTED, custodian_id=host.id, event_count=0,
            accused_organisation_id=world.xigu.id if number % 17 == 4 else None,
            query_code_hash="", registered_at=starts - DAY, petitioner_id="p" * 32,
            confidential=number % 13 == 5,
            concluded_on=civil(opened) + dice.randrange(2) * DAY if opened else None,
        )  # fmt: skip
        session = Session(
            id=new_id(), petition_id=case.id, title="x", host_organisation_id=host.id, state=state,
            kind=dice.choice(list(SessionKind)), starts_at=starts, ends_at=starts + DAY, opened_at=opened,
            closed_at=closed, created_at=starts - DAY,
        )  # fmt: skip
        yield hang_on(Sitting(case, session, joint=dice.random() < 0.4), dice, number)


def hang_on(sitting: Sitting, dice: random.Random, number: int) -> Sitting:
    session, at = sitting.session, sitting.session.opened_at or sitting.session.starts_at
    kinds = ["participant.joined", "participant.admitted", "participant.left"]
    for place in range(dice.randrange(4)):
        invitation = Invitation(
            id=new_id(), code=f"{number}-{place}", session_id=session.id, display_name="x",
            role=dice.choice(list(InvitationRole)), created_at=at,
            revoked_at=at if dice.random() < 0.2 else None,
        )  # fmt: skip
        sitting.invitations.append(invitation)
        for kind in dice.choices(kinds, k=dice.randrange(5)):
            sitting.events.append(
                SessionEvent(
                    id=new_id(),
                    session_id=session.id,
                    sequence=len(sitting.events) + 1,
                    monotonic_ms=0,
                    at=at + dice.randrange(-900, 900) * SECOND,
                    kind=kind,
                    data={},
                    participant_id=invitation.id if dice.random() < 0.9 else None,
                )  # fmt: skip
            )
        if dice.random() < 0.5:
            given = Rating(
                id=new_id(), invitation_id=invitation.id, session_id=session.id, question=Question.MANNER,
                organisation_id=session.host_organisation_id, score=dice.choice((None, 1, 2, 3, 4, 5)),
                words="", at=at + dice.randrange(3) * DAY,
            )  # fmt: skip
            sitting.ratings.append(given)
    state = list(RecordingState)[number % len(RecordingState)]
    if sitting.held:
        sitting.recordings.append(
            Recording(
                id=new_id(), session_id=session.id, petition_id=sitting.case.id, state=state, started_at=at,
                organisation_id=session.host_organisation_id, directory=f"{number}",
            )  # fmt: skip
        )
    for cause in dice.sample(list(Cause), dice.choice((0, 0, 0, 1, 2))):
        sitting.incidents.append(
            Incident(id=new_id(), session_id=session.id, cause=cause, subject="", name="", at=at)
        )
    if dice.random() < 0.4:
        due = civil(at) + dice.randrange(20) * DAY
        sitting.task = PetitionTask(
            id=new_id(), petition_id=session.petition_id, session_id=session.id, person="x", due_on=due,
            organisation_id=session.host_organisation_id, words="x", at=at, by="x",
        )  # fmt: skip
        sitting.done_on = due + dice.randrange(-3, 4) * DAY if dice.random() < 0.6 else None
        sitting.withdrawn = sitting.done_on is None and dice.random() < 0.3
    return sitting


async def write(db: AsyncSession, every: Sequence[Sitting], other: str) -> None:
    born = datetime(2020, 1, 1, tzinfo=BEIJING)
    db.add(Person(id="p" * 32, name="x", created_at=born))
    await db.flush()
    groups: list[list[Base]] = [[each.case for each in every], [each.session for each in every], [], [], []]
    for each in every:
        parts = [(each.session.host_organisation_id, SessionPart.HOST)]
        parts += [(other, SessionPart.JOINT)] if each.joint else []
        for office, part in parts:
            row = SessionOrganisation(session_id=each.session.id, organisation_id=office, part=part)
            groups[2].append(row)
        groups[2] += each.invitations
        groups[3] += [*each.events, *each.incidents, *each.ratings, *each.recordings]
        groups[3] += [each.task] if each.task else []
        if each.task and (each.done_on or each.withdrawn):
            state = TaskState.WITHDRAWN if each.withdrawn else TaskState.DONE
            at = datetime.combine(each.done_on or each.task.due_on, datetime.min.time(), BEIJING)
            told = {"number": 1, "words": "x", "by": "x", "at": at + timedelta(hours=23, minutes=59)}
            groups[4].append(TaskStep(id=new_id(), task_id=each.task.id, state=state, **told))
    for group in groups:
        db.add_all(group)
        await db.flush()
    await db.commit()


def counts(found: Sequence[Sitting]) -> Counts:
    held = [each for each in found if each.held]
    over = [each for each in held if each.session.closed_at]
    opened = {each.session.id: each.session.opened_at or each.session.starts_at for each in held}
    follow_ups = [each for each in found if each.session.kind is SessionKind.FOLLOW_UP]
    late = (seconds(opened[each.session.id], each.session.starts_at) for each in held)
    return Counts(
        planned=len(found),
        due=sum(each.due for each in found),
        held=len(held),
        joint=sum(each.joint for each in held),
        no_show=sum(each.session.state is S.NO_SHOW for each in found),
        failed=sum(each.session.state is S.TECHNICAL_FAILED for each in found),
        troubled=sum(any(one.cause in TROUBLES for one in each.incidents) for each in held),
        solved_same_day=sum(each.case.concluded_on == civil(opened[each.session.id]) for each in held),
        late_seconds=sum(each for each in late if each > 0),
        length_seconds=sum(
            seconds(each.session.closed_at, opened[each.session.id])
            for each in over
            if each.session.closed_at
        ),
        closed=len(over),
        follow_ups=len(follow_ups),
        follow_ups_due=sum(each.due for each in follow_ups),
        followed=sum(each.held for each in follow_ups),
    )


def waits(found: Sequence[Sitting]) -> list[int]:
    told = []
    for each in found:
        for invitation in each.invitations:
            mine = [event for event in each.events if event.participant_id == invitation.id]
            came = [event.at for event in mine if event.kind == "participant.joined"]
            went = [event.at for event in mine if event.kind == "participant.admitted"]
            if came and went:
                told.append(seconds(min(went), min(came)))
    return told


def by_hand(every: Sequence[Sitting], world: World, period: Period) -> ReceptionFigures:
    found = [each for each in every if each.within(period)]
    offices = [world.city, world.chengguan, world.xigu]
    by_office = [
        (office, [each for each in found if each.session.host_organisation_id == office.id])
        for office in offices
    ]
    ratings = [
        one.score for each in found for one in each.ratings if one.score is not None and civil(one.at) < TODAY
    ]
    due = [
        each
        for each in every
        if each.task and not (each.case.confidential or each.case.accused_organisation_id)
        and period.first <= each.task.due_on <= period.last and not each.withdrawn
        and (each.done_on or each.task.due_on < TODAY)
    ]  # fmt: skip
    trend = {}
    for month in months_back(period.last, 12):
        those = [each for each in every if each.within(month)]
        trend[month.code] = (len(those), sum(each.held for each in those))
    people = [one for each in found if each.held for one in each.invitations]
    tiers = {office.tier for office in offices}
    return ReceptionFigures(
        all=counts(found),
        by_tier={
            tier: sum((counts(rows) for office, rows in by_office if office.tier is tier), Counts())
            for tier in tiers
        },
        by_office=sorted(
            ((office, counts(rows)) for office, rows in by_office if rows),
            key=lambda row: (-row[1].planned, row[0].region_code),
        ),
        trend=trend,
        persons=sum(one.role in NEEDS_IDENTITY and one.revoked_at is None for one in people),
        waited=len(waits(found)),
        waited_seconds=sum(waits(found)),
        promises_due=len(due),
        promises_kept=sum(
            bool(each.done_on and each.task and each.done_on <= each.task.due_on) for each in due
        ),
        rated=len(ratings),
        satisfied=sum(score >= 3 for score in ratings) if len(ratings) >= 5 and period.whole_months else None,
    )  # fmt: skip


async def test_receptions_are_counted_as_plain_python_counts_them(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    every = list(sittings(world))
    await write(db, every, world.province.id)
    actor = world.actor("city.leader")
    days, whole = "2026-03-05..2026-04-17", "2025-03-01..2026-07-31"
    two = "2026-05-02..2026-05-03"  # On which not every office sat.
    trend = Trend(CLOCK)  # What one page left behind serves the next.
    for written in ("2026-05", "2025", "2026-H1", days, two, whole, "2001-01"):
        period = parse_period(written)
        told = await read_receptions(db, CLOCK, actor, period, Filters(), trend)
        wanted = by_hand(every, world, period)
        for name in ReceptionFigures.__slots__:
            mine, theirs = getattr(told, name), getattr(wanted, name)
            if name == "by_office":
                mine, theirs = ([(office.id, found) for office, found in rows] for rows in (mine, theirs))
            elif name == "by_tier":
                theirs = {tier: found for tier, found in theirs.items() if found.planned}
            assert mine == theirs, (written, name)
    # Everything that is counted was there to be counted.
    found = by_hand(every, world, parse_period(whole))
    assert all(getattr(found.all, name) for name in Counts.__slots__)
    assert found.all.due < found.all.planned and found.all.follow_ups_due < found.all.follow_ups
    assert found.waited > 20 and found.persons and found.rated
    assert 0 < found.promises_kept < found.promises_due
    for written in (whole, days):
        await _lists_are_as_long_as_the_sums(db, world, parse_period(written))
    await _filters_narrow(db, world, every, parse_period(whole))


async def test_recordings_lead_to_their_list(db: AsyncSession, clock: FixedClock, world: World) -> None:
    every = list(sittings(world))
    await write(db, every, world.province.id)
    actor, nothing, period = world.actor("city.leader"), Filters(), parse_period("2026-H1")
    kept = [one for each in every if each.within(period) for one in each.recordings if one.state not in LIVE]
    sealed = sum(one.state in SEALED for one in kept)
    assert 0 < sealed < len(kept)
    assert await count_recordings(db, actor, period, nothing) == (len(kept), sealed)
    for name, other, wanted in (
        ("recordings", "", len(kept)), ("sealed", "", sealed), ("recordings", "sealed", len(kept) - sealed),
    ):  # fmt: skip
        rows, total = await list_counted_recordings(db, actor, name, period, nothing, other=other, limit=500)
        assert total == wanted == len({each.recording.id for each in rows}), (name, other)
        assert all(each.recording.session_id == each.session.id for each in rows)
    with pytest.raises(NotFound):
        await list_counted_recordings(db, actor, "held", period, nothing)
    below = world.actor("xigu.leader")
    for listed in (
        await list_counted_recordings(db, below, "recordings", period, nothing, limit=500),
        await list_persons(db, below, period, nothing, limit=500),
        await list_waits(db, below, period, nothing, seated=invitations_of_seats, limit=500),
    ):
        assert listed[0] and {each.session.host_organisation_id for each in listed[0]} == {world.xigu.id}


async def _lists_are_as_long_as_the_sums(db: AsyncSession, world: World, period: Period) -> None:
    actor, nothing = world.actor("city.leader"), Filters()
    told = await read_receptions(db, CLOCK, actor, period, nothing)
    for name in measures(TODAY):
        rows, total = await list_receptions(db, TODAY, actor, name, period, nothing, limit=500)
        assert total == getattr(told.all, name), (period, name)
        assert len({row.id for row in rows}) == min(total, 200)
    for name in PROMISES:
        promises, total = await list_promises(db, TODAY, actor, name, period, nothing, limit=500)
        assert total == getattr(told, name) == len({each.task.id for each in promises}), (period, name)
    late, total = await list_promises(
        db, TODAY, actor, "promises_due", period, nothing, other="promises_kept", limit=500
    )
    assert total == told.promises_due - told.promises_kept
    assert all(each.done_on is None or each.done_on > each.task.due_on for each in late)
    rest = await list_receptions(db, TODAY, actor, "follow_ups_due", period, nothing, other="followed")
    assert rest[1] == told.all.follow_ups_due - told.all.followed


    people, total = await list_persons(db, actor, period, nothing, limit=500)
    assert total == told.persons and len(people) == min(total, 200)
    assert all(each.role in NEEDS_IDENTITY and each.session.opened_at for each in people)
    waited, total = await list_waits(db, actor, period, nothing, seated=invitations_of_seats, limit=500)
    assert total == told.waited == len(waited)
    minutes = [each.minutes for each in waited if each.minutes is not None]
    assert round(60 * sum(minutes)) == told.waited_seconds and len(minutes) == total


async def _filters_narrow(db: AsyncSession, world: World, every: Sequence[Sitting], period: Period) -> None:
    """To a channel, a class, a unit: receptions of other cases are in no number."""
    actor = world.actor("city.leader")
    for filters, wanted in (
        (Filters(channel=Channel.VISIT), True),
        (Filters(channel=Channel.WEB), False),
        (Filters(class_=PetitionClass.CLAIM), True),
        (Filters(class_=PetitionClass.SUGGESTION), False),
        (Filters(unit_id=world.housing.id), False),
    ):
        told = await read_receptions(db, CLOCK, actor, period, filters)
        whole = by_hand(every, world, period)
        assert told.all == (whole.all if wanted else Counts()), filters
        assert told.promises_due == (whole.promises_due if wanted else 0) and told.satisfied is None
