"""The device check: a table that scores the line, what follows from the answers, rows that only grow."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Conflict, Invalid, NotFound, SignInRequired
from cases.policy import ANONYMOUS
from cases.roles import InvitationRole
from scheduling.arrival import device_check
from scheduling.arrival.device_check import (
    Answer,
    Checked,
    DeviceTrouble,
    DeviceVerdict,
    Occasion,
    keep_device_check,
    list_checks,
    newest_checks,
    read_answers,
    verdicts_of_sessions,
)
from scheduling.arrival.line_score import LineFigures, LineScore, score_line
from scheduling.session_events import list_events
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_link_actor, make_session

FINE = LineFigures(round_trip=40, loss_up=0, loss_down=0, kbps_up=600, kbps_down=590, path="udp")
YES = Checked(Answer.GOOD, Answer.GOOD, Answer.GOOD, line=LineScore.GOOD, figures=FINE, device="手机·微信")


@pytest.mark.parametrize(
    ("worse", "score"),
    [
        ({}, "good"),
        ({"path": "tcp"}, "good"),
        ({"round_trip": 400, "loss_up": 50, "kbps_down": 250}, "good"),
        ({"round_trip": 401}, "sound"),
        ({"loss_up": 51}, "sound"),
        ({"loss_down": 200}, "sound"),
        ({"kbps_up": 249}, "sound"),
        ({"kbps_up": 16, "kbps_down": 16, "round_trip": 1000}, "sound"),
        ({"kbps_down": 15}, "poor"),
        ({"loss_down": 201}, "poor"),
        ({"round_trip": 1001}, "poor"),
        ({"round_trip": None}, "poor"),
        ({"kbps_up": None, "loss_up": None}, "poor"),
    ],
)
def test_the_table_scores_a_line(worse: dict[str, object], score: str) -> None:
    assert score_line(replace(FINE, **worse)) == score  # type: ignore[arg-type]


def test_a_line_without_any_media_is_poor() -> None:
    assert score_line(LineFigures()) is LineScore.POOR


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, DeviceVerdict.OK),
        ({"line": LineScore.UNMEASURED}, DeviceVerdict.OK),
        ({"line": LineScore.SOUND}, DeviceVerdict.SOUND_ONLY),
        ({"picture": Answer.NONE}, DeviceVerdict.SOUND_ONLY),
        ({"line": LineScore.POOR}, DeviceVerdict.BLOCKED),
        ({"voice": Answer.BAD}, DeviceVerdict.BLOCKED),
        ({"sound": Answer.NONE}, DeviceVerdict.BLOCKED),
    ],
)
def test_what_devices_are_enough_for(changed: dict[str, object], verdict: DeviceVerdict) -> None:
    assert replace(YES, **changed).verdict is verdict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "typed", [{}, {"picture": "good", "voice": "good"}, {**dict.fromkeys(("picture", "voice", "sound"), [])}]
)
def test_answers_that_are_none_are_refused(typed: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        read_answers(typed)


def test_answers_of_a_page_are_read() -> None:
    said = {"picture": "none", "voice": "none", "sound": "good", "trouble": "in_use", "line": "good"}
    read = read_answers(said)
    assert (read.picture, read.trouble) == (Answer.NONE, DeviceTrouble.IN_USE)
    assert read.line is LineScore.UNMEASURED  # A page cannot score its own line.
    with pytest.raises(Invalid):
        read_answers(said | {"trouble": "<script>"})


async def test_checks_are_rows_and_the_newest_counts(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    citizen = await find_invitation(db, session, InvitationRole.PETITIONER)
    assert await verdicts_of_sessions(db, [session.id]) == {session.id: None}
    holder = await make_link_actor(db, clock, citizen)
    await keep_device_check(db, clock, holder, Occasion.BEFORE, replace(YES, voice=Answer.BAD))
    assert await verdicts_of_sessions(db, [session.id]) == {session.id: DeviceVerdict.BLOCKED}
    row = await keep_device_check(db, clock, holder, Occasion.BEFORE, YES)
    assert (row.number, row.path, row.kbps_up, row.device) == (2, "udp", 600, "手机·微信")
    assert await verdicts_of_sessions(db, [session.id]) == {session.id: DeviceVerdict.OK}
    assert [one.number for one in await list_checks(db, citizen.id)] == [2, 1]
    assert (await newest_checks(db, [session.id]))[citizen.id].verdict is DeviceVerdict.OK
    told = [event.data for event in await list_events(db, session.id) if event.kind == "device.checked"]
    assert [one["verdict"] for one in told] == ["blocked", "ok"]
    assert "手机" not in str(told)  # What leaves with the recording names no device.
    with pytest.raises(DBAPIError):
        await db.execute(text("UPDATE device_checks SET verdict = 'ok'"))


async def test_only_the_holder_checks_and_not_without_end(
    db: AsyncSession, clock: FixedClock, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_check, "MAX_PER_INVITATION", 2)
    session = await make_session(db, clock, world)
    citizen = await find_invitation(db, session, InvitationRole.PETITIONER)
    for actor in (ANONYMOUS, world.actor("chengguan.receptionist")):
        with pytest.raises((NotFound, SignInRequired)):
            await keep_device_check(db, clock, actor, Occasion.BEFORE, YES)
    citizen_id, holder = citizen.id, await make_link_actor(db, clock, citizen)
    for _ in range(2):
        await keep_device_check(db, clock, holder, Occasion.BEFORE, YES)
    with pytest.raises(Conflict) as refused:
        await keep_device_check(db, clock, holder, Occasion.BEFORE, YES)
    assert refused.value.code == "too_many_checks"
    await db.rollback()
    assert len(await list_checks(db, citizen_id)) == 2


async def test_on_the_way_in_a_line_measured_shortly_before_still_counts(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    holder = await make_link_actor(db, clock, await find_invitation(db, session, InvitationRole.PETITIONER))
    narrow = replace(YES, line=LineScore.SOUND)
    await keep_device_check(db, clock, holder, Occasion.BEFORE, narrow)
    said = Checked(Answer.GOOD, Answer.GOOD, Answer.GOOD)
    clock.advance(minutes=90)
    row = await keep_device_check(db, clock, holder, Occasion.ENTRANCE, said)
    assert (row.line, row.verdict, row.kbps_up) == (LineScore.SOUND, DeviceVerdict.SOUND_ONLY, 600)
    again = await keep_device_check(db, clock, holder, Occasion.BEFORE, said)
    assert again.line is LineScore.UNMEASURED  # A page of its own measures or says that it did not.
    clock.advance(hours=3)
    row = await keep_device_check(db, clock, holder, Occasion.ENTRANCE, said)
    assert (row.line, row.verdict) == (LineScore.UNMEASURED, DeviceVerdict.OK)
