"""Signing in and out, form tokens, Origin, lock-out, and what logs never hold."""

from __future__ import annotations

import logging

import pytest

from tests.factories import PASSWORD
from tests.web.conftest import House
from web.http.access import SIGN_IN_COOKIE, local_path


async def test_a_page_for_officials_sends_strangers_to_sign_in(house: House) -> None:
    answer = await house.browser().get("/cases")
    assert answer.status == 302
    assert answer.headers["Location"] == "/signin?next=/cases"


async def test_after_signing_in_the_wanted_page_opens(house: House) -> None:
    browser = house.browser()
    answer = await browser.send(
        "/signin",
        "/signin",
        username="chengguan-receptionist",
        password=PASSWORD,
        next="/cases",
    )
    assert (answer.status, answer.headers["Location"]) == (303, "/cases")
    assert (await browser.get("/cases")).status == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house: House) -> None:
    answer = await house.browser().sign_in("chengguan-receptionist")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_a_cookie_fixed_before_signing_in_is_replaced_and_dead(house: House) -> None:
    victim, thief = house.browser(), house.browser()
    await victim.sign_in("chengguan-receptionist")
    old = victim.cookie(SIGN_IN_COOKIE)
    await victim.send("/board", "/signin", username="chengguan-leader", password=PASSWORD)
    assert victim.cookie(SIGN_IN_COOKIE) not in ("", old)
    answer = await thief.get("/board", headers={"Cookie": f"{SIGN_IN_COOKIE}={old}"})
    assert answer.status == 302


async def test_signing_out_ends_the_sign_in_on_the_server(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    old = browser.cookie(SIGN_IN_COOKIE)
    assert (await browser.send("/board", "/signout")).status == 303
    answer = await house.browser().get("/board", headers={"Cookie": f"{SIGN_IN_COOKIE}={old}"})
    assert answer.status == 302


async def test_idle_too_long_and_the_sign_in_page_comes(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    house.clock.advance(minutes=16)
    assert (await browser.get("/board")).status == 302


async def test_five_failures_lock_and_say_so(house: House) -> None:
    browser = house.browser()
    for _ in range(5):
        answer = await browser.sign_in("chengguan-receptionist", "wrong")
        assert answer.status == 422
    text = await (await browser.sign_in("chengguan-receptionist")).text()
    assert "锁定 15 分钟" in text


async def test_empty_fields_are_named_at_the_field_and_in_the_summary(house: House) -> None:
    answer = await house.browser().send("/signin", "/signin", username="", password="")
    text = await answer.text()
    assert answer.status == 422
    assert "有 2 处需要修改" in text
    assert "<title>错误：" in text
    assert 'href="#username"' in text
    assert 'id="password-error"' in text


async def test_a_post_without_form_token_is_refused(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    assert (await browser.post("/signout", {})).status == 403
    assert (await browser.post("/signout", {"csrf_token": "0" * 64})).status == 403
    assert (await browser.get("/board")).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://gov.cn.evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": None, "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_post_from_another_site_is_refused(house: House, headers: dict[str, str | None]) -> None:
    browser = await house.official("chengguan.receptionist")
    token = (await (await browser.get("/board")).text()).split('name="csrf_token" value="')[1].split('"')[0]
    answer = await browser.post("/signout", {"csrf_token": token}, headers=headers)
    assert answer.status == 403


async def test_a_null_origin_with_the_right_token_passes(house: House) -> None:
    """Forms under `Referrer-Policy: no-referrer` carry `Origin: null`."""
    browser = await house.official("chengguan.receptionist")
    token = (await (await browser.get("/board")).text()).split('name="csrf_token" value="')[1].split('"')[0]
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert (await browser.post("/signout", {"csrf_token": token}, headers=headers)).status == 303


@pytest.mark.parametrize(
    "given",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "x" * 600,
        "/a\nb",
    ],
)
def test_next_leads_only_to_pages_of_ours(given: str) -> None:
    assert local_path(given) == "/board"
    assert local_path("/cases/1?x=2") == "/cases/1?x=2"


async def test_logs_hold_no_token_no_query_and_no_name(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    browser = await house.official("chengguan.receptionist")
    await browser.get("/cases?search=李德福")
    await browser.get("/j/abcdefghij")
    text = caplog.text
    assert "GET /j/{code} 200" in text
    assert browser.cookie(SIGN_IN_COOKIE) not in text
    assert "李德福" not in text
    assert "%E6%9D%8E" not in text
    assert "abcdefghij" not in text


async def test_too_many_sign_ins_from_one_address(house: House) -> None:
    browser = house.browser()
    statuses = {
        (await browser.send("/signin", "/signin", username="", password="")).status for _ in range(22)
    }
    assert statuses == {422, 429}
