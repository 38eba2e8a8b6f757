"""Every command against every role, from the dispatch table: what is not a right is refused."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.handlers import HANDLERS
from signaling.protocol import COMMANDS
from signaling.rights import GUEST_ROLES, OFFICIAL_ROLES, RIGHTS, Right
from tests.signaling.hall import GUESTS, Hall
from tests.signaling.test_protocol_document import chapter, rows


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


FIELDS: dict[str, dict[str, Any]] = {
    "ready": {"device": {}},
    "publish": {"sdp": "x", "sources": {}},
    "answer": {"offer_id": 1, "sdp": "x"},
    "source_state": {"source": "camera", "enabled": False},
    "raise_hand": {"raised": True},
    "watch": {"tiles": []},
    "chat": {"text": "你好"},
    "admit": {"participant_id": "x"},
    "deny": {"participant_id": "x", "reason": ""},
    "mute": {"participant_id": "x", "source": "camera", "muted": True},
    "remove": {"participant_id": "x", "reason": ""},
    "move_to_lobby": {"participant_id": "x", "reason": ""},
    "pause": {"reason": "商议"},
    "close_unsigned": {"reason": "信访人已离开"},
    "postpone": {"participant_id": "x", "to": "next", "reason": ""},
    "refer": {"participant_id": "x", "to": "telephone", "reason": ""},
    "rename": {"participant_id": "x", "name": "李明", "reason": "登记有误"},
    "arrange": {"layout": "grid", "spotlight": ""},
    "begin_phase": {"phase": "statement"},
    "hand_over": {"participant_id": "x"},
    "name_deputy": {"participant_id": "x"},
    "minutes.begin": {"template": ""},
    "minutes.change": {
        "edit_id": "0" * 32, "act": "move", "paragraph_id": "0" * 32, "base": None, "after_id": None,
        "kind": None, "speaker_id": None, "text": "", "ago_ms": 0,
    },
    "minutes.move": {"state": "read_back"},
    "minutes.show": {"shown": False},
    "minutes.let_write": {"speaker_id": "x", "allowed": True},
    "deliberate": {"participants": ["x"]},
    "mark": {"mark": "key", "note": ""},
    "veil": {"participant_id": "x", "veiled": True},
    "withdraw_mark": {"mark_id": "x"},
    "material.show": {"material_id": "x", "page": 1},
    "material.turn": {"page": 1},
    "material.point": {"x": 1, "y": 1},
    "material.draw": {"points": [1, 1, 2, 2]},
    "material.wipe": {"everything": False},
}  # fmt: skip
HOST_RIGHTS = {
    Right.ADMIT, Right.MUTE, Right.REMOVE, Right.OPEN, Right.PAUSE, Right.CLOSE, Right.RECORD,
    Right.RENAME, Right.ARRANGE, Right.PHASE, Right.HAND_OVER,
    Right.SHOW_MINUTES,
    Right.DELIBERATE, Right.VEIL,
}  # fmt: skip
DISPATCHED = {name: HANDLERS[kind] for name, kind in COMMANDS.items() if kind in HANDLERS}
GUARDED = {name: handler for name, handler in DISPATCHED.items() if handler.right is not None}


def test_every_command_is_dispatched() -> None:
    assert set(COMMANDS) - set(DISPATCHED) == {"authenticate", "ping"}
    assert len(DISPATCHED) == len(HANDLERS)
    assert set(DISPATCHED) - set(GUARDED) == {
        "leave", "page_state", "quality", "minutes.fetch", "material.fetch",
    }  # fmt: skip


def test_host_rights_belong_to_the_host_alone() -> None:
    for role, rights in RIGHTS.items():
        assert bool(rights & HOST_RIGHTS) == (role == "host"), role


def test_the_document_names_the_same_rights() -> None:
    by_right = {row[0].strip("`"): row for row in rows(chapter(2))}
    assert set(by_right) == {str(right) for right in Right}
    for name, row in by_right.items():
        commands = {command for command, handler in GUARDED.items() if handler.right == name}
        named = set(row[1].partition("; ")[0].replace("`", "").split(", "))
        assert named == commands or (not commands and row[1].startswith("none; "))
        roles = {role for role, rights in RIGHTS.items() if name in rights}
        words = {
            "all": set(RIGHTS),
            "all but `observer`": set(RIGHTS) - {"observer"},
            "all but `interpreter` and `observer`": set(RIGHTS) - {"interpreter", "observer"},
            "petitioner and guests": set(GUEST_ROLES),
            "officials": set(OFFICIAL_ROLES),
            "`host`": {"host"},
            "`host` and `joint_receptionist`": {"host", "joint_receptionist"},
            "officials but `observer`": set(OFFICIAL_ROLES) - {"observer"},
            "petitioner and guests but `third_party`": set(GUEST_ROLES) - {"third_party"},
        }
        assert words[row[2]] == roles, name


@pytest.mark.parametrize("role", [role for role in RIGHTS if role != "host"])
async def test_b12_what_a_role_may_not_do_is_forbidden(hall: Hall, role: str) -> None:
    client = await hall.client(role)
    if role in GUESTS:
        host = await hall.client("host")
        await host.ask("admit", participant_id=client.id)
        await client.push("admitted")
    refused = set()
    for name, handler in GUARDED.items():
        if handler.right not in RIGHTS[role]:
            refused.add(name)
            assert (await client.ask(name, **FIELDS.get(name, {})))["code"] == "forbidden", name
    assert {"admit", "deny", "mute", "remove", "open", "pause", "resume", "close"} <= refused
    assert {"start_recording", "move_to_lobby", "call_next", "postpone", "refer"} <= refused
    assert {"mute_all", "lower_hands", "rename", "arrange", "begin_phase"} <= refused
    assert {"hand_over", "name_deputy", "deliberate", "end_deliberation"} <= refused
    assert hall.registry.rooms[hall.session_id].room.sitting.state != "live"
    assert client.welcome["rights"] == sorted(RIGHTS[role])


async def test_a_host_does_all_of_it(hall: Hall) -> None:
    host = await hall.client("host")
    assert set(host.welcome["rights"]) == {str(right) for right in RIGHTS["host"]}
    for name in ("open", "start_recording", "pause", "resume", "close"):
        assert (await host.ask(name, **FIELDS.get(name, {})))["type"] == "ok", name


async def test_somebody_of_another_session_is_not_found(hall: Hall) -> None:
    host = await hall.client("host")
    persons = ("admit", "deny", "mute", "remove", "move_to_lobby", "postpone", "refer", "rename")
    for name in (*persons, "hand_over", "name_deputy"):
        assert (await host.ask(name, **FIELDS[name]))["code"] == "not_found", name
