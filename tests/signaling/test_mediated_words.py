"""A mediation's room says nothing of a reception; whoever is sent back to wait reads who did it and why."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from scheduling.session import Session, SessionKind
from signaling.sittings import load_sitting
from tests.signaling.hall import Client, Hall


@pytest.fixture
def database_system() -> str:
    """Words are the same on both."""
    return "sqlite"


async def note_of(citizen: Client, seen: int) -> str:
    """What stands in the waiting room after the first `seen` messages."""
    await citizen.until(lambda push: push["type"] == "queue" and push in citizen.pushes[seen:])
    queues = [push for push in citizen.pushes[seen:] if push["type"] == "queue"]
    return str(queues[-1]["note"])


async def test_who_is_sent_back_reads_who_did_it_and_why(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    name = hall.actors["host"].name
    told = {
        "先请另一位说\u202e": f"主持人请您先回等候室，号为您保留：先请另一位说（{name}）",
        "": f"主持人{name}请您先回等候室，号为您保留。",
    }
    for reason, words in told.items():
        await host.ask("admit", participant_id=citizen.id)
        await citizen.ask("publish", sdp="x", sources={"0": "camera"})
        seen = len(citizen.pushes)
        await host.ask("move_to_lobby", participant_id=citizen.id, reason=reason)
        assert await note_of(citizen, seen) == words


async def mediates(hall: Hall) -> None:
    """From here on the sitting is one of a mediation."""
    [live] = hall.registry.rooms.values()
    async with hall.database.session() as db:
        await db.execute(
            update(Session).where(Session.id == hall.session_id).values(kind=SessionKind.MEDIATION)
        )
        await db.commit()
        live.room.sitting = await load_sitting(db, hall.session_id)


async def test_a_mediation_is_called_one_in_whatever_its_room_says(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    companion = await hall.client("companion")
    await mediates(hall)
    refused = {
        "begin_phase": ({"phase": "no such"}, "这类调解没有这个环节"),
        "mark": ({"mark": "key", "note": ""}, "调解进行中才能标记"),
        "deliberate": ({"participants": [host.id]}, "调解进行中才能合议"),
        "resume": ({}, "调解没有暂停"),
        "start_recording": ({}, "调解开始后才能录制"),
        "move_to_lobby": ({"participant_id": citizen.id, "reason": ""}, "这位参与人不在调解室"),
    }
    said: list[Any] = []
    for command, (fields, words) in refused.items():
        answer = await host.ask(command, **fields)
        assert answer.get("message") == words, (command, answer)
        said.append(answer)
    await host.ask("refer", participant_id=companion.id, to="telephone", reason="接不通")
    said.append(await companion.push("referred"))
    assert "已改为电话调解" in str(said[-1])
    said += [*host.pushes, *citizen.pushes, *companion.pushes]
    assert "接访" not in str([{**each, "session": ""} for each in said])
