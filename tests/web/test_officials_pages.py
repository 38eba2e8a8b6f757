"""Every page of officials: found by axe without fault, walked by keyboard, with controls that can be hit.

Which pages there are is read from the routes: a new one is looked at, or this file says why it is no page.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from playwright.async_api import Browser, Page

from cases.policy import Action
from tests.axe import violations
from tests.scenarios.browsers import needs_chromium, state_purpose
from tests.web.conftest import House
from tests.web.test_axe import DESK, OFFICIAL, WIDER
from tests.web.things import ADMINISTRATOR, RECEPTIONIST, Things, prepare
from tests.web.walks import fine_print, small_targets, walk
from web.routes import TABLE

SHOTS = os.environ.get("LIANXIN_SHOTS")
LEADER, KEEPER = "city.leader", "chengguan.leader"
ARCHIVIST, AUDITOR = "chengguan.archivist", "city.auditor"


def communal(path: str) -> Callable[[Things], str]:
    """Where a page of campaigns and mediations stands."""
    return lambda it: path.format(**it.communal)


# Route to who opens it, and with which address.
PAGES: dict[str, tuple[str, Callable[[Things], str]]] = {
    "/board": (RECEPTIONIST, lambda _: "/board"),
    "/incidents/{incident_id}": (RECEPTIONIST, lambda it: f"/incidents/{it.incident}"),
    "/calendar": (RECEPTIONIST, lambda _: "/calendar"),
    "/bookings": (RECEPTIONIST, lambda _: "/bookings"),
    "/bookings/{booking_id}": (RECEPTIONIST, lambda it: f"/bookings/{it.booking}"),
    "/cases/{petition_id}/request": ("chengguan.leader", lambda it: f"/cases/{it.petition}/request"),
    "/rota": (RECEPTIONIST, lambda _: "/rota"),
    "/rota/{day_id}": (RECEPTIONIST, lambda it: f"/rota/{it.day}"),
    "/places": (RECEPTIONIST, lambda _: "/places"),
    "/posters/{poster_id}": (RECEPTIONIST, lambda it: f"/posters/{it.poster}"),
    "/cases": (RECEPTIONIST, lambda _: "/cases"),
    "/clocks": (RECEPTIONIST, lambda _: "/clocks"),
    "/messages": (RECEPTIONIST, lambda _: "/messages"),
    "/messages/{thread_id}": (RECEPTIONIST, lambda it: f"/messages/{it.thread}"),
    "/clients": ("city.sysadmin", lambda _: "/clients"),
    "/clients/{client_id}/webhooks": ("city.sysadmin", lambda it: f"/clients/{it.client}/webhooks"),
    "/cases/{petition_id}/query-code": (RECEPTIONIST, lambda it: f"/cases/{it.petition}/query-code"),
    "/imports": (RECEPTIONIST, lambda _: "/imports"),
    "/imports/{import_id}": (RECEPTIONIST, lambda it: f"/imports/{it.job}"),
    "/supervision": (LEADER, lambda _: "/supervision"),
    "/supervision/notices": (LEADER, lambda _: "/supervision/notices?whose=all"),
    "/supervision/listed": (LEADER, lambda _: "/supervision/listed"),
    "/supervision/report": (LEADER, lambda _: "/supervision/report"),
    "/campaigns": (KEEPER, lambda _: "/campaigns"),
    "/campaigns/mine": (KEEPER, lambda _: "/campaigns/mine"),
    "/campaigns/{campaign_id}": (KEEPER, communal("/campaigns/{campaign_id}")),
    "/campaigns/matters/{matter_id}": (RECEPTIONIST, communal("/campaigns/matters/{matter_id}")),
    "/cases/{petition_id}/campaigns": (RECEPTIONIST, lambda it: f"/cases/{it.papers}/campaigns"),
    "/mediation": (RECEPTIONIST, lambda _: "/mediation"),
    "/mediation/new": (RECEPTIONIST, lambda _: "/mediation/new"),
    "/mediation/places": (RECEPTIONIST, lambda _: "/mediation/places"),
    "/mediation/people": (RECEPTIONIST, lambda _: "/mediation/people"),
    "/mediation/{mediation_id}": (RECEPTIONIST, communal("/mediation/{mediation_id}")),
    "/mediation/{mediation_id}/agreement": (RECEPTIONIST, communal("/mediation/{mediation_id}/agreement")),
    "/supervision/{order_id}": (LEADER, lambda it: f"/supervision/{it.order}"),
    "/cases/{petition_id}/supervision": (LEADER, lambda it: f"/cases/{it.petition}/supervision"),
    "/cases/new": (RECEPTIONIST, lambda _: "/cases/new"),
    "/cases/{petition_id}": (RECEPTIONIST, lambda it: f"/cases/{it.petition}"),
    "/cases/{petition_id}/documents/new/{kind}": (
        RECEPTIONIST,
        lambda it: f"/cases/{it.papers}/documents/new/transfer_sheet",
    ),
    "/cases/{petition_id}/documents/{document_id}": (
        RECEPTIONIST,
        lambda it: f"/cases/{it.papers}/documents/{it.document}",
    ),
    "/templates": ("city.sysadmin", lambda _: "/templates"),
    "/templates/{kind}": ("city.sysadmin", lambda _: "/templates/handling_opinion"),
    "/cases/{petition_id}/book": (
        RECEPTIONIST,
        lambda it: f"/cases/{it.petition}/book?first=2026-12-07",
    ),
    "/sessions/{session_id}": (RECEPTIONIST, lambda it: f"/sessions/{it.session}"),
    "/sessions/{session_id}/guests": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/guests"),
    "/sessions/{session_id}/arrivals": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/arrivals"),
    "/figures": (RECEPTIONIST, lambda _: "/figures"),
    "/figures/handling": (RECEPTIONIST, lambda _: "/figures/handling?by=unit"),
    "/figures/receptions": (RECEPTIONIST, lambda _: "/figures/receptions"),
    "/figures/satisfaction": (RECEPTIONIST, lambda _: "/figures/satisfaction"),
    "/figures/districts": (RECEPTIONIST, lambda _: "/figures/districts"),
    "/figures/topics": (RECEPTIONIST, lambda _: "/figures/topics"),
    "/figures/cases": (RECEPTIONIST, lambda _: "/figures/cases?count=registered"),
    "/figures/receptions/list": (RECEPTIONIST, lambda _: "/figures/receptions/list?count=planned"),
    "/figures/screen": (RECEPTIONIST, lambda _: "/figures/screen"),
    "/ratings": (RECEPTIONIST, lambda _: "/ratings"),
    "/requests": (RECEPTIONIST, lambda _: "/requests"),
    "/outbox/{notice_id}/slip": (RECEPTIONIST, lambda it: f"/outbox/{it.notice}/slip"),
    "/outbox": (RECEPTIONIST, lambda _: "/outbox"),
    "/sessions/{session_id}/minutes": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/minutes"),
    "/sessions/{session_id}/minutes/versions": (
        RECEPTIONIST,
        lambda it: f"/sessions/{it.session}/minutes/versions",
    ),
    "/sessions/{session_id}/minutes/signing": (
        RECEPTIONIST,
        lambda it: f"/sessions/{it.session}/minutes/signing",
    ),
    "/sessions/{session_id}/materials": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/materials"),
    "/sessions/{session_id}/room": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/room"),
    "/sessions/{session_id}/hall": (RECEPTIONIST, lambda it: f"/sessions/{it.session}/hall"),
    "/recordings": (RECEPTIONIST, lambda _: "/recordings?person=%E6%9D%8E"),
    "/recordings/{recording_id}": (RECEPTIONIST, lambda it: f"/recordings/{it.tracks}"),
    "/alarms": (RECEPTIONIST, lambda _: "/alarms"),
    "/alarms/{alarm_id}": (RECEPTIONIST, lambda it: f"/alarms/{it.alarm}"),
    "/recordings/{recording_id}/export": (ARCHIVIST, lambda it: f"/recordings/{it.sealed}/export"),
    "/recordings/{recording_id}/proof": (ARCHIVIST, lambda it: f"/recordings/{it.sealed}/proof"),
    "/chain": (ARCHIVIST, lambda _: "/chain"),
    "/chain/{organisation_id}": (ARCHIVIST, lambda it: f"/chain/{it.office}"),
    "/archive": (ARCHIVIST, lambda _: "/archive"),
    "/recordings/{recording_id}/views": ("chengguan.leader", lambda it: f"/recordings/{it.tracks}/views"),
    "/password": (RECEPTIONIST, lambda _: "/password"),
    "/administration": (ADMINISTRATOR, lambda _: "/administration"),
    "/administration/organisations": (ADMINISTRATOR, lambda _: "/administration/organisations"),
    "/administration/organisations/{organisation_id}": (
        ADMINISTRATOR,
        lambda it: f"/administration/organisations/{it.office}",
    ),
    "/administration/accounts": (ADMINISTRATOR, lambda _: "/administration/accounts"),
    "/administration/accounts/{official_id}": (
        ADMINISTRATOR,
        lambda it: f"/administration/accounts/{it.official}",
    ),
    "/administration/holidays": (ADMINISTRATOR, lambda _: "/administration/holidays"),
    "/administration/retention": (ADMINISTRATOR, lambda _: "/administration/retention"),
    "/administration/deadlines": (ADMINISTRATOR, lambda _: "/administration/deadlines?old=0&new=1"),
    "/administration/deadlines/edit": (ADMINISTRATOR, lambda _: "/administration/deadlines/edit"),
    "/administration/rules": ("city.security_admin", lambda _: "/administration/rules"),
    "/administration/requests": ("city.security_admin", lambda _: "/administration/requests"),
    "/administration/signins": ("city.security_admin", lambda _: "/administration/signins"),
    "/administration/audit": (AUDITOR, lambda _: "/administration/audit"),
    "/audit/recordings": (AUDITOR, lambda _: "/audit/recordings"),
    "/audit/recordings/{recording_id}": (AUDITOR, lambda it: f"/audit/recordings/{it.tracks}"),
}
# Files, data for a page's script, and pieces of a page that are looked at within it.
NO_PAGES = frozenset(
    {
        "/board/live",
        "/bookings/{booking_id}/arrange",
        "/cases/{petition_id}/documents/{document_id}/pdf",
        "/cases/{petition_id}/documents/{document_id}/deliveries/{delivery_id}",
        "/imports/{import_id}/report.csv",
        "/cases/{petition_id}/enclosures/{enclosure_id}/pages/{number}",
        "/rota/{day_id}/briefing.pdf",
        "/sessions/{session_id}/entry.ics",
        "/bookings/{booking_id}/entry.ics",
        "/supervision/{order_id}/papers/{document_id}",
        "/figures/report.pdf",
        "/figures/report.xlsx",
        "/campaigns/{campaign_id}/board.xlsx",
        "/campaigns/matters/{matter_id}/evidence/{step_id}",
        "/mediation/{mediation_id}/agreement.pdf",
        "/sessions/{session_id}/materials/{material_id}/pages/{number}",
        "/sessions/{session_id}/minutes/sheet",
        "/sessions/{session_id}/minutes.pdf",
        "/sessions/{session_id}/minutes.docx",
        "/sessions/{session_id}/minutes.json",
        "/administration/audit.csv",
        "/recordings/{recording_id}/composition",
        "/recordings/{recording_id}/composed.mp4",
        "/recordings/{recording_id}/tracks/{track}/{piece}",
        "/recordings/{recording_id}/manifest.json",
        "/recordings/{recording_id}/proof.zip",
        "/recordings/{recording_id}/desk",
        "/recordings/{recording_id}/exhibits/{material_id}/{number}",
    }
)


def test_no_page_of_officials_is_forgotten() -> None:
    routes = {route.path for route in TABLE if route.method == "GET" and isinstance(route.permission, Action)}
    assert routes == set(PAGES) | NO_PAGES
    assert not set(PAGES) & NO_PAGES


@pytest.fixture
def database_system() -> str:
    """One system is enough: pages look alike on both."""
    return "sqlite"


async def enter(page: Page, house: House, key: str) -> None:
    await house.seat(page.context, key)


async def look(page: Page, name: str, width: int) -> list[str]:
    """Faults of the page that is open, at this width."""
    await page.set_viewport_size({"width": width, "height": 900})
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{name.strip('/').replace('/', '-')}-{width}.png", full_page=True)
    faults: list[str] = [*await violations(page)]
    if wider := await page.evaluate(WIDER):
        faults.append(f"sideways {wider}")
    faults += await small_targets(page)
    faults += await fine_print(page)
    return [f"{name} @{width}: {fault}" for fault in faults]


@pytest.mark.browser
@needs_chromium
@pytest.mark.timeout(300)
async def test_every_page_is_walked_by_keyboard_and_found_without_fault(
    house: House, chrome: Browser
) -> None:
    things, faults = await prepare(house), list[str]()
    for key in dict.fromkeys(who for who, _ in PAGES.values()):
        context = await chrome.new_context(viewport={"width": DESK, "height": 900}, locale="zh-CN")
        page = await context.new_page()
        await enter(page, house, key)
        for pattern, (who, address) in PAGES.items():
            if who != key:
                continue
            base = f"http://127.0.0.1:{house.server.port}"
            answer = await page.goto(base + address(things))
            assert answer is not None and answer.status == 200, (pattern, answer and answer.status)
            if pattern == "/recordings/{recording_id}":
                await state_purpose(page)
                await page.wait_for_selector(".track-bar")
            for width in (OFFICIAL, DESK):
                faults += await look(page, pattern, width)
            faults += [f"{pattern}: {fault}" for fault in await walk(page)]
        await context.close()
    assert not faults, "\n".join(faults)


FAULTY = """<!doctype html><html lang="zh-CN"><title>x</title><style>
button { font-size: 16px; min-width: 44px; min-height: 44px } .low { min-height: 20px }
.fine { font-size: 11px } :focus { outline: 3px solid } .dim:focus { outline: none }
</style><main><button id="fine">fine</button>%s</main></html>"""
FINE = '<p><small class="fine">fine print</small></p>'
DIM, LOW = '<button class="dim">dim</button>', '<button class="low">low</button>'
TRAP = '<button onkeydown="event.preventDefault()">trap</button><button>behind</button>'


@pytest.mark.browser
@needs_chromium
async def test_what_is_wrong_is_found(chrome: Browser) -> None:
    page = await chrome.new_page()
    wrongs = {"": "", DIM: "focus not seen", TRAP: "never reached", LOW: "small", FINE: "fine print"}
    for wrong, fault in wrongs.items():
        await page.set_content(FAULTY % wrong)
        found = [*await walk(page), *await small_targets(page), *await fine_print(page)]
        assert [each.partition(":")[0] for each in found] == [fault] * bool(fault), found
    for picture in ("", '<img src="data:,">'):
        await page.set_content(FAULTY % picture)
        assert ("image-alt" in " ".join(await violations(page))) is bool(picture)
