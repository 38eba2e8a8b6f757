"""Layouts and phases: the same for all, kept in the history and over a restart; locks follow the phase."""

from __future__ import annotations

from typing import Any

import pytest

from media import control
from scheduling.phases import PHASES, kind_of, read_phases
from scheduling.session_events import list_events
from tests.signaling.hall import Client, Hall, find, names


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def events(hall: Hall, *kinds: str) -> list[tuple[str, str | None, dict[str, Any]]]:
    live = hall.registry.rooms.get(hall.session_id)
    if live is not None:  # A room that is over has written everything before it went.
        await live.backlog.settle()
    async with hall.database.session() as db:
        found = await list_events(db, hall.session_id)
    return [(event.kind, event.actor_name, event.data) for event in found if event.kind in kinds]


async def admitted(hall: Hall, host: Client, role: str) -> Client:
    client = await hall.client(role)
    await host.ask("admit", participant_id=client.id)
    await client.push("room")
    await host.room_where(lambda room: client.id in names(room))
    return client


def microphone(room: dict[str, Any], client: Client) -> bool:
    """Is it locked?"""
    return bool(find(room, client.id)["sources"].get("microphone", {}).get("locked"))


async def test_the_layout_is_the_same_for_all_and_stands_in_the_history(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await admitted(hall, host, "petitioner")
    assert citizen.room["conduct"]["layout"] == "auto"
    await host.ask("arrange", layout="tiers", spotlight="")
    await host.ask("arrange", layout="tiers", spotlight="")  # Twice is as good as once.
    await host.ask("arrange", layout="speaker", spotlight=citizen.id)
    room = await citizen.room_where(lambda room: room["conduct"]["spotlight"] == citizen.id)
    assert room["conduct"]["layout"] == "speaker"
    assert (await host.ask("arrange", layout="speaker", spotlight="nobody"))["code"] == "not_found"
    assert (await host.ask("arrange", layout="mosaic", spotlight=""))["code"] == "bad_message"
    found = await events(hall, "layout.chosen")
    assert [(data["layout"], data["spotlight"]) for _, _, data in found] == [
        ("tiers", None), ("speaker", citizen.id),
    ]  # fmt: skip
    assert found[0][1] == host.room["participants"][0]["name"]


async def test_a_phase_locks_who_does_not_speak_and_gives_back_only_what_it_took(hall: Hall) -> None:
    host = await hall.client("host")
    assert [phase["code"] for phase in host.welcome["session"]["phases"]] == [
        "statement", "questions", "answers", "conclusion",
    ]  # fmt: skip
    city, department = await hall.client("joint_receptionist"), await hall.client("department")
    citizen = await admitted(hall, host, "petitioner")
    assert (await host.ask("begin_phase", phase="statement"))["code"] == "bad_state"
    await host.ask("open")
    await host.ask("mute", participant_id=department.id, source="microphone", muted=True)
    await host.ask("begin_phase", phase="statement")
    room = await host.room_where(lambda room: microphone(room, city))
    assert room["conduct"]["phase"] == "statement"
    assert not microphone(room, citizen) and not microphone(room, host)
    assert hall.worker.requests(control.SetMuted)[-1].participant_id == city.id
    assert (await city.ask("source_state", source="microphone", enabled=True))["code"] == "forbidden"
    await host.ask("mute", participant_id=city.id, source="microphone", muted=False)  # The word, by hand.
    await host.room_where(lambda room: not microphone(room, city))
    await host.ask("begin_phase", phase="answers")
    room = await host.room_where(lambda room: microphone(room, citizen))
    assert microphone(room, department)  # Locked by hand before, and not the phase's to release.
    await host.ask("begin_phase", phase="")
    room = await host.room_where(lambda room: not microphone(room, citizen))
    assert microphone(room, department) and room["conduct"]["phase"] is None
    titles = [data["title"] for _, _, data in await events(hall, "phase.begun")]
    assert titles == ["信访人陈述", "部门答复", "自由发言"]
    assert (await host.ask("begin_phase", phase="dessert"))["code"] == "not_found"


async def test_who_comes_in_during_a_phase_is_bound_by_it_also_after_a_restart(hall: Hall) -> None:
    host = await hall.client("host")
    await host.ask("open")
    await host.ask("begin_phase", phase="answers")
    await host.ask("arrange", layout="grid", spotlight="")
    citizen = await admitted(hall, host, "petitioner")
    await host.room_where(lambda room: microphone(room, citizen))
    await hall.kill_web()
    await hall.start_web()
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    assert citizen.room["conduct"]["phase"] == "answers" and citizen.room["conduct"]["layout"] == "grid"
    assert microphone(await host.room_where(lambda room: len(room["participants"]) == 2), citizen)
    await host.ask("begin_phase", phase="questions")
    await host.room_where(lambda room: not microphone(room, citizen))


async def test_quiet_for_all_and_hands_down(hall: Hall) -> None:
    host, city = await hall.client("host"), await hall.client("joint_receptionist")
    citizen = await admitted(hall, host, "petitioner")
    await citizen.ask("raise_hand", raised=True)
    await city.ask("raise_hand", raised=True)
    await host.ask("mute_all")
    await host.ask("lower_hands")
    room = await host.room_where(
        lambda room: microphone(room, city) and not any(p["hand_raised_at"] for p in room["participants"])
    )
    assert microphone(room, citizen) and not microphone(room, host)
    lowered = await events(hall, "hand.lowered")
    assert {name for _, name, _ in lowered} == {find(room, host.id)["name"]} and len(lowered) == 2


async def test_a_name_is_corrected_with_a_reason_and_without_tricks(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await admitted(hall, host, "petitioner")
    before = find(host.room, citizen.id)["name"]

    async def rename(name: str, reason: str = "登记有误") -> dict[str, Any]:
        return await host.ask("rename", participant_id=citizen.id, name=name, reason=reason)

    assert (await rename("马秀英", reason=" "))["code"] == "bad_state"
    assert (await rename("马" + "\u0301" * 10_000))["code"] == "bad_message"
    assert (await rename("\u202e\u200b "))["code"] == "required"
    assert find(host.room, citizen.id)["name"] == before
    assert (await rename("马\u202e<b>秀</b>英" + "\u0301" * 40))["type"] == "ok"
    shown = "马<b>秀</b>英" + "\u0301" * 3
    await citizen.room_where(lambda room: find(room, citizen.id)["name"] == shown)
    ((_, by, data),) = await events(hall, "participant.renamed")
    assert by == find(host.room, host.id)["name"]
    assert data == {"from": before, "to": shown, "reason": "登记有误"}
    await hall.kill_web()
    await hall.start_web()
    again = await hall.client("host")
    assert find(again.room, citizen.id)["name"] == shown


async def test_commands_for_somebody_gone_and_commands_given_twice_do_no_harm(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await admitted(hall, host, "petitioner")
    who = {"participant_id": citizen.id}
    assert (await host.ask("remove", **who, reason="扰乱秩序"))["type"] == "ok"
    fields: dict[str, dict[str, Any]] = {
        "admit": {}, "deny": {"reason": ""}, "remove": {"reason": ""}, "move_to_lobby": {"reason": ""},
        "mute": {"source": "microphone", "muted": True}, "rename": {"name": "李明", "reason": "误"},
        "postpone": {"to": "next", "reason": ""}, "refer": {"to": "telephone", "reason": ""},
        "hand_over": {}, "name_deputy": {},
    }  # fmt: skip
    for name, other in fields.items():
        assert (await host.ask(name, **who, **other))["code"] == "not_found", name
    assert (await host.ask("arrange", layout="grid", spotlight=citizen.id))["code"] == "not_found"
    for _ in range(2):
        assert (await host.ask("lower_hands"))["type"] == (await host.ask("mute_all"))["type"] == "ok"
    assert len(await events(hall, "participant.removed")) == 1
    assert await events(hall, "hand.lowered") == []


def test_phases_are_data_and_bad_data_is_told() -> None:
    assert [phase.title for phase in PHASES[kind_of(0)]] == ["信访人陈述", "提问", "结论"]
    for phase in (*PHASES["single"], *PHASES["joint"]):
        assert phase.lets_speak("host") and phase.lets_speak("interpreter")
        assert not phase.lets_speak("observer")
    row = '{"code": "a", "title": "b", "speaks": ["petitioner"]}'
    for text in (
        f'{{"single": [{row}, {row}], "joint": []}}',
        f'{{"single": [{row}]}}',
        '{"single": [{"code": "a", "title": "b", "speaks": ["king"]}], "joint": []}',
        '{"single": [{"code": "a", "title": "b"}], "joint": []}',
    ):
        with pytest.raises(ValueError, match="phases"):
            read_phases(text)
