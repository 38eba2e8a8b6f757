"""Personal links: robots change nothing, each problem has its calm page, consent is kept, one device."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import event, select

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.invitation import Invitation
from scheduling.links import Link, find_link, issue_link, revoke_link
from scheduling.session_events import list_events
from scheduling.sessions.invitations import Invitee
from tests.factories import find_invitation, make_session
from tests.web.conftest import Browser, House
from web.http.access import LINK_COOKIE
from web.http.limits import LIMIT_OF as ALLOWED
from web.keys import DATABASE, LIMITS
from web.notice import current_notice


@dataclass
class Given:
    """A citizen's link to a session that starts now."""

    session_id: str
    invitation_id: str
    code: str
    secret: str

    async def exchange(self, browser: Browser, secret: str = "") -> tuple[int, dict[str, object]]:
        answer = await browser.post(f"/j/{self.code}/exchange", json={"secret": secret or self.secret})
        return answer.status, await answer.json()


async def make_link(house: House, role: InvitationRole = InvitationRole.PETITIONER) -> Given:
    async with house.database.session() as db:
        host = Invitee(InvitationRole.HOST, name="王芳", organisation_id=house.world.chengguan.id)
        session = await make_session(db, house.clock, house.world, invitees=(host,))
        invitation = await find_invitation(db, session, role)
        secret = await issue_link(db, house.clock, SYSTEM, invitation.id)
        return Given(session.id, invitation.id, invitation.code, secret)


async def test_robots_may_open_it_as_often_as_they_like(house: House) -> None:
    given, robot = await make_link(house), house.browser()
    for _ in range(25):
        page = await robot.get(f"/j/{given.code}")
        assert page.status == 200
        async with robot.http.head(f"{robot.base}/j/{given.code}") as head:
            assert head.status == 200
    text = await (await robot.get(f"/j/{given.code}")).text()
    assert "李德福" not in text
    assert "楼道漏水" not in text
    async with house.database.session() as db:
        link = await find_link(db, given.invitation_id)
        assert link is not None
        assert link.bound_at is None
        assert [e.kind for e in await list_events(db, given.session_id)] == ["session.created", "link.issued"]
    assert (await given.exchange(house.browser()))[0] == 200


async def test_the_way_from_link_to_room(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    status, body = await given.exchange(phone)
    assert (status, body["next"]) == (200, f"/j/{given.code}/notice")
    assert (await phone.get(f"/j/{given.code}/room")).headers["Location"] == f"/j/{given.code}/notice"
    notice = current_notice()
    agreed = {"version": notice.version, "digest": notice.digest, "decision": "agree"}
    page = f"/j/{given.code}/notice"
    neither = agreed | {"decision": ""}
    assert (await phone.send(page, page, **neither)).status == 422  # No button was pressed.
    assert (
        await phone.send(page, page, **(agreed | {"digest": "0" * 64}))
    ).status == 422  # The text changed.
    answer = await phone.send(page, page, **agreed)
    assert (answer.status, answer.headers["Location"]) == (303, f"/j/{given.code}/room")
    room = await phone.get(f"/j/{given.code}/room")
    assert room.status == 200
    assert f'"ticket_url": "/j/{given.code}/ticket"' in await room.text()
    ticket = await phone.post(f"/j/{given.code}/ticket", json={})
    assert len((await ticket.json())["ticket"]) > 30
    async with house.database.session() as db:
        row = await db.get(Invitation, given.invitation_id)
        assert row is not None
        assert (row.consent_version, row.consent_digest) == (notice.version, notice.digest)


async def test_who_receives_you_and_when_is_told_to_the_holder_and_binds_nothing(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    told = await phone.post(f"/j/{given.code}/look", json={"secret": given.secret})
    body = await told.json()
    assert (body["when"], body["early"]) == ("今天上午 9:00", False)
    assert "城关区信访局" in body["offices"] and "李德福" not in str(body) and body["mediation"] is False
    house.clock.advance(days=-1)
    body = await (await phone.post(f"/j/{given.code}/look", json={"secret": given.secret})).json()
    assert (body["when"], body["early"]) == ("明天上午 9:00", True)
    for secret in ("x" * 43, "", 5, None):
        assert (await phone.post(f"/j/{given.code}/look", json={"secret": secret})).status == 403
    async with house.database.session() as db:
        link = await find_link(db, given.invitation_id)
        assert link is not None and link.bound_at is None
        assert [e.kind for e in await list_events(db, given.session_id)] == ["session.created", "link.issued"]


async def test_the_cookie_belongs_to_one_link(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    answer = await phone.post(f"/j/{given.code}/exchange", json={"secret": given.secret})
    cookie = answer.headers["Set-Cookie"]
    assert f"Path=/j/{given.code}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


async def test_no_ticket_before_consent_and_none_after_declining(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 422
    page, notice = f"/j/{given.code}/notice", current_notice()
    agreed = {"decision": "agree", "version": notice.version, "digest": notice.digest}
    assert (await phone.send(page, page, **agreed)).status == 303
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 200
    answer = await phone.send(page, page, decision="decline")
    assert answer.headers["Location"] == f"/j/{given.code}/declined"
    assert "您没有同意录音录像" in await (await phone.get(answer.headers["Location"])).text()
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 422


@pytest.mark.parametrize("problem", ["unknown", "revoked", "expired", "early", "elsewhere"])
async def test_problems_look_alike_and_say_what_to_do(house: House, problem: str) -> None:
    given, phone = await make_link(house), house.browser()
    wanted = {"unknown": "link_invalid", "elsewhere": "link_in_use"}.get(problem, f"link_{problem}")
    if problem == "revoked":
        async with house.database.session() as db:
            await revoke_link(db, house.clock, SYSTEM, given.invitation_id)
    elif problem == "expired":
        house.clock.advance(hours=5)
    elif problem == "early":
        house.clock.advance(hours=-1)
    elif problem == "elsewhere":
        assert (await given.exchange(house.browser()))[0] == 200
    secret = "x" * 43 if problem == "unknown" else ""
    status, body = await given.exchange(phone, secret)
    assert status == 403
    assert body["error"]["code"] == wanted  # type: ignore[index]
    assert phone.cookie(LINK_COOKIE) == ""
    text = await (await phone.get(f"/j/{given.code}/notice")).text()
    assert "怎么办" in text
    assert "12345" in text


async def test_a_link_taken_back_closes_the_pages_at_once(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    await given.exchange(phone)
    async with house.database.session() as db:
        await revoke_link(db, house.clock, SYSTEM, given.invitation_id)
    assert (await phone.get(f"/j/{given.code}/notice")).status == 403
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"secret": 5}',
        b'{"secret": null}',
        b'"x"',
        b"[" * 5000,
        b'{"secret": "' + b"a" * 999,
    ],
)
async def test_broken_exchanges_are_refused_calmly(house: House, body: bytes) -> None:
    given, phone = await make_link(house), house.browser()
    headers = {"Content-Type": "application/json"}
    answer = await phone.post(f"/j/{given.code}/exchange", body, headers=headers)
    assert answer.status == 403
    assert (await answer.json())["error"]["code"] == "link_invalid"


@pytest.mark.parametrize("act", ["exchange", "look"])
async def test_secrets_are_guessed_so_often_and_no_more(
    house: House, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    given, stranger, time = await make_link(house), house.browser(), [0.0]
    limits = house.server.app[LIMITS]
    monkeypatch.setattr(limits, "_now", lambda: time[0])

    async def knock(secret: str) -> tuple[int, str]:
        answer = await stranger.post(f"/j/{given.code}/{act}", json={"secret": secret})
        return answer.status, await answer.text()

    burst = ALLOWED[act].burst
    assert [(await knock(f"guess-{n}"))[0] for n in range(burst)] == [403] * burst
    status, words = await knock(given.secret)
    assert status == 429 and "too_fast" in words, "not even the right one"
    assert (await stranger.get(f"/j/{given.code}")).status == 200, "the page itself is no guess"
    async with house.database.session() as db:
        link = await find_link(db, given.invitation_id)
        assert link is not None and link.bound_at is None
    time[0] += 60 / ALLOWED[act].per_minute
    assert (await knock(given.secret))[0] == 200, "after a while the holder is let in"
    assert (await knock(given.secret))[0] == 429, "and one at a time"


async def test_an_exchange_from_another_site_is_refused(house: House) -> None:
    given, phone = await make_link(house), house.browser()
    for origin in ("https://evil.test", None, "null"):
        answer = await phone.post(
            f"/j/{given.code}/exchange", json={"secret": given.secret}, headers={"Origin": origin}
        )
        assert answer.status == 403
    assert (await given.exchange(phone))[0] == 200


async def test_the_secret_is_stored_nowhere_in_the_clear(house: House) -> None:
    given = await make_link(house)
    async with house.database.session() as db:
        row = (await db.scalars(select(Link))).one()
    assert given.secret not in str(vars(row))


@pytest.mark.parametrize(
    ("role", "module"),
    [(InvitationRole.PETITIONER, "js/citizen/room.js"), (InvitationRole.HOST, "js/room/console.js")],
)
async def test_a_device_that_is_known_goes_on_at_once(
    house: House, role: InvitationRole, module: str
) -> None:
    """Nothing is exchanged again, and what its room needs comes while the person reads."""
    given, browser = await make_link(house, role), house.browser()
    stranger = await (await browser.get(f"/j/{given.code}")).text()
    assert 'data-next=""' in stranger
    _, told = await given.exchange(browser)
    page = await (await browser.get(f"/j/{given.code}")).text()
    assert f'data-next="{told["next"]}"' in page
    fetched = [line for line in page.splitlines() if 'rel="prefetch"' in line]
    assert any(module in line for line in fetched)
    assert (await browser.get(str(told["next"]))).status == 200


async def test_a_page_of_a_link_loads_its_session_once(house: House) -> None:
    given, browser = await make_link(house), house.browser()
    await given.exchange(browser)
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    engine = house.server.app[DATABASE].engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    assert (await browser.get(f"/j/{given.code}")).status == 200
    event.remove(engine, "before_cursor_execute", note)
    whole = [each for each in asked if "sessions.title" in each]
    assert len(whole) == 1, asked


async def test_a_device_that_holds_a_closed_link_is_told_why(house: House) -> None:
    given, phone, stranger = await make_link(house), house.browser(), house.browser()
    await given.exchange(phone)
    house.clock.advance(hours=5)
    assert 'data-problem="link_expired">' in await (await phone.get(f"/j/{given.code}/notice")).text()
    house.clock.advance(hours=-5)
    async with house.database.session() as db:
        await revoke_link(db, house.clock, SYSTEM, given.invitation_id)
    assert 'data-problem="link_revoked">' in await (await phone.get(f"/j/{given.code}/notice")).text()
    assert 'data-problem="link_invalid">' in await (await stranger.get(f"/j/{given.code}/notice")).text()


async def test_who_helps_reads_as_what_and_is_not_asked_about_anothers_matter(house: House) -> None:
    async with house.database.session() as db:
        invitees = tuple(
            Invitee(role, name=name, organisation_id=office)
            for role, name, office in (
                (InvitationRole.HOST, "王芳", house.world.chengguan.id),
                (InvitationRole.INTERPRETER, "马翻译", None),
            )
        )
        session = await make_session(db, house.clock, house.world, invitees=invitees)
        row = await find_invitation(db, session, InvitationRole.INTERPRETER)
        secret = await issue_link(db, house.clock, SYSTEM, row.id)
        helper = Given(session.id, row.id, row.code, secret)
    own, phone, guest = await make_link(house), house.browser(), house.browser()
    for given, browser, word in ((own, phone, ""), (helper, guest, "翻译")):
        told = await browser.post(f"/j/{given.code}/look", json={"secret": given.secret})
        assert (await told.json())["role"] == word
        await given.exchange(browser)
        page = await (await browser.get(f"/j/{given.code}/notice")).text()
        assert ("purpose_messages" in page, "/companions" in page) == (not word, not word)
        assert "purpose_transcript" in page
