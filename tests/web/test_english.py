"""Every page in English: nothing Chinese is left but names, what people typed, and records."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import String, select

from cases.database import Base
from cases.lanzhou import DISTRICTS
from cases.policy import SYSTEM
from recordings.alarms import AlarmState, list_alarms
from recordings.evidence.proof import note_verdict
from recordings.evidence.verification import Finding, Verdict
from recordings.recording import load_recording
from tests.web.conftest import Browser, House
from tests.web.ruled import LAW
from tests.web.test_links import make_link
from tests.web.test_officials_pages import PAGES
from tests.web.test_routes import Objects, make_objects
from tests.web.things import RECEPTIONIST, prepare
from web.routes import TABLE

CHINESE = re.compile(r"[\u4e00-\u9fff](?:[^<>\"\n]*[\u4e00-\u9fff])?")
# What a page carries for its modules: names, and words that they tell in the page's language; and what is
# marked as Chinese: papers, and what goes into them.
BESIDE = re.compile(
    r'<script\b.*?</script>|<!--.*?-->|<(article|textarea)\b[^>]*lang="zh-CN".*?</\1>'
    r'|<input\b[^>]*lang="zh-CN"[^>]*>',
    re.S,
)
TAGS = r"</?(?:a|b|strong)\b[^>]*>"
JOINED = re.compile(rf"[a-z0-9]{TAGS}[A-Za-z]\w*|[a-z][.:;,]{TAGS}\w+")
SENTENCES = re.compile(r"\b[a-z]+[.;,][A-Z][a-z]+\b")
PLACE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
CITIZENS = (
    *("/j/", "/book", "/petition", "/mailbox", "/privacy", "/accessibility", "/progress", "/signin"),
    "/terminal",
)
# The other language is offered in its own word; a masked name keeps its ending.
KEPT = ("中文", "李某", *DISTRICTS.values())
# What the search of recordings was asked for, and how a line of the minutes begins, which are a record.
ASKED, RECORDED = "李", "答"
DAMAGED = Finding("x", "tracks/a", "字节 100 至 200 被改动。", "Bytes 100 to 200 were changed.")


async def typed(house: House) -> list[str]:
    """Names, what people typed and what was recorded, as the database holds it; the longest first."""
    found: set[str] = set(KEPT)
    async with house.database.session() as db:
        for table in Base.metadata.tables.values():
            for column in table.columns:
                if isinstance(column.type, String):
                    found |= {str(value) for value in await db.scalars(select(column).distinct()) if value}
    return sorted((each for each in found if CHINESE.search(each)), key=len, reverse=True)


def chinese_of(page: str, known: list[str]) -> list[str]:
    """What is Chinese on a page and stands in no list of what was typed."""
    text = html.unescape(BESIDE.sub("", page))
    for each in known:
        text = text.replace(each, "")
    return CHINESE.findall(text)


def joined_of(page: str) -> list[str]:
    """Where two words stand together because Chinese needs no space between a sentence and a tag in it."""
    return JOINED.findall(BESIDE.sub("", page)) + SENTENCES.findall(BESIDE.sub("", page))


async def walk(browser: Browser, paths: list[str], known: list[str], status: int = 0) -> dict[str, list[str]]:
    """Path to what is Chinese there; `status` is what every page answers with, if that is known."""
    await browser.send("/privacy", "/language", language="en", next="/")
    found = {}
    for path in paths:
        answer = await browser.get(path)
        assert answer.status == status if status else answer.status < 500, path
        if answer.content_type in ("text/html", "application/json"):
            page = await answer.text()
            if answer.content_type == "application/json" and answer.status < 400:
                continue
            left = chinese_of(page, known) + joined_of(page)
            if left:
                found[path] = left
    return found


def paths_of(objects: Objects) -> list[str]:
    """Every page there is, with the objects of the house in its address."""
    known = vars(objects) | {"question": "outcome", "number": "1"}
    patterns = [route.path for route in TABLE if route.method == "GET"]
    return [PLACE.sub(lambda found: str(known.get(found[1], "0" * 32)), pattern) for pattern in patterns]


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_every_page_of_citizens_is_english(house: House) -> None:
    objects, given, citizen = await make_objects(house), await make_link(house), house.browser()
    known = await typed(house)
    paths = [path.replace(objects.code, given.code) for path in paths_of(objects)]
    await citizen.send(f"/j/{given.code}", f"/j/{given.code}", secret=given.secret)
    assert await walk(citizen, [path for path in paths if path.startswith(CITIZENS)], known) == {}


async def arrange_damage(house: House, recording_id: str) -> str:
    """The recording was read and found changed; the id of the alarm about it."""
    async with house.database.session() as db:
        row = await load_recording(db, recording_id)
        verdict = Verdict(house.settings.recordings_root, [DAMAGED] * 2, "f" * 64, "a" * 64, 4, 1000)
        await note_verdict(db, house.clock, row, house.clock.now(), 1500, verdict)
        found = await list_alarms(db, SYSTEM, AlarmState.OPEN)
        return next(alarm.id for alarm in found if alarm.recording_id == recording_id)


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_every_page_of_officials_is_english(house: House) -> None:
    things = await prepare(house)
    alarm, known = await arrange_damage(house, things.sealed), await typed(house)
    # Who says why they look comes first: what is kept of it stands on pages of others.
    desk = f"/recordings/{things.tracks}/desk"
    paths = {"chengguan.reviewer": [f"/recordings/{things.tracks}", desk]}
    for who, address in PAGES.values():
        paths.setdefault(who, []).append(address(things))
    paths[RECEPTIONIST] += [f"/recordings/{things.sealed}", f"/alarms/{alarm}", "/alarms?state=acknowledged"]
    paths["city.sysadmin"] = ["/"]
    for key, theirs in paths.items():
        browser = await house.official(key)
        if key == "chengguan.reviewer":
            assert await browser.state_purpose(things.tracks) == 303
        assert await walk(browser, theirs, [*known, ASKED, RECORDED, LAW], 200) == {}, key
        if key == RECEPTIONIST:
            versions = await (await browser.get(f"/sessions/{things.session}/minutes/versions")).text()
            assert "<ins>时间</ins>" in versions, "what the minutes said is a record"
            for path in (f"/recordings/{things.sealed}", f"/alarms/{alarm}", "/alarms"):
                assert DAMAGED.text_en in await (await browser.get(path)).text(), path
