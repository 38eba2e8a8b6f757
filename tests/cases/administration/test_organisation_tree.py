"""The tree: codes that fit, names with their history, closed only when nothing open hangs there."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.organisation_tree import (
    NewOrganisation,
    OrganisationAct,
    add_organisation,
    close_organisation,
    hanging_at,
    history_of,
    list_tree,
    rename_organisation,
)
from cases.audit import AuditEntry
from cases.database import Database
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.organisations import Organisation, OrganisationKind, Tier, find_office, list_organisations
from scheduling.hanging import calendar_at
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_session

OFFICE, DEPARTMENT, STATION = (
    OrganisationKind.PETITION_OFFICE,
    OrganisationKind.DEPARTMENT,
    OrganisationKind.STATION,
)


async def test_codes_fit_the_tree(db: AsyncSession, clock: FixedClock, world: World) -> None:
    sysadmin = world.actor("city.sysadmin")
    for parent, code, kind, field in (
        (world.city, "6202", OFFICE, "region_code"),
        (world.city, "6201", OFFICE, "region_code"),
        (world.city, "62010", OFFICE, "region_code"),
        (world.city, "六二", OFFICE, "region_code"),
        (world.city, "620105", DEPARTMENT, "region_code"),
        (world.city, "620105", STATION, "region_code"),
        (world.city, "620102", OFFICE, "region_code"),
        (world.housing, "620102005", STATION, "parent"),
    ):
        with pytest.raises((Invalid, Conflict)) as caught:
            await add_organisation(db, clock, sysadmin, NewOrganisation(parent.id, code, "某局", "某", kind))
        assert caught.value.field == field, code
    row = await add_organisation(
        db, clock, sysadmin, NewOrganisation(world.city.id, "620105", "安宁区信访局", "安宁区信访局", OFFICE)
    )
    assert (row.tier, row.parent_id, row.version) == (Tier.DISTRICT, world.city.id, 1)
    roads = NewOrganisation(row.id, "", "安宁区交通局", "安宁交通", DEPARTMENT)
    assert (await add_organisation(db, clock, sysadmin, roads)).region_code == "620105"
    with pytest.raises(Conflict) as caught:
        await add_organisation(db, clock, sysadmin, roads)
    assert (caught.value.code, caught.value.field) == ("organisation_exists", "name")
    for key in ("city.security_admin", "city.auditor", "city.leader"):
        with pytest.raises(Forbidden):
            await add_organisation(db, clock, world.actor(key), roads)
    with pytest.raises(NotFound):  # Above the administrator's own place.
        above = NewOrganisation(world.province.id, "6202", "某市信访局", "某市", OFFICE)
        await add_organisation(db, clock, sysadmin, above)
    assert world.province.id not in {each.id for each in await list_tree(db, sysadmin)}


async def test_of_two_who_rename_at_once_the_second_hears_of_it(
    database: Database, clock: FixedClock, world: World
) -> None:
    sysadmin = world.actor("city.sysadmin")

    async def rename(name: str) -> str:
        async with database.session() as db:
            try:
                await rename_organisation(db, clock, sysadmin, world.xigu.id, 1, name, name[:4])
            except Conflict as error:
                return error.code
            return name

    told = set(await asyncio.gather(rename("西固区信访服务中心"), rename("西固区群众来访中心")))
    assert "edited_meanwhile" in told and len(told) == 2
    (kept,) = told - {"edited_meanwhile"}
    async with database.session() as db:
        row = await db.get_one(Organisation, world.xigu.id)
        (line,) = await history_of(db, row.id)
        assert (row.name, row.version) == (kept, 2)
        assert (line.act, line.name_before, line.name) == (OrganisationAct.RENAMED, "西固区信访局", kept)
        entry = (await db.scalars(AuditEntry.__table__.select().with_only_columns(AuditEntry.detail))).one()
        assert entry["before"]["name"] == "西固区信访局" and entry["after"]["name"] == kept


async def test_what_is_open_keeps_it_open(db: AsyncSession, clock: FixedClock, world: World) -> None:
    sysadmin = world.actor("city.sysadmin")
    petition = await make_petition(db, clock, world.chengguan)
    await make_session(db, clock, world, petition)
    found = await hanging_at(db, world.chengguan.id, clock.now(), (calendar_at,))
    assert found == {"下级单位": 2, "在岗人员": 5, "未办结的信访件": 1, "未结束的接访": 1}
    with pytest.raises(Conflict) as caught:
        await close_organisation(db, clock, sysadmin, world.chengguan.id, 1, elsewhere=(calendar_at,))
    assert caught.value.code == "organisation_in_use" and "在岗人员 5" in caught.value.message
    station = NewOrganisation(world.xigu.id, "620104005", "四季青街道接访点", "四季青", STATION)
    row = await add_organisation(db, clock, sysadmin, station)
    await close_organisation(db, clock, sysadmin, row.id, row.version, "机构改革", (calendar_at,))
    assert row.id not in {each.id for each in await list_organisations(db)}
    assert await find_office(db, "620104005") is None
    assert row.id in {each.id for each in await list_tree(db, sysadmin)}
    acts = {line.act for line in await history_of(db, row.id)}
    assert acts == {OrganisationAct.CLOSED, OrganisationAct.ADDED}
    with pytest.raises(Conflict):
        await rename_organisation(db, clock, sysadmin, row.id, row.version, "又一个", "又")
