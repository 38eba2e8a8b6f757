"""The minutes in the room: two write, one reads, the petitioner reads along when the host says so."""

from __future__ import annotations

from typing import Any

import pytest

from cases.database import new_id
from scheduling.minutes.reading import object_to
from scheduling.minutes.record import MinutesState, load_minutes, move_minutes
from signaling.deliberation import COUNTDOWN
from signaling.handlers.minutes import refresh
from tests.signaling.hall import Client, Hall
from tests.signaling.test_conduct import events


@pytest.fixture
def database_system() -> str:
    """One system is enough: the use cases are tested on both in tests/scheduling."""
    return "sqlite"


def change(act: str, paragraph_id: str, **more: Any) -> dict[str, Any]:
    """The fields of a `minutes.change`."""
    empty = {"base": None, "after_id": None, "kind": None, "speaker_id": None, "text": "", "ago_ms": 0}
    return {"edit_id": new_id(), "act": act, "paragraph_id": paragraph_id} | empty | more


async def sheet(client: Client) -> dict[str, Any] | None:
    """The sheet as this client gets it now."""
    client.pushes.clear()
    assert (await client.ask("minutes.fetch"))["type"] == "ok"
    minutes: dict[str, Any] | None = (await client.push("minutes"))["minutes"]
    return minutes


async def heard(client: Client, paragraph_id: str, revision: int) -> dict[str, Any]:
    return await client.until(
        lambda push: (
            push["type"] == "minutes.paragraph"
            and push["paragraph"]["id"] == paragraph_id
            and push["paragraph"]["revision"] == revision
        )
    )


async def inside(hall: Hall, host: Client, who: str) -> Client:
    client = await hall.client(who)
    await host.ask("admit", participant_id=client.id)
    await client.push("admitted")
    return client


async def test_two_write_and_both_are_told_what_met(hall: Hall) -> None:
    host, recorder = await hall.client("host"), await hall.client("recorder")
    assert await sheet(host) is None
    assert (await host.ask("minutes.begin", template=""))["type"] == "ok"
    begun = await sheet(recorder)
    assert begun is not None and begun["writable"] and begun["template"] == "多级联合接访笔录"
    assert {speaker["role"] for speaker in begun["speakers"]} >= {"petitioner", "host", "recorder"}
    one = new_id()
    speaker = next(each["id"] for each in begun["speakers"] if each["role"] == "petitioner")
    added = change("insert", one, kind="answer", text="七日内答复", speaker_id=speaker)
    assert (await host.ask("minutes.change", **added))["type"] == "ok"
    told = await heard(recorder, one, 1)
    assert (told["paragraph"]["speaker"], told["edit_id"]) == ("李德福", added["edit_id"])
    await host.ask("minutes.change", **change("edit", one, base=1, text="三日内答复"))
    await recorder.ask("minutes.change", **change("edit", one, base=1, text="十五日内答复"))
    for client in (host, recorder):
        told = await heard(client, one, 3)
        assert told["paragraph"]["text"] == "三〔另记：十五〕日内答复"
        assert told["overlaps"] == [{"saved": "三", "typed": "十五"}] and told["by"] and told["other"]
    refused = await recorder.ask("minutes.change", **change("remove", one, base=1))
    assert refused["code"] == "minutes_changed"
    again = change("edit", one, base=3, text="十五日内答复")
    for _ in range(2):
        recorder.pushes.clear()
        assert (await recorder.ask("minutes.change", **again))["type"] == "ok"
        assert (await heard(recorder, one, 4))["edit_id"] == again["edit_id"]


async def test_the_petitioner_reads_along_only_while_shown(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await inside(hall, host, "petitioner")
    lawyer = await inside(hall, host, "third_party")
    await host.ask("minutes.begin", template="single")
    assert await sheet(citizen) is None
    one, note = new_id(), new_id()
    assert (await citizen.ask("minutes.change", **change("edit", one, base=1, text="x")))[
        "code"
    ] == "forbidden"
    assert (await citizen.ask("minutes.show", shown=True))["code"] == "forbidden"
    await host.ask("minutes.change", **change("insert", one, kind="statement", text="三个月没人修"))
    await host.ask("minutes.change", **change("insert", note, kind="note", text="只给同事看"))
    citizen.pushes.clear()
    assert (await host.ask("minutes.show", shown=True))["type"] == "ok"
    await citizen.until(lambda push: push["type"] == "room" and push["room"]["minutes_shown"])
    shown = (await citizen.push("minutes"))["minutes"]
    assert shown["speakers"] == [] and not shown["writable"]
    assert one in {each["id"] for each in shown["paragraphs"]}
    await host.ask("minutes.change", **change("edit", one, base=1, text="三个月没有人修"))
    assert (await heard(citizen, one, 2))["by"] == ""
    await host.ask("minutes.change", **change("edit", note, base=1, text="只给同事看，改"))
    await host.ask("minutes.change", **change("remove", one, base=2))
    gone = await heard(citizen, one, 3)
    assert gone["paragraph"]["removed"] and gone["paragraph"]["text"] == ""
    assert "只给同事看" not in str(citizen.pushes)
    companion = await inside(hall, host, "companion")
    who = next(each["id"] for each in (await sheet(host) or {})["speakers"] if each["role"] == "companion")
    said = new_id()
    named = change("insert", said, kind="answer", text="我也看见了", speaker_id=who)
    await host.ask("minutes.change", **named)
    assert (await heard(citizen, said, 1))["paragraph"]["speaker"] == "companion name"
    assert (await host.ask("veil", participant_id=companion.id, veiled=True))["type"] == "ok"
    read = await sheet(citizen)
    assert read is not None and "companion name" not in [each["speaker"] for each in read["paragraphs"]]
    await host.ask("minutes.change", **change("edit", said, base=1, text="我也看见了。"))
    assert (await heard(citizen, said, 2))["paragraph"]["speaker"] == "已屏蔽"
    assert await sheet(lawyer) is None
    await host.ask("minutes.show", shown=False)
    assert await sheet(citizen) is None


async def test_a_department_writes_where_the_host_lets_it(hall: Hall) -> None:
    host, department = await hall.client("host"), await hall.client("department")
    await host.ask("minutes.begin", template="")
    seen = await sheet(department)
    assert seen is not None and not seen["writable"]
    add = change("insert", new_id(), kind="statement", text="我局三日内到场")
    assert (await department.ask("minutes.change", **add))["code"] == "forbidden"
    who = next(each["id"] for each in seen["speakers"] if each["role"] == "department")
    assert (await host.ask("minutes.let_write", speaker_id=who, allowed=True))["type"] == "ok"
    seen = await sheet(department)
    assert seen is not None and seen["writable"]
    assert (await department.ask("minutes.change", **add))["type"] == "ok"
    observer = await hall.client("observer")
    assert (await observer.ask("minutes.begin", template=""))["code"] == "forbidden"
    assert await sheet(observer) is None


async def test_what_comes_in_wrong_changes_nothing(hall: Hall) -> None:
    host = await hall.client("host")
    await host.ask("minutes.begin", template="")
    before = await sheet(host)
    one = new_id()
    wrong = [
        (change("insert", one, text="没有类别"), "bad_message"),
        (change("edit", one, base=1, text="没有这一段"), "paragraph_not_found"),
        (change("insert", "../etc", kind="note"), "bad_id"),
        (change("insert", one, kind="note", ago_ms=-5), "bad_time"),
        (change("insert", one, kind="note", text="e" + "\u0301" * 10_000), "too_many_marks"),
        (change("insert", one, kind="note", text="x" * 17_000), "too_long"),
        (change("insert", one, kind="note", after_id="x" * 5000), "paragraph_not_found"),
    ]
    for fields, code in wrong:
        assert (await host.ask("minutes.change", **fields))["code"] == code
    assert (await host.ask("minutes.begin", template="nothing"))["type"] == "ok"  # Begun already.
    async with hall.database.session() as db:
        for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
            await move_minutes(db, hall.clock, hall.actors["host"], hall.session_id, state)
        minutes = await load_minutes(db, hall.session_id)
        assert minutes.version == (before or {})["version"]
        minutes.state = MinutesState.LOCKED
        await db.commit()
    locked = await host.ask("minutes.change", **change("insert", one, kind="note", text="锁定以后"))
    assert locked["code"] == "minutes_locked" and "不能再改" in locked["message"]


async def test_what_is_written_while_others_confer_is_told_when_they_are_back(hall: Hall) -> None:
    host, recorder = await hall.client("host"), await hall.client("recorder")
    citizen = await inside(hall, host, "petitioner")
    await host.ask("minutes.begin", template="single")
    await host.ask("minutes.show", shown=True)
    await citizen.push("minutes")
    assert (await host.ask("open"))["type"] == "ok"
    assert (await host.ask("deliberate", participants=[host.id, recorder.id]))["type"] == "ok"
    await citizen.room_where(lambda room: bool(room["deliberation"]) and not room["minutes_shown"])
    citizen.pushes.clear()
    one = new_id()
    for client, act in (
        (recorder, change("insert", one, kind="statement", text="底线是三万元")),
        (host, change("edit", one, base=1, text="底线是四万元")),
    ):
        assert (await client.ask("minutes.change", **act))["type"] == "ok"
    await heard(recorder, one, 2)
    assert await sheet(citizen) is None and "万元" not in str(citizen.pushes)
    await host.ask("minutes.change", **change("edit", one, base=2, text="由区住建局答复"))
    await host.ask("end_deliberation")
    hall.clock.advance(seconds=COUNTDOWN.total_seconds())
    await citizen.until(lambda push: push["type"] == "room" and push["room"]["minutes_shown"])
    assert "万元" not in str(citizen.pushes)
    read = await sheet(citizen)
    assert read is not None and "由区住建局答复" in [each["text"] for each in read["paragraphs"]]


async def test_who_conducts_in_the_hosts_place_keeps_the_minutes(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    citizen = await inside(hall, host, "petitioner")
    await host.ask("minutes.begin", template="")
    add = change("insert", new_id(), kind="statement", text="市局派人到场")
    assert (await joint.ask("minutes.change", **add))["code"] == "forbidden"
    assert (await host.ask("hand_over", participant_id=joint.id))["type"] == "ok"
    await joint.push("rights")
    seen = await sheet(joint)
    assert seen is not None and seen["writable"]
    assert (await joint.ask("minutes.change", **add))["type"] == "ok"
    assert (await joint.ask("minutes.show", shown=True))["type"] == "ok"
    assert (await citizen.push("minutes"))["minutes"]["paragraphs"]
    assert (await joint.ask("minutes.move", state="read_back"))["type"] == "ok"
    assert (await sheet(host) or {})["state"] == "read_back"
    await joint.ask("hand_over", participant_id=host.id)
    await joint.push("rights")
    assert (await joint.ask("minutes.move", state="signing"))["code"] == "forbidden"


async def test_the_desk_reads_how_the_minutes_stand_and_takes_the_next_step(hall: Hall) -> None:
    host, recorder = await hall.client("host"), await hall.client("recorder")
    citizen = await inside(hall, host, "petitioner")
    await host.ask("minutes.begin", template="")
    assert (await host.ask("minutes.move", state="locked"))["code"] == "bad_message"
    assert (await host.ask("minutes.move", state="signing"))["code"] == "bad_transition"
    assert (await citizen.ask("minutes.move", state="read_back"))["code"] == "forbidden"
    assert (await recorder.ask("minutes.move", state="read_back"))["type"] == "ok"
    await citizen.room_where(lambda room: room["minutes_state"] == "read_back")
    host.pushes.clear()
    async with hall.database.session() as db:
        await object_to(db, hall.clock, hall.actors["petitioner"], hall.session_id, None, "少写了电梯")
    await refresh(hall.registry.rooms[hall.session_id])
    told = (await host.push("minutes"))["minutes"]
    assert told["open_objections"] == 1 and hall.actors["petitioner"].name in told["unsigned"]
    # Also for who does not look at the minutes; the petitioner's side is not told how many others objected.
    await host.until(lambda push: push["type"] == "room" and push["room"]["open_objections"] == 1)
    assert citizen.room["open_objections"] == 0
    await hall.kill_web()
    await hall.start_web()
    host = await hall.client("host")
    assert host.welcome["room"]["open_objections"] == 1, "a restart forgets none"
    assert (await host.ask("minutes.move", state="signing"))["code"] == "objections_open"
    assert (await host.ask("minutes.move", state="drafting"))["type"] == "ok"


async def test_it_is_recorded_until_the_minutes_are_signed(hall: Hall) -> None:
    """A click alone ends neither sitting nor recording; who ends it before that says why."""
    host = await hall.client("host")
    await host.ask("open")
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    await host.ask("minutes.begin", template="single")
    for state in (None, MinutesState.READ_BACK, MinutesState.SIGNING):
        if state is not None:
            async with hall.database.session() as db:
                await move_minutes(db, hall.clock, hall.actors["host"], hall.session_id, state)
        refused = await host.ask("close")
        assert refused["code"] == "minutes_unsigned" and "签完字" in refused["message"], state
        assert hall.worker.rooms[hall.session_id].recording is not None
    assert (await host.ask("close_unsigned", reason=" \u202e"))["code"] == "bad_state"
    assert hall.worker.rooms[hall.session_id].recording is not None
    assert (await host.ask("close_unsigned", reason="信访人已离开，改日签字"))["type"] == "ok"
    (closed,) = await events(hall, "session.closed")
    assert closed[2]["reason"] == "信访人已离开，改日签字"
    assert hall.worker.rooms == {}


@pytest.mark.parametrize("state", [None, MinutesState.LOCKED])
async def test_a_click_ends_it_once_they_are_signed_or_where_there_are_none(
    hall: Hall, state: MinutesState | None
) -> None:
    host = await hall.client("host")
    await host.ask("open")
    if state is not None:
        await host.ask("minutes.begin", template="single")
        async with hall.database.session() as db:
            (await load_minutes(db, hall.session_id)).state = state
            await db.commit()
    assert (await host.ask("close"))["type"] == "ok"
