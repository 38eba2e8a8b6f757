"""The programming interface: tokens, scopes, one case for one external id, nothing confidential, problems."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
from sqlalchemy import func, select

from cases.casefile import PetitionCase, PetitionClass
from tests.factories import make_petition
from tests.web.conftest import House

WHOLE = ("cases:read", "cases:write")
MATTER = {"external_id": "A-1", "name": "李德福", "phone": "13800001234", "subject": "楼道漏水三个月无人修"}


async def make_token(house: House, *scopes: str, office: str = "chengguan") -> str:
    admin = await house.official("city.sysadmin")
    page = await (await admin.get("/clients")).text()
    token = re.search(r'name="csrf_token" value="([^"]*)"', page)
    fields = [("csrf_token", token.group(1) if token else ""), ("name", "旧信访系统")]
    fields += [("organisation", house.world.organisations[office].id), *(("scopes", s) for s in scopes)]
    answer = await admin.post("/clients", aiohttp.FormData(fields))
    assert answer.status == 303, await answer.text()
    found = re.search(r"lxc_[\w-]+", await (await admin.get("/clients")).text())
    assert found and found.group() not in await (await admin.get("/clients")).text()
    return found.group()


async def ask(
    house: House, token: str, path: str = "", told: Any = None
) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
    browser, headers = house.browser(), {"Authorization": f"Bearer {token}", "Origin": None}
    if told is None:
        answer = await browser.get(f"/api/v1/cases{path}", headers={"Authorization": f"Bearer {token}"})
    else:
        answer = await browser.http.post(browser.base + f"/api/v1/cases{path}", json=told, headers={
            key: value for key, value in headers.items() if value
        })  # fmt: skip
        await answer.read()
    return answer.status, await answer.json(content_type=None), answer


async def test_a_case_is_created_once_and_read_back(house: House) -> None:
    token = await make_token(house, *WHOLE)
    status, made, answer = await ask(house, token, told=MATTER)
    assert status == 201 and len(made["query_code"]) == 10
    assert answer.headers["Location"] == f"/api/v1/cases/{made['number']}"
    status, again, _ = await ask(house, token, told=MATTER)
    assert (status, again) == (200, {"number": made["number"]})
    status, case, _ = await ask(house, token, f"/{made['number']}")
    assert status == 200 and case["subject"] == MATTER["subject"] and case["clocks"][0]["due_on"]
    assert "李德福" not in str(case) and "13800001234" not in str(case)
    status, listed, _ = await ask(house, token)
    assert [each["number"] for each in listed["cases"]] == [made["number"]] and listed["next"] is None
    async with house.database.session() as db:
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 1


async def test_no_token_a_wrong_one_a_revoked_one_and_a_small_one(house: House) -> None:
    for wrong in ("", "lxc_guess", "x" * 300):
        status, problem, answer = await ask(house, wrong)
        assert status == 401 and problem["code"] == "bad_token"
        assert answer.content_type == "application/problem+json" and "WWW-Authenticate" in answer.headers
    reader = await make_token(house, "cases:read")
    status, problem, _ = await ask(house, reader, told=MATTER)
    assert (status, problem["code"]) == (403, "scope_missing")
    admin = await house.official("city.sysadmin")
    client = re.search(r"/clients/(\w{32})/revoke", await (await admin.get("/clients")).text())
    assert client is not None
    assert (await admin.send("/clients", client.group())).status == 303
    assert (await ask(house, reader))[0] == 401
    assert (await admin.send("/clients", client.group())).status == 404


async def test_what_is_confidential_or_elsewhere_is_not_there(house: House) -> None:
    async with house.database.session() as db:
        secret = await make_petition(
            db, house.clock, house.world.chengguan, "检举", class_=PetitionClass.ACCUSATION
        )
        about = await make_petition(
            db, house.clock, house.world.city, "对区局不满", accused_organisation_id=house.world.chengguan.id
        )
        other = await make_petition(db, house.clock, house.world.xigu, "路灯不亮")
    token = await make_token(house, *WHOLE)
    assert (await ask(house, token))[1]["cases"] == []
    for petition in (secret, about, other):
        status, problem, _ = await ask(house, token, f"/{petition.number}")
        assert (status, problem["code"]) in ((404, "not_found"), (404, "petition_not_found"))


async def test_bad_input_is_told_as_a_problem_at_the_field(house: House) -> None:
    token = await make_token(house, *WHOLE)
    wrong: list[tuple[Any, str]] = [
        ({**MATTER, "phone": "138; DROP"}, "phone"),
        ({**MATTER, "id_number": "620102199001011234"}, "id_number"),
        ({**MATTER, "subject": ""}, "subject"),
        ({**MATTER, "external_id": ""}, "external_id"),
        ({**MATTER, "channel": "fax"}, "channel"),
        ({**MATTER, "name": 7}, "name"),
        ({**MATTER, "score": "low"}, "score"),
    ]
    for told, field in wrong:
        status, problem, _ = await ask(house, token, told=told)
        assert (status, problem.get("field")) == (422, field), problem
    for strange in ([], "x", 7):
        assert (await ask(house, token, told=strange))[0] == 422
    assert (await ask(house, token, "?after=nonsense"))[0] == 422
    async with house.database.session() as db:
        assert await db.scalar(select(func.count()).select_from(PetitionCase)) == 0


async def test_only_the_administrator_lets_systems_in(house: House) -> None:
    clerk = await house.official("chengguan.receptionist")
    assert (await clerk.get("/clients")).status == 403
    admin = await house.official("city.sysadmin")
    answer = await admin.send("/clients", "/clients", name="", organisation="")
    page = await answer.text()
    assert answer.status == 422 and 'id="name-error"' in page and 'id="organisation-error"' in page
