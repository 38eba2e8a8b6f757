"""English: what is marked, that everything marked is translated, and who gets it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser

from cases.clock import BEIJING
from cases.deadlines.profile import read_profiles
from scheduling.phases import PHASES
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import CITIZEN, LARGE_TYPE, Looker
from tests.web.test_links import make_link
from web import words
from web.language import (
    CHINESE,
    COOKIE,
    DOMAINS,
    ENGLISH,
    catalogue,
    choose_language,
    files_of,
    in_chinese,
    read_catalogue,
    say,
    say_error,
    speak,
)
from web.marking import WORD, mark
from web.sentences import WEB, of_module, of_python, of_template, of_vocabulary

TEMPLATES, MODULES = WEB / "templates", WEB / "static" / "js"
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
# What a demonstration's camera shows, the sign in the minutes for who wrote which of two words, and the two
# words that a mediation's rooms change for one another.
RECORDS = ("media/synthetic.js", "minutes/merge.js", "js/translate.js")
SPEAKING = [path for path in sorted(MODULES.rglob("*.js")) if not path.as_posix().endswith(RECORDS)]
# Python that tells pages nothing: names, records in Chinese, and what a terminal shows.
SILENT = re.compile(
    "cases/(lanzhou|schema)|scheduling/minutes/(template|merge)|web/(commands|demo|cli|setting|processes/supervisor)"
    "|web/(minutes/|package_page|tending/messages|language)|recordings/packages/(metadata|package|check|clip|day_proof)"
    "|recordings/evidence/(keys|minutes_record|verdict|examiner|manifest_shape|day_root|attestations)"
    "|recordings/film/(composition|direction|layout|pages|picture|pixels|sheet|stage|veils)"
    "|recordings/watch/office_check|web/statistics/report|web/briefing_pdf|scheduling/calendars/entries"
    "|recordings/evidence/veils"
    "|recordings/composer|migrations|web/sentences|cases/documents/(facts|letter)|web/letters"
)
# Dates are written by Babel (web/words.py), a masked name keeps its ending, a copy of a paper is named.
WRITTEN = re.compile(r"年|月\{|%-m月|某|^一二三|（第\{0\}页批注）|星期\{")


def test_every_page_is_translated() -> None:
    known = catalogue("pages")
    awaited = {
        (path.relative_to(TEMPLATES).with_suffix("").as_posix(), text)
        for path in TEMPLATES.rglob("*.html")
        for text in of_template(path)
        if text not in known
    }
    assert awaited == set()


def test_modules_say_nothing_unmarked_or_untranslated() -> None:
    found = [of_module(path) for path in SPEAKING]
    known = catalogue("browser")
    assert [text for _, rest in found for text in rest] == []
    assert {text for marked, _ in found for text in marked if text not in known} == set()


def test_every_sentence_of_rules_and_every_word_of_the_vocabulary_is_translated() -> None:
    known = catalogue("pages") | catalogue("words")
    root = WEB.parent
    rules = {
        text
        for part in ("cases", "scheduling", "recordings", "signaling", "web")
        for path in sorted((root / part).rglob("*.py"))
        if not SILENT.search(path.relative_to(root).as_posix())
        for text in of_python(path)
        if not WRITTEN.search(text)
    } | {phase.title for phases in PHASES.values() for phase in phases}
    duties = [duty for profile in read_profiles().values() for duty in profile.duties.values()]
    rules |= {text for duty in duties for text in (duty.title, duty.source)}
    assert len(rules) > 500
    assert {text for text in (*rules, *of_vocabulary()) if text not in known} == set()


def test_a_sentence_is_found_with_its_values() -> None:
    told = "这个文件有 12.5 MB，最大 10 MB。"
    assert say(told) == told
    speak(ENGLISH)
    try:
        assert say(told) == "This file has 12.5 MB, the most is 10 MB."
        assert say("请填写原因。") == "Please fill in: Reason."
        assert say("等了某人 3 分钟") == "等了某人 3 分钟", "what people type is no sentence of ours"
        assert say("3 年") == "3 years"
        with in_chinese():
            assert say(told) == told, "records stay Chinese"
    finally:
        speak(CHINESE)


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_translation_holds_the_same_values_and_no_markup(domain: str) -> None:
    told = catalogue(domain)
    assert len(told) > 50
    for sentence, english in told.items():
        assert not WORD.search(english), sentence
        assert not re.search(r'[<>"]', english), sentence
        if domain != "errors":
            assert sorted(PLACEHOLDER.findall(sentence)) == sorted(PLACEHOLDER.findall(english)), sentence


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_sentence_has_one_translation(domain: str) -> None:
    """The catalogue that is read last would speak for all pages: a button said what a heading says."""
    told: dict[str, str] = {}
    for path in files_of(domain):
        for sentence, english in read_catalogue(path).items():
            assert told.setdefault(sentence, english) == english, (path.name, sentence)


def test_texts_are_marked_where_they_stand() -> None:
    source = (
        '<a class="x" aria-label="第 {{ n }} 段">{{ icon("back") }}共 {{ n|round }} 段，100 %</a>\n'
        '{# 说明 #}{% set a = "好" %}{{ a if b else "不好" }}<p>{{ c }}</p>。'
    )
    told, messages = mark(source)
    assert messages == ["第 %(n)s 段", "共 %(n)s 段，100 %%", "好", "不好", "。"]
    assert 'aria-label="{{ _("第 %(n)s 段", n=(n)) }}"' in told
    assert '{{ icon("back") }}{{ _("共 %(n)s 段，100 %%", n=(n|round)) }}</a>' in told
    assert "{# 说明 #}" in told and '{% set a = _("好") %}' in told and "<p>{{ c }}</p>" in told


def test_chinese_stays_unless_somebody_asks() -> None:
    assert choose_language(None, "en-GB,en;q=0.9", follow=False) == CHINESE
    assert choose_language(None, "en-GB,en;q=0.9", follow=True) == ENGLISH
    assert choose_language(None, "en,zh-CN;q=0.5", follow=True) == CHINESE
    assert choose_language("en", "zh-CN", follow=False) == ENGLISH
    assert choose_language("xx", "", follow=True) == CHINESE


def test_dates_and_refusals_in_english() -> None:
    moment = datetime(2026, 11, 25, 9, 30, tzinfo=BEIJING).astimezone(UTC)
    assert words.long_date(moment) == "2026年11月25日 星期三"
    assert say_error("code_wrong", "验证码不对，还可以试 2 次。") == "验证码不对，还可以试 2 次。"
    speak(ENGLISH)
    try:
        assert words.long_date(moment) == "Wednesday 25 November 2026"
        assert words.date_time(moment) == "25 November 2026, 09:30"
        assert say_error("code_wrong", "验证码不对，还可以试 2 次。").startswith("The code is not right")
        assert say_error("no_such_code", "某事不行。") == "某事不行。"
    finally:
        speak(CHINESE)


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_the_switch_is_remembered_and_leads_back(house: House) -> None:
    browser = house.browser()
    answer = await browser.get("/privacy", headers={"Accept-Language": "en"})
    assert 'lang="zh-CN"' in await answer.text()
    changed = await browser.send("/privacy", "/language", language="en", next="/privacy")
    assert (changed.status, changed.headers["Location"]) == (303, "/privacy")
    page = await (await browser.get("/privacy")).text()
    assert 'lang="en"' in page and "<h1>Privacy</h1>" in page and 'id="sentences"' in page
    missing = await browser.get("/nowhere", headers={"Accept": "application/json"})
    assert (await missing.json())["error"]["message"].startswith("The address may be wrong")
    for elsewhere in ("//evil.example/", "https://evil.example/", "/\\evil.example", "x"):
        changed = await browser.send("/privacy", "/language", language="zh-CN", next=elsewhere)
        assert changed.headers["Location"] == "/"
    assert 'lang="zh-CN"' in await (await browser.get("/privacy")).text()
    assert (await house.browser().post("/language", {"language": "en", "next": "/"})).status == 403


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_citizen_reads_english(house: House, chrome: Browser) -> None:
    given = await make_link(house)
    base = f"http://127.0.0.1:{house.server.port}"
    context = await chrome.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN")
    eyes = Looker(await context.new_page(), base)
    await eyes.page.goto(f"{base}/j/{given.code}")
    await eyes.page.get_by_role("button", name="English").click()
    await eyes.page.get_by_role("heading", name="Invitation to a video reception").wait_for()
    assert COOKIE in {each["name"] for each in await context.cookies()}
    for path in (
        f"/j/{given.code}",
        "/privacy",
        "/accessibility",
        "/progress",
        f"/j/{given.code}/declined",
    ):
        await eyes.open(path)
        assert not WORD.search(await eyes.page.locator("main").inner_text()), path
    await eyes.page.set_viewport_size({"width": CITIZEN, "height": 740})
    await eyes.page.evaluate(LARGE_TYPE)
    await eyes.open(f"/j/{given.code}")
    assert await eyes.page.locator("[data-large-type]").inner_text() == "Standard type"
    assert eyes.faults == []
