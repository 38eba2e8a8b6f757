"""C2 to C4 over HTTP: codes, companions, consent per purpose, and what the staff does instead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.arrival.identity import CODES_PER_HOUR, IdentityCode
from scheduling.incidents.incident import IncidentState
from scheduling.incidents.incidents import list_incidents
from scheduling.invitation import Invitation
from scheduling.links import issue_link
from scheduling.notices.gateway import Message
from scheduling.reach import load_session
from scheduling.requests import citizen_requests
from scheduling.requests.citizen_requests import Asked, RequestState, find_request
from scheduling.session_events import SessionEvent, list_events
from tests.factories import find_invitation, make_session
from tests.web.conftest import Browser, House
from tests.web.test_links import Given
from web.keys import SETTINGS
from web.notice import PURPOSES, current_notice
from web.setting_groups import ReceptionSettings
from web.tending.messages import MESSENGER

CODE = "482913"


class Phone:
    """The gateway of the test: a pocket that the messages fall into."""

    keeps_text = False

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)


@pytest.fixture
async def strict(house: House) -> AsyncIterator[House]:
    """The house as an operator runs it: identity is asked for, messages leave, codes are known beforehand."""
    app = house.server.app
    house.server.app._state[SETTINGS] = replace(  # type: ignore[union-attr]
        app[SETTINGS], reception=ReceptionSettings(identity=True, unrecorded=True)
    )
    messenger = app[MESSENGER]
    messenger.gateway = Phone()
    messenger.secrets = replace(messenger.secrets, make_code=lambda: CODE)
    return house


def pocket(house: House) -> list[Message]:
    gateway = house.server.app[MESSENGER].gateway
    assert isinstance(gateway, Phone)
    return gateway.messages


async def given_link(house: House) -> Given:
    async with house.database.session() as db:
        session = await make_session(db, house.clock, house.world)
        invitation = await find_invitation(db, session, InvitationRole.PETITIONER)
        secret = await issue_link(db, house.clock, SYSTEM, invitation.id)
        return Given(session.id, invitation.id, invitation.code, secret)


async def events_of(house: House, given: Given) -> list[SessionEvent]:
    async with house.database.session() as db:
        return list(await list_events(db, given.session_id))


async def row_of(house: House, given: Given) -> Invitation:
    async with house.database.session() as db:
        return await db.get_one(Invitation, given.invitation_id)


async def identify(phone: Browser, given: Given, code: str = CODE) -> Any:
    page = f"/j/{given.code}/identity"
    return await phone.send(page, page, act="confirm", code=code)


async def test_from_link_to_room_with_a_code(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    status, body = await given.exchange(phone)
    assert (status, body["next"]) == (200, f"/j/{given.code}/identity")
    for _ in range(100):
        if pocket(strict):
            break
        await asyncio.sleep(0.02)
    (message,) = pocket(strict)
    assert message.recipient == "13800001234" and CODE in message.text
    page = await (await phone.get(f"/j/{given.code}/identity")).text()
    assert "138****1234" in page and "13800001234" not in page
    assert 'autocomplete="one-time-code"' in page
    for part in ("room", "notice"):
        assert (await phone.get(f"/j/{given.code}/{part}")).headers["Location"] == f"/j/{given.code}/identity"
    refused = await phone.post(f"/j/{given.code}/ticket", json={})
    assert (refused.status, (await refused.json())["error"]["code"]) == (422, "identity_needed")
    answer = await identify(phone, given, " 482 913 ")  # Pasted as messages show it.
    assert answer.headers["Location"] == f"/j/{given.code}/notice"
    notice = current_notice()
    agreed = {"version": notice.version, "digest": notice.digest, "decision": "agree"}
    where = f"/j/{given.code}/notice"
    answer = await phone.send(where, where, purpose_transcript="yes", **agreed)
    assert answer.headers["Location"] == f"/j/{given.code}/room"
    assert (await phone.get(f"/j/{given.code}/room")).status == 200
    told = {event.kind: event.data for event in await events_of(strict, given)}
    assert told["identity.confirmed"]["how"] == "sms"
    answers = {one["purpose"]: one for one in told["consent.given"]["purposes"]}
    assert {name: one["agreed"] for name, one in answers.items()} == {"transcript": True, "messages": False}
    assert [answers[one.name]["digest"] for one in PURPOSES] == [one.digest for one in PURPOSES]
    assert "13800001234" not in str(told) and CODE not in str(told)
    # Another mind about a further purpose is kept too, beside the first answer.
    assert (await phone.send(where, where, purpose_messages="yes", **agreed)).status == 303
    given_twice = [event.data for event in await events_of(strict, given) if event.kind == "consent.given"]
    said = [{one["purpose"]: one["agreed"] for one in data["purposes"]} for data in given_twice]
    assert said == [{"transcript": True, "messages": False}, {"transcript": False, "messages": True}]


async def test_thousands_of_guesses_are_refused_in_words_and_harm_nobody(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    page = f"/j/{given.code}/identity"
    answers = [await identify(phone, given, f"{number:06}") for number in range(7)]
    assert [answer.status for answer in answers] == [422] * 7
    assert "还可以试 4 次" in await answers[0].text()
    assert "已经输错 5 次" in await answers[5].text()
    assert (await identify(phone, given)).status == 422  # The right one comes too late for this code.
    statuses = [(await identify(phone, given, f"{n:06}")).status for n in range(40)]
    assert set(statuses) == {422, 429}  # The limit gives a try back every few seconds of a slow machine.
    async with strict.database.session() as db:
        codes = (await db.scalars(select(IdentityCode))).all()
    assert [code.tries for code in codes] == [5]
    assert [event.kind for event in await events_of(strict, given)].count("identity.refused") == 1
    assert (await row_of(strict, given)).identified_at is None
    # Not locked out: an official does it, and the page goes on.
    clerk = await strict.official("chengguan.receptionist")
    door = f"/sessions/{given.session_id}/arrivals"
    assert "还没有核验" in await (await clerk.get(door)).text()
    done = await clerk.send(
        door, f"{door}/{given.invitation_id}", act="identity", how="station", words="看过身份证"
    )
    assert done.status == 303
    assert (await phone.get(page)).headers["Location"] == f"/j/{given.code}/notice"
    event = next(e for e in await events_of(strict, given) if e.kind == "identity.confirmed")
    assert (event.data["how"], event.actor_name) == (
        "station",
        strict.world.officials["chengguan.receptionist"].name,
    )


async def test_new_codes_are_limited_and_the_old_one_stops_working(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    page = f"/j/{given.code}/identity"
    again = await phone.send(page, page, act="send")
    assert again.status == 422 and "请等一分钟" in await again.text()
    for number in range(1, CODES_PER_HOUR):
        strict.clock.advance(minutes=2)
        messenger = strict.server.app[MESSENGER]
        messenger.secrets = replace(messenger.secrets, make_code=lambda number=number: f"10000{number}")
        assert (await phone.send(page, page, act="send")).status == 303
    strict.clock.advance(minutes=2)
    assert "过一小时再试" in await (await phone.send(page, page, act="send")).text()
    assert "验证码不对" in await (await identify(phone, given)).text()  # The first one.
    assert (await identify(phone, given, "100004")).status == 303


async def test_a_code_lives_ten_minutes(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    strict.clock.advance(minutes=10)
    assert "已过 10 分钟" in await (await identify(phone, given)).text()


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "四八二九一三", "12a456", "４８２９１３", "0" * 20_001, "\u202e482913"]
)
async def test_what_is_no_code_costs_no_try(strict: House, typed: str) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    answer = await identify(phone, given, typed)
    if typed.endswith("482913"):  # What cannot be seen is not what was meant.
        assert answer.status == 303
        return
    assert answer.status == 422 and "有 1 处需要修改" in await answer.text()
    async with strict.database.session() as db:
        assert (await db.scalars(select(IdentityCode))).one().tries == 0


async def test_a_call_for_the_code_is_nobodys_task_once_the_code_was_typed(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    where = f"/j/{given.code}/identity"
    await phone.send(where, where, act="voice_code")
    async with strict.database.session() as db:
        asked = await find_request(db, given.invitation_id, Asked.VOICE_CODE)
        assert asked is not None and asked.state is RequestState.OPEN
    await identify(phone, given)
    async with strict.database.session() as db:
        asked = await find_request(db, given.invitation_id, Asked.VOICE_CODE)
        assert asked is not None and asked.state is RequestState.GRANTED
        assert [task.state for task in await list_incidents(db, given.session_id)] == [IncidentState.ENDED]


async def test_who_is_with_you(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    await identify(phone, given)
    page = f"/j/{given.code}/companions"
    for wrong in (
        {"people": "3"},
        {"people": "0", "relations": "family"},
        {"people": "x", "relations": "family"},
    ):
        assert (await phone.send(page, page, **wrong)).status == 422
    answer = await phone.send(page, page, people="3", relations="family")
    assert answer.headers["Location"] == f"/j/{given.code}/notice"
    clerk = await strict.official("chengguan.receptionist")
    assert "3 人：本人和家人" in await (await clerk.get(f"/sessions/{given.session_id}/arrivals")).text()
    event = next(e for e in await events_of(strict, given) if e.kind == "companions.declared")
    assert event.data["people"] == 3 and event.data["with"] == ["family"]


async def test_the_identity_number_only_where_it_is_needed_and_never_whole(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    async with strict.database.session() as db:
        (await load_session(db, given.session_id)).id_number_needed = True
        await db.commit()
    await given.exchange(phone)
    assert (await identify(phone, given)).headers["Location"] == f"/j/{given.code}/idnumber"
    page = f"/j/{given.code}/idnumber"
    wrong = await phone.send(page, page, id_number="11010519491231002Y")
    assert wrong.status == 422 and "核对 18 位" in await wrong.text()
    right = await phone.send(page, page, id_number="11010519491231002x")
    assert right.headers["Location"] == f"/j/{given.code}/notice"
    row = await row_of(strict, given)
    assert row.person is not None and row.person.id_number_masked == "110***********002X"
    assert "11010519491231002" not in str([event.data for event in await events_of(strict, given)])


async def never_asked(*_: object) -> None:
    """As if nothing had been asked for yet."""


async def test_refusing_to_be_recorded_ends_well(strict: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    await identify(phone, given)
    page = f"/j/{given.code}/notice"
    assert (await phone.send(page, page, decision="decline")).headers[
        "Location"
    ] == f"/j/{given.code}/declined"
    page = f"/j/{given.code}/declined"
    for asked in ("call_back", "unrecorded", "unrecorded", "everything"):
        assert (await phone.send(page, page, asked=asked)).status == 303
    # To reload the refusal would ask again: it leads to the page as it is now.
    monkeypatch.setattr(citizen_requests, "MAX_PER_INVITATION", 0)
    monkeypatch.setattr(citizen_requests, "find_request", never_asked)
    late = await phone.send(page, page, asked="call_back")
    told = await late.text()
    assert late.status == 409 and f'href="{page}">打开最新的内容' in told and "刷新" not in told
    monkeypatch.undo()
    clerk = await strict.official("chengguan.receptionist")
    listed = await (await clerk.get("/requests")).text()
    assert listed.count("希望不录音录像") == 1 and "请打电话给我" in listed
    door = f"/sessions/{given.session_id}/arrivals"
    text = await (await clerk.get(door)).text()
    ids = [part.split('"')[0] for part in text.split(f"/sessions/{given.session_id}/requests/")[1:]]
    (call,) = [one for one in ids if one.endswith("/call")]  # tests/web/test_device_check.py
    ids.remove(call)
    assert len(ids) == 1
    bare = await clerk.send(door, f"/sessions/{given.session_id}/requests/{ids[0]}", decision="refuse")
    assert bare.status == 422 and "请写明原因" in await bare.text()
    for one in ids:
        done = await clerk.send(door, f"/sessions/{given.session_id}/requests/{one}", decision="grant")
        assert done.status == 303
    assert "可以不录音录像接访" in await (await phone.get(page)).text()
    assert (await phone.get(f"/j/{given.code}/room")).status == 200
    assert (await phone.post(f"/j/{given.code}/ticket", json={})).status == 200


async def test_an_official_notes_what_was_said_aloud(strict: House) -> None:
    given, phone = await given_link(strict), strict.browser()
    await given.exchange(phone)
    clerk, door = await strict.official("chengguan.receptionist"), f"/sessions/{given.session_id}/arrivals"
    to = f"{door}/{given.invitation_id}"
    assert (await clerk.send(door, to, act="consent", words=" ")).status == 422
    assert (await clerk.send(door, to, act="consent", words="宣读后本人点头说同意")).status == 303
    assert (await clerk.send(door, to, act="identity", how="room")).status == 303
    assert (await phone.get(f"/j/{given.code}/room")).status == 200
    stranger = await strict.official("xigu.receptionist")
    assert (await stranger.get(door)).status == 404
    assert (await stranger.post(to, {"act": "identity", "how": "room"})).status in (403, 404)


async def test_another_device_with_the_clerks_leave_keeps_everything(strict: House) -> None:
    given, old, new = await given_link(strict), strict.browser(), strict.browser()
    await given.exchange(old)
    await identify(old, given)
    status, body = await given.exchange(new)
    assert (status, body["error"]["code"]) == (403, "link_in_use")  # type: ignore[index]
    ask = {"secret": given.secret, "problem": "link_in_use"}
    for secret, wanted in (("x" * 43, 403), (given.secret, 200), (given.secret, 200)):
        answer = await new.post(f"/j/{given.code}/help", json=ask | {"secret": secret})
        assert answer.status == wanted
    clerk, door = await strict.official("chengguan.receptionist"), f"/sessions/{given.session_id}/arrivals"
    text = await (await clerk.get(door)).text()
    (request_id,) = [part.split('"')[0] for part in text.split(f"/sessions/{given.session_id}/requests/")[1:]]
    assert (await given.exchange(new))[0] == 403  # Not before somebody said yes.
    assert await answered(new, given) == {"state": "open", "answer": ""}
    to = f"/sessions/{given.session_id}/requests/{request_id}"
    assert (await clerk.send(door, to, decision="grant")).status == 303
    assert await answered(new, given) == {"state": "granted", "answer": ""}
    status, body = await given.exchange(new)
    assert (status, body["next"]) == (200, f"/j/{given.code}/notice")  # Identity came along.
    page = await old.get(f"/j/{given.code}/notice")
    assert page.status == 403 and "工作人员同意您换一台设备" in await page.text()
    ticket = await old.post(f"/j/{given.code}/ticket", json={})
    assert ticket.status == 403 and "您已经换到另一台设备" in (await ticket.json())["error"]["message"]
    stranger = await strict.browser().get(f"/j/{given.code}/notice")
    assert '<section class="problem" data-problem="link_moved" hidden' in await stranger.text()


async def answered(browser: Browser, given: Given) -> object:
    """What the second device reads of its wish while it waits."""
    answer = await browser.post(f"/j/{given.code}/look", json={"secret": given.secret})
    return (await answer.json())["other_device"]


async def test_the_link_goes_out_by_message_and_the_outbox_hides_its_secret(strict: House) -> None:
    given = await given_link(strict)
    clerk = await strict.official("chengguan.receptionist")
    page = f"/sessions/{given.session_id}"
    assert (await clerk.send(page, f"{page}/links/{given.invitation_id}")).status == 303
    for _ in range(100):
        if pocket(strict):
            break
        await asyncio.sleep(0.02)
    (message,) = pocket(strict)
    link = message.text.split(f"/j/{given.code}#")[1].split()[0]
    assert len(link) == 43 and "2026年7月22日 星期三 上午 9:00" in message.text
    shown = await (await clerk.get("/outbox")).text()
    assert "138****1234" in shown and "······" in shown and link not in shown
    assert (await (await strict.official("xigu.receptionist")).get("/outbox")).status == 200
    assert (
        "138****1234" not in await (await (await strict.official("xigu.receptionist")).get("/outbox")).text()
    )
