"""A click on a paragraph of the minutes plays its second: beside the film, on the signed page, in the PDF."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
import pypdf
import pytest
from PIL import Image
from playwright.async_api import Browser, Page
from sqlalchemy import select
from typer.testing import CliRunner

from cases.database import new_id
from cases.policy import SYSTEM
from recordings.recording import load_recording
from scheduling.minutes.editing import EditParagraph, InsertParagraph, change_minutes
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.record import MinutesState, begin_minutes, move_minutes
from tests.scenarios.browsers import needs_chromium
from tests.scheduling.test_minutes_signing import handwriting
from tests.web import test_replay_lanes
from tests.web.conftest import House
from tests.web.test_axe import DESK
from tests.web.test_signing import HOST, SAID, Case, arrange
from web.cli import app as commands

SECOND = 42.3


async def finish(case: Case) -> str:
    """Both sign; returns the address of the minutes."""
    digest = await case.digest()
    await case.cite(303, act="sign", digest=digest, strokes=handwriting())
    await case.act(303, act="sign", digest=digest, strokes=handwriting(2))
    return f"/sessions/{case.given.session_id}/minutes"


def searched(path: Path) -> str:
    command = ["pdftotext", "-enc", "UTF-8", str(path), "-"]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


async def test_what_is_printed_is_searched_and_holds_the_handwriting(house: House, tmp_path: Path) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    base = await finish(case)
    body = await (await case.host.get(f"{base}.pdf")).read()
    path = tmp_path / "minutes.pdf"
    path.write_bytes(body)
    if shutil.which("pdftotext"):
        words = await asyncio.to_thread(searched, path)
    else:
        words = "".join(each.extract_text() for each in pypdf.PdfReader(BytesIO(body)).pages)
    assert SAID in words.replace("\n", "").replace("\x00", "")
    # Handwriting is dark strokes on white, and each its own.
    images = [each.data for page in pypdf.PdfReader(BytesIO(body)).pages for each in page.images]
    inks = [np.asarray(Image.open(BytesIO(data)).convert("L")) < 128 for data in images]
    assert len(inks) == 2 and all(0.001 < ink.mean() < 0.3 for ink in inks)
    assert inks[0].shape != inks[1].shape or (inks[0] != inks[1]).any()
    # Nobody may watch from the citizen's document, and there is no film yet in the office's.
    for data in (body, await (await case.phone.get(f"{case.mine}.pdf")).read()):
        assert all("/Annots" not in page for page in pypdf.PdfReader(BytesIO(data)).pages)


async def test_the_signed_record_is_proven_offline_to_the_character(house: House, tmp_path: Path) -> None:
    case = await arrange(house, MinutesState.READ_BACK, MinutesState.SIGNING)
    base = f"/sessions/{case.given.session_id}/minutes"
    assert "没有签名记录" in await (await case.host.get(f"{base}.json")).text()
    await finish(case)
    answer = await case.host.get(f"{base}.json")
    assert answer.status == 200
    record = await answer.text()

    def verify(text: str) -> tuple[int, str]:
        path = tmp_path / "minutes.json"
        path.write_text(text, "utf-8")
        done = CliRunner().invoke(commands, ["verify", str(path)])
        return done.exit_code, done.output

    code, told = verify(record)
    assert code == 0 and "完整" in told and await case.digest() in told.replace("\n", "")
    code, told = verify(record.replace("三月", "四月"))
    assert code == 2 and "定稿后被改动" in told and "完整" not in told
    place = record.index('"signature": "') + 20
    other = "0" if record[place] != "0" else "1"
    assert verify(record[:place] + other + record[place + 1 :])[0] == 2
    assert verify(record[: len(record) // 2])[0] == 3


async def test_changes_after_the_reading_are_shown_before_signing(house: House) -> None:
    case = await arrange(house, MinutesState.READ_BACK)
    assert "没有改动" in await (await case.host.get(case.theirs)).text()
    async with house.database.session() as db:
        actor, session_id = house.world.actor(HOST), case.given.session_id
        said = (await db.scalars(select(MinutesParagraph).where(MinutesParagraph.text == SAID))).one()
        edit = EditParagraph(
            edit_id=new_id(), paragraph_id=said.id, base=said.revision, text=SAID.replace("三月", "四月")
        )
        await change_minutes(db, house.clock, actor, session_id, edit)
        for kind, words in ((ParagraphKind.STATEMENT, "<b>补一段</b>"), (ParagraphKind.NOTE, "只给自己看")):
            added = InsertParagraph(
                edit_id=new_id(), paragraph_id=new_id(), after_id=said.id, kind=kind, speaker_id=None,
                text=words,
            )  # fmt: skip
            await change_minutes(db, house.clock, actor, session_id, added)
        # Reopened and read back once more: it is still the first reading that is compared.
        for state in (MinutesState.DRAFTING, MinutesState.READ_BACK):
            await move_minutes(db, house.clock, actor, session_id, state)
    page = await (await case.host.get(case.theirs)).text()
    changes = page.split('id="changes-title"')[1].split("</section>")[0]
    assert "（2 处）" in changes and "<del>三</del><ins>四</ins>" in changes
    assert "<ins>&lt;b&gt;补一段&lt;/b&gt;</ins>" in changes and "只给自己看" not in changes


async def at_its_second(page: Page) -> None:
    """The film is there and stands, or plays on from, where the paragraph was said."""
    found = await page.wait_for_function(
        "(at) => { const film = document.querySelector('video');"
        " return film && film.readyState >= 2 && !film.seeking && film.currentTime; }",
        arg=SECOND,
        timeout=30_000,
    )
    assert abs(await found.json_value() - SECOND) < 0.5


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(180)
@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_click_on_a_paragraph_plays_its_second(house: House, chrome: Browser) -> None:
    recording_id = await test_replay_lanes.arrange(house)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        session_id = recording.session_id
        await begin_minutes(db, house.clock, SYSTEM, session_id)
        for second, words in ((-600.0, "之前说的"), (SECOND, SAID), (9000.0, "之后说的")):
            change = InsertParagraph(
                edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.ANSWER,
                speaker_id=None, text=words,
            )  # fmt: skip
            paragraph = (await change_minutes(db, house.clock, SYSTEM, session_id, change)).paragraph
            paragraph.said_at = recording.started_at + timedelta(seconds=second)
            await db.commit()
    eyes = await test_replay_lanes.opened(house, chrome, DESK, recording_id)
    page = eyes.page
    assert await page.locator("#replay-spoken a").count() == 1
    await page.locator("#replay-spoken a", has_text=SAID).click()
    await at_its_second(page)
    await eyes.page.wait_for_function("!document.querySelector('video').paused")
    await page.wait_for_function("document.querySelector('#replay-spoken a[aria-current=true]')")

    await eyes.open(f"/sessions/{session_id}/minutes/signing")
    assert await page.locator("a.final-moment").count() == 1
    await page.locator("a.final-moment").click()
    await at_its_second(page)

    pdf = await (await page.request.get(f"{eyes.base}/sessions/{session_id}/minutes.pdf")).body()
    links = [
        each.get_object()["/A"]["/URI"]
        for sheet in pypdf.PdfReader(BytesIO(pdf)).pages
        for each in sheet.get("/Annots", ())
    ]
    assert set(links) == {f"{eyes.base}/recordings/{recording_id}?t={SECOND}"}
    await page.goto(links[0])
    await at_its_second(page)
    assert eyes.faults == []
