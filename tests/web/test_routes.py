"""Every route declares a permission, and what it declares is what people meet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cases.handling.clocks import today
from cases.policy import SYSTEM, Action, allowed
from cases.supervision.ordering import NewOrder, issue_order
from recordings.alarms import Alarm, AlarmKind, Trouble, raise_alarm
from recordings.recording import start_recording, stop_recording
from scheduling.arrival.poster import add_poster
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, list_incidents, raise_incident
from scheduling.materials.material import MaterialKind
from scheduling.materials.rendering import Rendered
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Draft, keep_material
from scheduling.minutes.record import begin_minutes
from scheduling.sessions.invitations import list_invitations
from tests.disk import AMPLE
from tests.factories import make_petition, make_session
from tests.web.communal import gather
from tests.web.conftest import House
from tests.web.rota import arrange_rota
from web.app import create_app
from web.http.permissions import PERMISSIONS, Who
from web.routes import MOUNTED, TABLE
from web.settings import Settings

ANONYMOUS, OTHER, DISTRICT, CITY, PROVINCE, ADMIN = (
    "anonymous",
    "xigu.receptionist",
    "chengguan.receptionist",
    "city.receptionist",
    "province.receptionist",
    "city.sysadmin",
)
SEERS = (DISTRICT, CITY, PROVINCE)


@dataclass(frozen=True)
class Objects:
    petition_id: str
    session_id: str
    invitation_id: str
    recording_id: str
    code: str
    alarm_id: str
    organisation_id: str
    material_id: str
    incident_id: str
    day_id: str
    booking_id: str
    order_id: str
    poster_id: str
    campaign_id: str
    matter_id: str
    mediation_id: str
    party_id: str
    place_id: str
    person_id: str
    measure_id: str = "0" * 32
    digest: str = "0" * 64

    def path(self, pattern: str) -> str:
        known = {
            "build": "x",
            "name": "nothing.css",
            "number": "1",
            "track": "0",
            "piece": "0",
            "step": "classify",
            "move": "report",
            "channel": "sms",
        }
        known |= {"party": "1"} | vars(self)
        known |= {"kind": "transfer_sheet"}
        named = ("hold_id", "proposal_id", "note_id", "finding_id", "request_id", "task_id", "signing_id")
        named += ("document_id", "delivery_id", "official_id", "post_id")
        named += ("rule_id", "equipment_id", "secret")
        named += ("notice_id", "step_id", "time_proposal_id", "link_id")
        named += ("slot_proposal_id",)
        known |= dict.fromkeys((*named, "thread_id"), "0" * 32)
        known |= {"import_id": "0" * 32, "client_id": "0" * 32}
        known |= {"form_id": "0" * 32, "purpose": "matter", "enclosure_id": "0" * 32}
        known |= {"webhook_id": "0" * 32, "event_id": "0" * 32}
        return pattern.replace(":.+", "").format(**known)


def test_every_route_declares_a_permission(tmp_path: Path) -> None:
    app = create_app(Settings(state=tmp_path))
    served = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    declared = set(app[PERMISSIONS])
    assert served == declared
    assert all(isinstance(needs, (Who, Action)) for needs in app[PERMISSIONS].values())


def test_the_table_names_no_route_twice() -> None:
    names = [(route.method, route.path) for route in TABLE] + list(MOUNTED)
    assert len(names) == len(set(names))


def test_acts_of_officials_name_an_action() -> None:
    """Only what strangers and link holders need may go without an Action of the policy."""
    free = {route.path for route in TABLE if not isinstance(route.permission, Action)}
    kept = (
        "/cases",
        "/sessions",
        "/recordings",
        "/board",
        "/archive",
        "/alarms",
        "/chain",
        "/audit",
        "/incidents",
        "/supervision",
        "/campaigns",
        "/mediation",
        "/administration",
    )
    assert all(not path.startswith(kept) for path in free)


async def make_objects(house: House) -> Objects:
    async with house.database.session() as db:
        petition = await make_petition(db, house.clock, house.world.chengguan)
        session = await make_session(db, house.clock, house.world, petition)
        await begin_minutes(db, house.clock, SYSTEM, session.id)
        invitation = (await list_invitations(db, session.id))[0]
        root = house.settings.recordings_root
        recording = await start_recording(db, house.clock, SYSTEM, session.id, root, AMPLE)
        await stop_recording(db, house.clock, SYSTEM, recording.id, "session_closed")
        finding = ({"text": f"{session.title}：缺少一个分段。"},)
        trouble = Trouble(AlarmKind.FILES_MISSING, "x", finding, 1, session.id, recording.id)
        await raise_alarm(db, house.clock, trouble)
        draft = Draft(house.world.actor(DISTRICT), session.id, "x.jpg", b"x", "0" * 64)
        store = MaterialStore.at(house.settings.state)
        rendered = Rendered(MaterialKind.JPEG, [b"page"])
        material = await keep_material(db, house.clock, store, draft, rendered)
        await db.commit()
        await raise_incident(db, house.clock, Occurrence(session.id, Cause.DISCONNECTED, "seat", "李德福"))
        (task,) = await list_incidents(db, session.id)
        alarm_id = await db.scalar(select(Alarm.id))
        day_id, booking_id = await arrange_rota(db, house)
        week = (today(house.clock) + timedelta(days=7)).isoformat()
        command = NewOrder(house.world.chengguan.id, "overdue", week, "请说明原因。")
        leader = house.world.actor("city.leader")
        order = await issue_order(db, house.clock, leader, petition.id, command)
        poster = await add_poster(db, house.clock, SYSTEM, house.world.chengguan.id, "一楼大厅")
        assert alarm_id is not None
        return Objects(
            petition.id, session.id, invitation.id, recording.id, invitation.code, alarm_id,
            house.world.chengguan.id, material.id, task.incident.id, day_id, booking_id, order.id,
            poster.id,
            **await gather(house, petition.id),
        )  # fmt: skip


GUARDED = [route for route in TABLE if isinstance(route.permission, Action)]
# None of the roles below may ever do these (tests/web/test_export.py, tests/web/test_desk.py), or not above.
RARE = {
    Action.SUPERVISE_PETITION,
    Action.HANDLE_PETITION,
    Action.EXPORT_RECORDING,
    Action.REVIEW_RECORDING,
    Action.SEE_VIEW_LOG,
    Action.SEE_AUDIT,
}
OBJECT_PAGES = [
    route
    for route in GUARDED
    if route.method == "GET"
    and "{" in route.path
    and "composed" not in route.path
    and "/exhibits/" not in route.path  # tests/web/test_exhibits.py, as tracks
    and "/evidence/" not in route.path  # tests/web/test_campaigns.py: only where there is one
    and "/agreement" not in route.path  # tests/web/test_mediation.py: only where there is one
    and "/mediation/" not in route.path  # Of the office itself: tests/web/test_mediation.py
    and "/papers/" not in route.path  # tests/web/test_supervision.py: of two offices, where there is one
    and "/documents/" not in route.path  # tests/web/test_documents.py: whose paper it is
    and "/administration/" not in route.path  # tests/web/test_administration.py
    and "/templates/" not in route.path  # tests/web/test_documents.py: an administrator's
    and not route.path.startswith(("/messages/", "/imports/"))  # Of one's own office only.
    and "/enclosures/" not in route.path  # tests/web/test_enclosures.py: where there is one
    and "/query-code" not in route.path  # tests/web/test_query_codes.py: only who keeps the case
    and not route.path.startswith("/clients/")  # tests/web/test_webhooks.py: an administrator's
    and "/outbox/" not in route.path  # The host's own: tests/web/test_calendar.py
    and "/tracks/" not in route.path  # tests/web/test_track_replay.py: only who has said why
    and route.permission not in RARE
]


async def test_anonymous_meets_the_sign_in_page_everywhere(house: House) -> None:
    objects, browser = await make_objects(house), house.browser()
    for route in GUARDED:
        path = objects.path(route.path)
        answer = await (browser.get(path) if route.method == "GET" else browser.post(path, {}))
        assert answer.status == 302, (route.method, route.path)
        assert answer.headers["Location"].startswith("/signin"), route.path


async def test_another_district_is_told_that_there_is_nothing(house: House) -> None:
    objects, browser = await make_objects(house), await house.official(OTHER)
    for route in GUARDED:
        if "{" not in route.path:
            continue
        path = objects.path(route.path)
        answer = await (browser.get(path) if route.method == "GET" else browser.send("/cases/new", path))
        may = allowed(house.world.actor(OTHER), Action(str(route.permission)))
        assert answer.status == (404 if may else 403), (route.method, route.path, answer.status)
        assert "楼道漏水" not in await answer.text()


@pytest.mark.parametrize("key", SEERS)
async def test_the_district_and_the_tiers_above_see_it(house: House, key: str) -> None:
    objects, browser = await make_objects(house), await house.official(key)
    for route in OBJECT_PAGES:
        answer = await browser.get(objects.path(route.path))
        # Nothing is proven before the recordings worker has sealed, or before the minutes are final.
        unsealed = {"manifest.json": 404, "proof": 409, "proof.zip": 409, "minutes.json": 404}
        unsealed["arrange"] = 303  # To the form of the case.
        wanted = unsealed.get(route.path.rsplit("/", 1)[1], 200)
        assert answer.status == wanted, (route.path, answer.status)
    lists = await (await browser.get("/cases")).text() + await (await browser.get("/board")).text()
    assert lists.count("楼道漏水") >= 2


async def test_lists_of_another_district_hold_nothing_of_it(house: House) -> None:
    await make_objects(house)
    browser = await house.official(OTHER)
    for path in ("/board", "/alarms", "/cases", "/cases?search=楼道", "/cases?search=LZ2026"):
        assert "楼道漏水" not in await (await browser.get(path)).text()


async def test_administrators_see_no_case_content(house: House) -> None:
    objects, browser = await make_objects(house), await house.official(ADMIN)
    for route in OBJECT_PAGES:
        assert (await browser.get(objects.path(route.path))).status in (403, 404), route.path


async def test_who_sees_may_not_always_act(house: House) -> None:
    """The city sees the district's session but only the host cancels it and hands out links."""
    objects, browser = await make_objects(house), await house.official(CITY)
    base = f"/sessions/{objects.session_id}"
    assert (await browser.send("/board", f"{base}/cancel", reason="试一试")).status == 403
    assert (await browser.send("/board", f"{base}/links/{objects.invitation_id}")).status == 403
    assert (await browser.send("/board", f"/alarms/{objects.alarm_id}", remark="看过了")).status == 403
    onlooker = await house.official("city.inspector")
    for act in ("take", "return", "close"):
        answer = await onlooker.send("/board", f"/incidents/{objects.incident_id}/{act}", words="试一试")
        assert answer.status == 403, act


async def test_the_demonstration_does_not_exist_outside_demo_mode(house: House) -> None:
    objects, browser = await make_objects(house), house.browser()
    routes = [route for route in TABLE if route.permission is Who.DEMO]
    assert len(routes) > 4
    for route in routes:
        path = objects.path(route.path)
        answer = await (browser.get(path) if route.method == "GET" else browser.post(path, json={}))
        assert answer.status == 404, (route.method, path)
        assert "material_not_found" not in await answer.text()


async def test_a_wrong_method_is_405_and_reading_never_changes(house: House) -> None:
    objects, browser = await make_objects(house), await house.official(DISTRICT)
    answer = await browser.get(f"/sessions/{objects.session_id}/cancel")
    assert answer.status == 405
    assert "POST" in answer.headers["Allow"]
