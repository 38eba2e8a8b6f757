"""What every answer carries, and trouble told in plain words."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import House
from web.http import errors, guards
from web.pages import home


@pytest.fixture
def database_system() -> str:
    """One system is enough: what every answer carries comes from no database."""
    return "sqlite"


@pytest.mark.parametrize("path", ["/", "/signin", "/nope", "/healthz", "/j/abcdefghij", "/board"])
async def test_every_answer_is_guarded(house: House, path: str) -> None:
    answer = await house.browser().get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.headers["X-Request-Id"]) == 16
    assert "Server" not in answer.headers or "aiohttp" not in answer.headers["Server"]


async def test_pages_hold_no_inline_script_or_style(house: House) -> None:
    browser = await house.official("chengguan.receptionist")
    for path in ("/", "/board", "/cases", "/cases/new", "/styleguide", "/book"):
        text = await (await browser.get(path)).text()
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<style" not in text, path


async def test_an_unknown_page_says_what_to_do(house: House) -> None:
    text = await (await house.browser().get("/nope")).text()
    assert "没有找到这个页面" in text
    assert "12345" in text
    assert 'href="/"' in text


async def test_programs_get_json(house: House) -> None:
    answer = await house.browser().get("/nope", headers={"Accept": "application/json"})
    assert (await answer.json())["error"]["code"] == "not_found"


async def test_a_bug_shows_a_calm_page_with_a_number_and_no_trace(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ValueError("secret detail")

    monkeypatch.setattr(home, "page", broken)
    answer = await house.browser().get("/")
    text = await answer.text()
    assert answer.status == 500
    assert "系统出了点问题" in text
    assert answer.headers["X-Request-Id"] in text
    assert "secret detail" not in text
    assert "Traceback" not in text


async def test_a_body_over_the_ceiling_is_413(house: House) -> None:
    browser = house.browser()
    answer = await browser.send("/signin", "/signin", username="a" * 70_000, password="b")
    assert answer.status == 413
    assert "超过了限度" in await answer.text()


async def test_an_upload_is_not_taken(house: House) -> None:
    import aiohttp

    form = aiohttp.FormData({"csrf_token": "x"})
    form.add_field("file", b"x", filename="../../etc/x")
    assert (await house.browser().post("/signin", form)).status == 415


async def test_trouble_on_a_page_of_a_link_keeps_what_citizens_need(house: House) -> None:
    answer = await house.browser().get("/j/abcdefghij/nowhere")
    text = await answer.text()
    assert answer.status == 404
    assert "没有找到这个页面" in text and "data-large-type" in text and "data-read-aloud" in text


async def test_trouble_is_told_in_the_words_of_who_reads_it(house: House) -> None:
    official = await house.official("chengguan.receptionist")
    for browser, told, untold in (
        (house.browser(), "重新点短信里的链接", "您的单位"),
        (official, "不归您的单位查看", "接访点现场办理"),
    ):
        text = await (await browser.get("/nope")).text()
        assert told in text and untold not in text
    # An official who opens a citizen's link reads it as the citizen does.
    assert "您的单位" not in await (await official.get("/j/abcdefghij/nowhere")).text()


async def test_the_last_page_of_all_needs_no_template(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **more: object) -> None:
        raise ValueError("<secret>")

    monkeypatch.setattr(errors, "page", broken)
    answer = await house.browser().get("/nope")
    text = await answer.text()
    assert answer.status == 404 and answer.content_type == "text/html"
    assert 'content="width=300"' in text and "12345" in text and 'href="/"' in text
    assert answer.headers["X-Request-Id"] in text and "secret" not in text


async def test_static_files_are_known_by_name_only(house: House) -> None:
    browser = house.browser()
    page = await (await browser.get("/")).text()
    url = page.split('href="')[1].split('"')[0]
    answer = await browser.get(url)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    build = url.split("/")[2]
    for name in ("../settings.py", "%2e%2e/settings.py", "css/../../app.py", "css", "", "css/tokens.css%00"):
        assert (await browser.get(f"/static/{build}/{name}")).status == 404, name
    other = await browser.get(url.replace(build, "old"))
    assert other.headers["Cache-Control"] == "no-cache"


async def test_health_and_figures(house: House) -> None:
    browser = house.browser()
    assert (await browser.get("/healthz")).status == 200
    ready = await browser.get("/readyz")
    assert (await ready.json())["database"] is True
    assert ready.status == 503  # No media worker in this test.
    assert "lianxin_http_requests_total" in await (await browser.get("/metrics")).text()
    hidden = await browser.get("/metrics", headers={"X-Forwarded-For": "203.0.113.5"})
    assert hidden.status == 404


def test_the_ceiling_of_hosts_in_the_policy() -> None:
    assert guards.HOST.fullmatch("127.0.0.1:8080")
    assert not guards.HOST.fullmatch("evil; script-src *")


async def test_a_line_that_is_too_long_is_refused_and_logged(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Refused before any route was looked for: the log of requests must bear that."""
    caplog.set_level("INFO")
    reader, writer = await asyncio.open_connection("127.0.0.1", house.server.port)
    writer.write(b"GET /search?q=" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    assert [line for line in caplog.messages if "(none) 400" in line]
