"""A mediator sits in one place at a time, at a place or by video, in whatever kind of session."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.database import Database
from cases.errors import Conflict
from cases.mediation.matter import Mediation, MediationEvent, MediationSitting
from cases.mediation.mediating import (
    arrange_sitting,
    choose_mediator,
    load_mediation,
    take_mediation_step,
)
from cases.mediation.place import CommunityPlace, add_place
from cases.mediation.third_party import ThirdParty
from cases.policy import SYSTEM
from scheduling.afterwards.progress import list_progress
from scheduling.booking.engagements import (
    Engagement,
    ResourceKind,
    engaged_by,
    refuse_engaged_mediator,
)
from scheduling.calendars.entries import entry_of
from scheduling.notices.notice import Notice
from scheduling.session import SessionKind, SessionState
from scheduling.sessions.invitations import list_invitations, revoke_invitation
from scheduling.sessions.mediation_video import ArrangeVideo, arrange_video
from scheduling.sessions.mediator_change import take_over
from scheduling.sessions.moving import MoveSession, reschedule_session
from scheduling.sessions.sessions import CreateSession, create_session, move_session
from scheduling.sessions.telling import worded
from scheduling.sessions.third_party_invitations import invite_third_party
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.mediations import KEEPER, PLACE, consent_all, make_mediation, make_third_party
from tests.scheduling.test_telling import TELLING

NINE = datetime(2026, 7, 23, 9, 0, tzinfo=BEIJING)  # A Thursday.
HOUR = timedelta(hours=1)


class Desk:
    """One mediator, and two matters at a time that both sides agreed to."""

    def __init__(self, db: AsyncSession, clock: FixedClock, world: World) -> None:
        self.db, self.clock, self.world = db, clock, world
        self.actor = world.actor(KEEPER)

    async def person(self, name: str = "马调解", kind: str = "mediator") -> ThirdParty:
        return await make_third_party(self.db, self.clock, self.world, kind, name=name)

    async def matter(self, mediator: ThirdParty, petition_id: str = "") -> Mediation:
        made = await make_mediation(self.db, self.clock, self.world, petition_id, mediator.id)
        return await consent_all(self.db, self.clock, self.world, made)

    async def place(self, name: str) -> CommunityPlace:
        own = self.world.chengguan.id
        return await add_place(self.db, self.clock, self.actor, own, PLACE | {"name": name})

    async def sit(self, made: Mediation, place: CommunityPlace, begin: datetime = NINE) -> None:
        times = begin, begin + HOUR
        rule = refuse_engaged_mediator
        await arrange_sitting(self.db, self.clock, self.actor, made.id, place.id, *times, rule)

    async def meet(self, made: Mediation, begin: datetime = NINE, *helpers: str) -> str:
        command = ArrangeVideo(made.id, begin, begin + HOUR, helpers)
        return (await arrange_video(self.db, self.clock, self.actor, command)).id


@pytest.fixture
def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    return Desk(db, clock, world)


async def test_at_a_place_and_by_video_exclude_one_another(desk: Desk) -> None:
    one = await desk.person()
    first, second = await desk.matter(one), await desk.matter(one)
    here, there = await desk.place("甲调解室"), await desk.place("乙调解室")
    await desk.sit(first, here)
    with pytest.raises(Conflict, match="马调解在 09:00–10:00 已有别的安排，请另选时间或换一位") as refused:
        await desk.sit(second, there, NINE + HOUR / 2)
    assert (refused.value.code, refused.value.field) == ("engaged", "time")
    with pytest.raises(Conflict, match="马调解在 09:00–10:00 已有别的安排"):
        await desk.meet(second)
    video = await desk.meet(second, NINE + HOUR)
    with pytest.raises(Conflict, match="马调解在 10:00–11:00"):
        await desk.sit(first, here, NINE + HOUR)
    # Moved onto the sitting at the place it is refused; called off it frees the mediator.
    with pytest.raises(Conflict, match="已有别的安排"):
        move = MoveSession(video, "改期", starts_at=NINE, ends_at=NINE + HOUR)
        await reschedule_session(desk.db, desk.clock, SYSTEM, move)
    await move_session(desk.db, desk.clock, SYSTEM, video, SessionState.CANCELLED, "本人要求")
    await desk.sit(first, here, NINE + HOUR)
    # What ended holds nobody.
    await take_mediation_step(desk.db, desk.clock, desk.actor, first.id, "end", "不调了。")
    await desk.meet(second)


async def test_who_takes_over_has_to_be_free_at_the_places_arranged(desk: Desk) -> None:
    one, other = await desk.person(), await desk.person("赵调解")
    first, second = await desk.matter(one), await desk.matter(other)
    await desk.sit(first, await desk.place("甲调解室"))
    await desk.sit(second, await desk.place("乙调解室"))
    with pytest.raises(Conflict, match="engaged"):
        chosen = desk.db, desk.clock, desk.actor, first.id, other.id
        await choose_mediator(*chosen, take_over)
    await choose_mediator(desk.db, desk.clock, desk.actor, first.id, one.id, take_over)


async def test_who_takes_over_is_put_into_the_sittings_by_video_to_come(desk: Desk) -> None:
    one, other = await desk.person(), await desk.person("赵调解")
    first, second = await desk.matter(one), await desk.matter(other)
    video = await desk.meet(first)
    await desk.meet(second)
    with pytest.raises(Conflict, match="赵调解在 09:00–10:00") as refused:
        await choose_mediator(desk.db, desk.clock, desk.actor, first.id, other.id, take_over)
    assert (refused.value.code, refused.value.field) == ("engaged", "mediator_id")
    assert (await load_mediation(desk.db, first.id)).mediator_id == one.id
    free = await desk.person("钱调解")
    await choose_mediator(desk.db, desk.clock, desk.actor, first.id, free.id, take_over)
    assert await engaged_by(desk.db, video) == {free.id: ResourceKind.PERSON}
    invited = await list_invitations(desk.db, video)
    helpers = {each.display_name[:3]: each.revoked_at for each in invited if each.role == "mediator"}
    assert set(helpers) == {"马调解", "钱调解"}
    assert helpers["马调解"] is not None and helpers["钱调解"] is None
    last = select(MediationEvent).where(MediationEvent.mediation_id == first.id)
    told = (await desk.db.scalars(last.order_by(MediationEvent.number.desc()).limit(1))).one()
    assert (told.step, told.words) == ("mediator", "钱调解")
    # Moved, it goes with the new mediator; who left may sit elsewhere.
    move = MoveSession(video, "改期", starts_at=NINE + HOUR, ends_at=NINE + 2 * HOUR)
    await reschedule_session(desk.db, desk.clock, SYSTEM, move)
    assert await engaged_by(desk.db, video) == {free.id: ResourceKind.PERSON}
    await desk.meet(await desk.matter(one), NINE + HOUR)


async def test_a_sitting_that_has_begun_keeps_its_mediator(desk: Desk) -> None:
    one, other = await desk.person(), await desk.person("赵调解")
    made = await desk.matter(one)
    video = await desk.meet(made)
    for state in (SessionState.CHECKED_IN, SessionState.WAITING, SessionState.CALLED, SessionState.LIVE):
        await move_session(desk.db, desk.clock, SYSTEM, video, state)
    await choose_mediator(desk.db, desk.clock, desk.actor, made.id, other.id, take_over)
    assert await engaged_by(desk.db, video) == {one.id: ResourceKind.PERSON}


async def test_the_mediator_of_a_case_is_replaced_in_its_session(desk: Desk) -> None:
    one, other = await desk.person(), await desk.person("赵调解")
    petition = await make_petition(desk.db, desk.clock, desk.world.chengguan)
    made = await desk.matter(one, petition.id)
    command = CreateSession(
        petition.id, desk.world.chengguan.id, starts_at=NINE, ends_at=NINE + HOUR, kind=SessionKind.MEDIATION
    )
    session = await create_session(desk.db, desk.clock, SYSTEM, command, TELLING)
    await choose_mediator(desk.db, desk.clock, desk.actor, made.id, other.id, take_over)
    assert await engaged_by(desk.db, session.id) == {other.id: ResourceKind.PERSON}


async def test_of_a_sitting_and_another_mediator_at_once_one_is_told(
    database: Database, clock: FixedClock, world: World
) -> None:
    """Whoever arranges while the mediator changes never engages the one who left."""
    async with database.session() as db:
        desk = Desk(db, clock, world)
        one, other = await desk.person(), await desk.person("赵调解")
        made = await desk.matter(one)

    async def meet() -> str:
        async with database.session() as db:
            return await Desk(db, clock, world).meet(made)

    async def change() -> str:
        async with database.session() as db:
            actor = world.actor(KEEPER)
            return (await choose_mediator(db, clock, actor, made.id, other.id, take_over)).id

    told = await asyncio.gather(meet(), change(), return_exceptions=True)
    assert {each.code for each in told if isinstance(each, Conflict)} <= {"mediation_moved"}
    assert all(isinstance(each, str | Conflict) for each in told)
    async with database.session() as db:
        mediator = (await load_mediation(db, made.id)).mediator_id
        engaged = (await db.scalars(select(Engagement).where(Engagement.released_at.is_(None)))).all()
        assert {each.resource_id for each in engaged} <= {mediator}


async def test_the_mediator_of_a_session_on_a_case_and_who_is_invited_by_name_are_engaged(desk: Desk) -> None:
    one, helper = await desk.person(), await desk.person("周咨询", "psychologist")
    petition = await make_petition(desk.db, desk.clock, desk.world.chengguan)
    other = await desk.matter(one)
    await desk.matter(one, petition.id)
    kind = SessionKind.MEDIATION
    command = CreateSession(
        petition.id, desk.world.chengguan.id, starts_at=NINE, ends_at=NINE + HOUR, kind=kind
    )
    session = await create_session(desk.db, desk.clock, SYSTEM, command, TELLING)
    with pytest.raises(Conflict, match="马调解"):
        await desk.meet(other)
    await invite_third_party(desk.db, desk.clock, SYSTEM, session.id, one.id)  # Engaged already, by this one.
    await invite_third_party(desk.db, desk.clock, SYSTEM, session.id, helper.id)
    two = await desk.person("赵调解")
    with pytest.raises(Conflict, match="周咨询"):
        await desk.meet(await desk.matter(two), NINE, helper.id)
    invited = await list_invitations(desk.db, session.id)
    found = next(each for each in invited if each.display_name.startswith("周咨询"))
    await revoke_invitation(desk.db, desk.clock, SYSTEM, found.id)
    await desk.meet(await desk.matter(two), NINE, helper.id)


async def test_an_unrecorded_mediation_on_a_case_is_not_told_as_a_recorded_reception(desk: Desk) -> None:
    petition = await make_petition(desk.db, desk.clock, desk.world.chengguan)
    await desk.matter(await desk.person(), petition.id)
    for record, told in ((None, "mediation_arranged"), (True, "session_arranged")):
        command = CreateSession(
            petition.id, desk.world.chengguan.id, starts_at=NINE, ends_at=NINE + HOUR,
            kind=SessionKind.MEDIATION, record=record,
        )  # fmt: skip
        session = await create_session(desk.db, desk.clock, SYSTEM, command, TELLING)
        sent = select(Notice.template).where(Notice.session_id == session.id)
        assert (await desk.db.scalars(sent)).all() == [told]
        # Later words say nothing of recording, and a calendar calls it what it is.
        assert worded(session, "session_cancelled") == "mediation_cancelled"
        assert (await entry_of(desk.db, session)).summary.startswith("视频调解 ")
        await move_session(desk.db, desk.clock, SYSTEM, session.id, SessionState.CANCELLED, "改天")
        history = await list_progress(desk.db, petition)
        assert all("接访" not in step.words for step in history), history


async def test_of_many_who_want_the_same_mediator_at_once_one_gets_him(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        desk = Desk(db, clock, world)
        one = await desk.person()
        matters = [await desk.matter(one) for _ in range(6)]
        places = [await desk.place(f"{number}号室") for number in range(6)]

    async def attempt(number: int) -> str:
        async with database.session() as db:
            own = Desk(db, clock, world)
            begin = NINE + timedelta(minutes=number)
            try:
                if number % 2:
                    await own.meet(matters[number], begin)
                else:
                    await own.sit(matters[number], places[number], begin)
            except Conflict as error:
                return error.code
        return "won"

    assert Counter(await asyncio.gather(*map(attempt, range(6)))) == {"won": 1, "engaged": 5}
    async with database.session() as db:
        assert len((await db.scalars(select(MediationSitting.id))).all()) == 1


async def test_of_two_who_want_the_same_place_at_once_one_gets_it(
    database: Database, clock: FixedClock, world: World
) -> None:
    async with database.session() as db:
        desk = Desk(db, clock, world)
        matters = [await desk.matter(await desk.person(name)) for name in ("马调解", "赵调解", "钱调解")]
        place = await desk.place("甲调解室")

    async def attempt(made: Mediation) -> str:
        async with database.session() as db:
            try:
                await Desk(db, clock, world).sit(made, place)
            except Conflict as error:
                return error.code
        return "won"

    assert Counter(await asyncio.gather(*map(attempt, matters))) == {"won": 1, "place_taken": 2}
