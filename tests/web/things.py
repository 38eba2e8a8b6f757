"""Things to see: what there must be in a house so that every page of officials shows something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.posts import AskForPost, ask_for_post
from cases.casefile import Channel
from cases.errors import RuleError
from cases.intake.client import ApiScope, create_client
from cases.intake.receivers import Receivers
from cases.intake.threads import Incoming, list_threads, receive_message
from cases.intake.webhook import KINDS, WebhookEvent, WebhookState
from cases.intake.webhooks import create_webhook
from cases.policy import SYSTEM
from cases.roles import Role
from cases.signin import sign_in
from recordings.alarms import AlarmKind, AlarmState, Trouble, list_alarms, raise_alarm
from scheduling.afterwards.ratings import Question, Rating
from scheduling.arrival.poster import add_poster
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, add_incident, list_incidents
from scheduling.invitation import Invitation
from scheduling.minutes.record import MinutesState
from scheduling.notices.queueing import about_session, add_notice
from scheduling.reach import load_session
from scheduling.requests.citizen_requests import Asked, add_request
from tests.factories import make_petition
from tests.web.communal import gather
from tests.web.conftest import House
from tests.web.imported import checked
from tests.web.papers import make_papers
from tests.web.rota import arrange_rota
from tests.web.ruled import make_rules
from tests.web.supervised import supervise
from tests.web.test_chain import chained
from tests.web.test_signing import arrange
from tests.web.tracks import record_tracks
from web.tending.messages import MESSENGER

RECEPTIONIST, ADMINISTRATOR = "chengguan.receptionist", "city.sysadmin"


@dataclass(frozen=True)
class Things:
    """What the pages are about. ``sealed`` has a chain and a proof, ``tracks`` can be played."""

    petition: str
    session: str
    tracks: str
    sealed: str
    alarm: str
    incident: str
    office: str
    thread: str
    papers: str
    document: str
    day: str
    booking: str
    job: str
    order: str
    notice: str
    client: str
    communal: Mapping[str, str]
    official: str
    poster: str


async def ask(db: AsyncSession, house: House) -> str:
    """Somebody who is asked for a second post; a failure to sign in stands in the log."""
    official, admin = house.world.officials["chengguan.leader"], house.world.actor(ADMINISTRATOR)
    post = AskForPost(official.id, house.world.xigu.id, Role.RECEPTIONIST)
    await ask_for_post(db, house.clock, admin, post)
    with pytest.raises(RuleError):
        await sign_in(db, house.clock, official.username, "Wrong-password-1", "192.0.2.1")
    return official.id


async def thread_of(house: House) -> str:
    """Two messages that wait in an office of the receptionist."""
    async with house.database.session() as db:
        for number in range(2):
            message = Incoming(Channel.SMS, f"m{number}", "13800138000", "楼道漏水三个月无人修", "620102")
            await receive_message(db, house.clock, message, f"nonce-{number:020d}")
        (thread,) = await list_threads(db, house.world.actor(RECEPTIONIST))
        return thread.id


async def import_of(house: House) -> str:
    """A sheet with one row that is ready and one that is not."""
    content = "姓名,事项,电话\n李德福,楼道漏水三个月无人修,13800001234\n王五,路灯不亮,12".encode()
    return await checked(house, content, RECEPTIONIST)


async def client_of(house: House) -> str:
    """A system that is told of events, one of which was given up."""
    admin, world = house.world.actor("city.sysadmin"), house.world
    async with house.database.session() as db:
        client, _ = await create_client(
            db, house.clock, admin, "旧信访系统", world.chengguan.id, [ApiScope.READ]
        )
        told = (client.id, "https://petition.example.gov.cn/events", KINDS)
        hook, _ = await create_webhook(db, house.clock, admin, Receivers(), str, *told)
        petition = await make_petition(db, house.clock, world.chengguan)
        event = (await db.scalars(select(WebhookEvent).where(WebhookEvent.webhook_id == hook.id))).one()
        assert event.petition_id == petition.id
        event.state, event.attempts, event.answer = WebhookState.DEAD, 12, "对方答复 500"
        await db.commit()
        return client.id


async def prepare(house: House) -> Things:
    """Something to see on every page."""
    tracks = await record_tracks(house, 4.0, sealed=False)
    sealed = (await chained(house, 2))[1]
    case = await arrange(house, MinutesState.READ_BACK)
    async with house.database.session() as db:
        clock, session = house.clock, await load_session(db, case.given.session_id)
        invitation = await db.get_one(Invitation, case.given.invitation_id)
        for asked in (Asked.VOICE_CODE, Asked.UNRECORDED):
            await add_request(db, clock, invitation, asked)
        envelope = house.server.app[MESSENGER].secrets.envelope
        until = clock.now() + timedelta(hours=1)
        about, code = about_session(session), {"code": "123456"}
        notice = await add_notice(db, clock, envelope, about, "13800001234", "identity_code", code, until)
        db.add(
            Rating(
                invitation_id=invitation.id, session_id=session.id, question=Question.TIMELY,
                organisation_id=session.host_organisation_id, score=4, words="", at=clock.now(),
            )
        )  # fmt: skip
        name = house.world.chengguan.name
        text = f"{name}：日根 2026-07-22 的文件丢失，数据库里有登记；可以用 lianxin ledger restore 恢复。"
        await raise_alarm(db, clock, Trouble(AlarmKind.CHAIN, name, ({"text": text},)))
        await add_incident(db, clock, Occurrence(session.id, Cause.DISCONNECTED, invitation.id))
        await db.commit()
        incident = (await list_incidents(db, session.id))[0]
        alarm = (await list_alarms(db, SYSTEM, AlarmState.OPEN))[0]
        office = house.world.chengguan.id
        await make_rules(house)
        day, booking = await arrange_rota(db, house)
        return Things(
            session.petition_id, session.id, tracks, sealed.id, alarm.id, incident.incident.id, office,
            await thread_of(house), *await make_papers(house), day, booking, await import_of(house),
            await supervise(house, session.petition_id),
            notice.id, await client_of(house), await gather(house, session.petition_id), await ask(db, house),
            (await add_poster(db, clock, SYSTEM, office, "一楼大厅")).id,
        )  # fmt: skip
