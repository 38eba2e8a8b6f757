"""The programming interface at its edges: how much, how often, in which pages, and for which offices."""

from __future__ import annotations

import pytest

from cases.errors import Forbidden, Invalid
from cases.intake.client import ApiScope, create_client, list_clients, revoke_client
from tests.factories import make_petition
from tests.web.conftest import House
from tests.web.test_api import MATTER, ask
from web.http.limits import Limit, RateLimits
from web.keys import LIMITS
from web.pages import api

pytestmark = pytest.mark.parametrize("database_system", ["sqlite"])


async def token_for(house: House, office: str = "chengguan", *scopes: ApiScope) -> str:
    async with house.database.session() as db:
        admin, where = house.world.actor("city.sysadmin"), house.world.organisations[office].id
        return (await create_client(db, house.clock, admin, "旧系统", where, scopes or tuple(ApiScope)))[1]


async def test_a_long_list_comes_in_pages_and_nothing_is_left_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST", 2)
    made = []
    async with house.database.session() as db:
        for number in range(4):
            petition = await make_petition(db, house.clock, house.world.chengguan, f"第 {number} 件")
            made.append(petition.number)
            house.clock.advance(seconds=number % 2)  # Two of a second each.
    token, found, after = await token_for(house), [], ""
    for _ in range(3):
        _, told, _ = await ask(house, token, f"?after={after}" if after else "")
        assert len(told["cases"]) <= 2
        found += [each["number"] for each in told["cases"]]
        if not (after := told["next"]):
            break
    assert not after and sorted(found) == sorted(made)


async def test_a_body_that_is_too_large_is_not_read(house: House) -> None:
    status, problem, _ = await ask(house, await token_for(house), told=MATTER | {"subject": "长" * 65_536})
    assert (status, problem["code"]) == (422, "too_large")


async def test_who_asks_too_often_waits(house: House) -> None:
    house.server.app._state[LIMITS] = RateLimits({"api": Limit(3, 1)})  # type: ignore[union-attr]
    token = await token_for(house)
    answers = [(await ask(house, token))[0] for _ in range(4)]
    assert answers == [200, 200, 200, 429]


async def test_only_offices_have_systems_and_only_administrators_let_them_in(house: House) -> None:
    clock, world = house.clock, house.world
    admin, clerk = world.actor("city.sysadmin"), world.actor("chengguan.receptionist")
    both = tuple(ApiScope)
    async with house.database.session() as db:
        for office, scopes, field in ((world.housing, both, "organisation"), (world.city, (), "scopes")):
            with pytest.raises(Invalid) as caught:
                await create_client(db, clock, admin, "旧系统", office.id, scopes)
            assert caught.value.field == field
        client, _ = await create_client(db, clock, admin, "旧系统", world.city.id, both)
        with pytest.raises(Forbidden):
            await create_client(db, clock, clerk, "旧系统", world.chengguan.id, both)
        with pytest.raises(Forbidden):
            await revoke_client(db, clock, clerk, client.id)
        with pytest.raises(Forbidden):
            await list_clients(db, clerk)
        assert [each.revoked_at for each in await list_clients(db, admin)] == [None]
