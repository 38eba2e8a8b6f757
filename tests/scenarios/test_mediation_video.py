"""A mediation without a case in real browsers: two parties consent by telephone, a mediator helps."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import SystemClock
from cases.database import Database
from cases.mediation.consenting import record_consent
from cases.mediation.matter import Side
from cases.mediation.mediating import NewMediation, NewParty, open_mediation
from cases.mediation.third_party import add_third_party
from cases.organisations import Organisation
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from recordings.recording import Recording
from scheduling.links import issue_link
from scheduling.session import Session, SessionState
from scheduling.sessions.invitations import Invitee, invite, list_invitations
from scheduling.sessions.mediation_video import ArrangeVideo, arrange_video
from tests.mediations import PERSON
from tests.scenarios.browsers import (
    diagnostics,
    inbound,
    needs_chromium,
    new_context,
    received_parties,
    until,
)
from tests.scenarios.parties import (
    PATIENCE,
    act,
    admit_everybody,
    confirm,
    official_into_room,
    until_live,
)
from tests.scenarios.service import Service, running_service

pytestmark = [needs_chromium, pytest.mark.browser, pytest.mark.real_time, pytest.mark.timeout(300)]
CLOCK = SystemClock()
PARTIES = (NewParty(Side.APPLICANT, "马秀兰", "13800001234"), NewParty(Side.RESPONDENT, "赵建军"))


async def arrange(db: AsyncSession, service: Service) -> tuple[str, dict[str, str]]:
    """Session id, and the address of each person's link: 主持, both parties, 马调解."""
    code = Organisation.region_code == "620102"
    office = (await db.scalars(select(Organisation).where(code).order_by(Organisation.kind.desc()))).first()
    assert office is not None
    person = PERSON | {"since": "2026-01-01", "until": ""}
    mediator = await add_third_party(db, CLOCK, SYSTEM, office.id, person)
    command = NewMediation(office.id, "楼上漏水赔偿", "泡坏屋顶。", PARTIES, mediator.id)
    mediation = await open_mediation(db, CLOCK, SYSTEM, command)
    for party in mediation.parties:
        await record_consent(db, CLOCK, SYSTEM, mediation.id, party.id, True, "spoken", "我愿意调解。")
    now = CLOCK.now()
    given = ArrangeVideo(mediation.id, now, now + timedelta(hours=1))
    session = await arrange_video(db, CLOCK, SYSTEM, given)
    host = Invitee(InvitationRole.HOST, "主持", organisation_id=office.id)
    await invite(db, CLOCK, SYSTEM, session.id, host)
    links = {}
    for each in await list_invitations(db, session.id):
        secret = await issue_link(db, CLOCK, SYSTEM, each.id)
        links[each.display_name.partition("（")[0]] = f"{service.base}/j/{each.code}#{secret}"
    return session.id, links


async def guest_to_waiting_room(page: Page, url: str, consents: bool) -> None:
    await page.goto(url)
    await act(page, "start")
    if consents:
        await expect(page.locator("main")).to_contain_text("调解不录音录像")
        await page.get_by_role("button", name="同意调解并继续").click(timeout=PATIENCE)
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await act(page, name)
    await page.locator('[data-screen="waiting"]').wait_for(state="visible", timeout=PATIENCE)


async def sees_and_hears(page: Page, other: Page) -> bool:
    seen, heard = received_parties(await inbound(page))
    return await diagnostics(other, "participantId") in seen & heard


async def test_two_parties_and_a_mediator_meet_and_nothing_is_recorded(
    tmp_path: Path, chrome: Browser
) -> None:
    async with running_service(tmp_path / "state") as service:
        database = Database(service.settings.database_url)
        async with database.session() as db:
            session_id, links = await arrange(db, service)
        pages = {name: await (await new_context(chrome, phone=name != "主持")).new_page() for name in links}
        await official_into_room(pages["主持"], links["主持"])
        for name in ("马秀兰", "赵建军", "马调解"):
            await guest_to_waiting_room(pages[name], links[name], name != "马调解")
            await admit_everybody(pages["主持"])
            await expect(pages[name].locator("[data-screen=session]")).to_be_visible(timeout=PATIENCE)
        await until(lambda: sees_and_hears(pages["马秀兰"], pages["赵建军"]), 60, "the parties meet")
        await act(pages["主持"], "open")
        await expect(pages["主持"].locator("dialog[open]")).to_contain_text("本场不录音录像")
        await expect(pages["主持"].locator("dialog[open] h2")).to_have_text("开始调解？")
        await confirm(pages["主持"])
        await until_live(pages["主持"])
        await expect(pages["马秀兰"].locator("[data-screen=session]")).to_contain_text("未录音录像")
        # The office a mediator brings along in the name stands where offices stand.
        await expect(pages["马秀兰"].locator(".tile-name", has_text="马调解")).to_have_text("马调解")
        await expect(pages["马秀兰"].locator(".tile-office", has_text="人民调解员")).to_be_visible()
        helped = pages["马调解"].locator("[data-screen=session]")
        await expect(helped).to_contain_text("马某")
        await expect(helped).not_to_contain_text("秀兰")
        await act(pages["主持"], "close")
        await confirm(pages["主持"])
        # Nothing is recorded until minutes are signed, so the room ends with the sitting.
        farewell = pages["主持"].locator("[data-part=farewell]")
        await expect(farewell).to_contain_text("本场没有录音录像", timeout=PATIENCE)
        await expect(pages["马秀兰"].locator("[data-screen=done]")).to_contain_text("本场没有录音录像")

        async def over() -> bool:
            async with database.session() as db:
                session = await db.get_one(Session, session_id)
                recorded = select(Recording.id).where(Recording.session_id == session_id)
                assert (await db.scalars(recorded)).all() == []
                return session.state is SessionState.CLOSED

        await until(over, 10, "the session is closed")
        await database.close()
