"""Posters and equipment of the demonstration's offices; the sheets were scanned in the weeks before today."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.handling.clocks import today
from cases.organisations import find_office
from cases.policy import SYSTEM
from scheduling.arrival.poster import Poster, PosterCount, PosterUse, add_poster, withdraw_poster
from scheduling.booking.equipment import Equipment, EquipmentKind, add_equipment
from web.demo.then import Turns

# Region, where it hangs, and how often it was scanned, led to a booking and to a matter on one day in three.
SPOTS = (
    ("620102", "群众来访接待大厅入口", (6, 2, 1)),
    ("620102", "政务服务大厅二楼咨询台", (3, 1, 0)),
    ("620102001", "便民服务中心一楼", (4, 1, 1)),
    ("620102001", "畅家巷社区公告栏", (2, 0, 1)),
    ("6201", "市信访局来访大厅", (5, 0, 2)),
)
TAKEN_BACK = ("620102", "旧办公楼门口")
PIECES = (
    ("620102", EquipmentKind.DOCUMENT_CAMERA, "第一视频接访室高拍仪"),
    ("620102", EquipmentKind.MOBILE_SET, "下访用移动终端"),
    ("620102001", EquipmentKind.STATION, "酒泉路街道接访一体机"),
)
HUNG, EVERY = 45, 3  # Days before, and days between two on which somebody scanned.


async def places_story(db: AsyncSession, clock: Clock, turns: Turns) -> None:
    """Once; where there is any of them everything stays as it is."""
    now = clock.now()
    hung = await turns.at(now - timedelta(days=HUNG))
    if await db.scalar(select(Equipment.id).limit(1)) is None:
        for region, kind, name in PIECES:
            await add_equipment(db, hung, SYSTEM, await _office(db, region), kind, name)
    if await db.scalar(select(Poster.id).limit(1)) is not None:
        return
    for region, spot, uses in SPOTS:
        poster = await _hang(db, hung, region, spot)
        for ago in range(1, HUNG, EVERY):
            day = today(clock) - timedelta(days=ago)
            for use, times in zip(PosterUse, uses, strict=True):
                if times:
                    db.add(PosterCount(poster_id=poster.id, day=day, use=use, times=times))
    old = await _hang(db, hung, *TAKEN_BACK)
    await db.commit()
    await withdraw_poster(db, await turns.at(now - timedelta(days=10)), SYSTEM, old.id)
    await db.commit()


async def _hang(db: AsyncSession, clock: Clock, region: str, spot: str) -> Poster:
    return await add_poster(db, clock, SYSTEM, await _office(db, region), spot)


async def _office(db: AsyncSession, region: str) -> str:
    office = await find_office(db, region)
    assert office is not None, f"The tree lacks {region}"
    return office.id
