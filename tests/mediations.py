"""Mediations for tests: a mediator of 城关区, a place open on workdays, a matter both sides agreed to."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.mediation.consenting import record_consent
from cases.mediation.matter import Mediation, Side
from cases.mediation.mediating import NewMediation, NewParty, load_mediation, open_mediation
from cases.mediation.place import CommunityPlace, add_place
from cases.mediation.third_party import ThirdParty, add_third_party
from tests.factories import World

KEEPER = "chengguan.receptionist"
PERSON = {
    "kind": "mediator",
    "name": "马调解",
    "employer": "酒泉路街道人民调解委员会",
    "phone": "13800000001",
}
PLACE = {
    "kind": "mediation_station", "name": "畅家巷调解室", "address": "畅家巷 1 号", "days": "0,1,2,3,4",
    "opens": "09:00", "closes": "17:00",
}  # fmt: skip
PARTIES = (
    NewParty(Side.APPLICANT, "李德福", "13800001234", "酒泉路 12 号"),
    NewParty(Side.RESPONDENT, "赵六"),
)


async def make_third_party(
    db: AsyncSession, clock: Clock, world: World, kind: str = "mediator", **more: str
) -> ThirdParty:
    """One of the register of 城关区, in force since the beginning of the year."""
    given = PERSON | {"kind": kind, "since": "2026-01-01", "until": ""} | more
    return await add_third_party(db, clock, world.actor(KEEPER), world.chengguan.id, given)


async def make_place(db: AsyncSession, clock: Clock, world: World) -> CommunityPlace:
    """A mediation station of 城关区, open on workdays from nine to five."""
    return await add_place(db, clock, world.actor(KEEPER), world.chengguan.id, PLACE)


async def make_mediation(
    db: AsyncSession, clock: Clock, world: World, petition_id: str = "", mediator_id: str = ""
) -> Mediation:
    """A matter between 李德福 and 赵六, to which nobody has said anything yet."""
    command = NewMediation(
        world.chengguan.id, "楼上漏水赔偿", "楼上漏水泡坏屋顶。", PARTIES, mediator_id, petition_id
    )
    return await open_mediation(db, clock, world.actor(KEEPER), command)


async def consent_all(db: AsyncSession, clock: Clock, world: World, mediation: Mediation) -> Mediation:
    """Both sides consent, each in own words."""
    for party in mediation.parties:
        actor = world.actor(KEEPER)
        await record_consent(db, clock, actor, mediation.id, party.id, True, "spoken", "我愿意调解。")
    return await load_mediation(db, mediation.id)


async def make_ready(db: AsyncSession, clock: Clock, world: World, petition_id: str = "") -> Mediation:
    """A matter with a mediator to which both sides have consented."""
    mediator = await make_third_party(db, clock, world)
    made = await make_mediation(db, clock, world, petition_id, mediator.id)
    return await consent_all(db, clock, world, made)
