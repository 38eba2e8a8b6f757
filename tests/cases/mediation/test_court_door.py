"""The court's door: opened by who keeps the matter, for a time, with nothing but the agreement behind it."""

from __future__ import annotations

from dataclasses import fields

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.mediation.agreement import conclude_agreement
from cases.mediation.court_door import (
    MOST_OPEN,
    CourtLink,
    issue_court_link,
    list_court_links,
    open_for_court,
    read_for_court,
    revoke_court_link,
)
from cases.mediation.matter import Mediation
from cases.mediation.mediating import load_mediation
from tests.cases.mediation.test_mediating import GIVEN, render, sit
from tests.clock import FixedClock
from tests.factories import World
from tests.mediations import KEEPER, make_ready

GOOD = {"court": "城关区人民法院", "days": "7", "asked": "yes"}
HERE = "192.0.2.7"


async def agreed(db: AsyncSession, clock: FixedClock, world: World, **more: str) -> Mediation:
    """A matter with an agreement."""
    made = await make_ready(db, clock, world)
    await sit(db, clock, world, made)
    await conclude_agreement(db, clock, world.actor(KEEPER), made.id, GIVEN | more, render)
    return made


async def test_the_court_reads_the_agreement_and_nothing_beside_it(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made = await agreed(db, clock, world)
    link, secret = await issue_court_link(db, clock, world.actor(KEEPER), made.id, GOOD)
    stored = await db.get_one(CourtLink, link.id)
    assert secret not in {str(getattr(stored, column.name)) for column in CourtLink.__table__.columns}
    told = await open_for_court(db, clock, link.id, secret, HERE)
    everything = " ".join(str(getattr(told, field.name)) for field in fields(told))
    assert "李德福" in everything and GIVEN["content"] in everything and told.court == GOOD["court"]
    for hidden in ("13800001234", "我愿意调解", "楼上漏水赔偿", "13800000001"):
        assert hidden not in everything, hidden
    assert (await read_for_court(db, clock, link.id, secret, HERE)).startswith(b"%PDF")
    (issued,) = await list_court_links(db, made.id)
    assert (issued.views, issued.last) == (2, clock.now())
    query = select(AuditEntry).where(AuditEntry.action == "court_link.opened")
    rows = (await db.scalars(query.order_by(AuditEntry.sequence))).all()
    assert [(row.address, row.detail["paper"]) for row in rows] == [(HERE, False), (HERE, True)]
    assert secret not in str([row.detail for row in rows])


async def test_it_closes_with_its_time_by_hand_and_for_every_wrong_secret(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made, actor = await agreed(db, clock, world), world.actor(KEEPER)
    made_id = made.id
    ids = []
    for _ in range(3):
        link, secret = await issue_court_link(db, clock, actor, made_id, GOOD)
        ids.append((link.id, secret))
    (first, one), (second, two), (third, three) = ids
    for code, secret in ((first, two), (first, ""), ("0" * 32, one), (first, "x" * 10_000), ("", "")):
        with pytest.raises(NotFound) as wrong:
            await open_for_court(db, clock, code, secret, HERE)
        assert wrong.value.code == "court_link_closed"
    await revoke_court_link(db, clock, actor, made_id, second)
    await revoke_court_link(db, clock, actor, made_id, second)
    with pytest.raises(NotFound):
        await read_for_court(db, clock, second, two, HERE)
    clock.advance(days=7, seconds=-1)
    await open_for_court(db, clock, first, one, HERE)
    clock.advance(seconds=1)
    for code, secret in ((first, one), (third, three)):
        with pytest.raises(NotFound):
            await open_for_court(db, clock, code, secret, HERE)
    assert [each.views for each in await list_court_links(db, made_id)].count(0) == 2


async def test_who_gives_it_and_for_what(db: AsyncSession, clock: FixedClock, world: World) -> None:
    made = await make_ready(db, clock, world)
    made_id, actor = made.id, world.actor(KEEPER)

    async def refused(code: str, **more: str) -> None:
        with pytest.raises((Conflict, Invalid)) as caught:
            await issue_court_link(db, clock, actor, made_id, GOOD | more)
        assert caught.value.code == code

    await refused("no_agreement")
    await sit(db, clock, world, await load_mediation(db, made_id))
    await conclude_agreement(db, clock, actor, made_id, GIVEN, render)
    for key in ("xigu.receptionist", "city.receptionist", "city.sysadmin", "housing.handler"):
        with pytest.raises((NotFound, Forbidden)):
            await issue_court_link(db, clock, world.actor(key), made_id, GOOD)
    await refused("required", court="")
    await refused("choose", days="365")
    await refused("both_ask", asked="")
    for _ in range(MOST_OPEN):
        link, _secret = await issue_court_link(db, clock, actor, made_id, GOOD)
    await refused("too_many_links")
    with pytest.raises((NotFound, Forbidden)):
        await revoke_court_link(db, clock, world.actor("xigu.receptionist"), made_id, link.id)
    with pytest.raises(NotFound):
        await revoke_court_link(db, clock, actor, made_id, "0" * 32)
    clock.advance(days=31)
    await refused("confirmation_over")


async def test_a_spoken_agreement_has_no_paper_to_confirm(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    made = await agreed(db, clock, world, spoken="yes")
    with pytest.raises(Conflict, match="agreement_spoken"):
        await issue_court_link(db, clock, world.actor(KEEPER), made.id, GOOD)
