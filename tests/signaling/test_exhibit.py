"""A material on the stage: one page for everybody, turned, pointed at, drawn over, and on the timeline."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from scheduling.materials.exhibition import MOST_LINES
from scheduling.materials.material import Material, MaterialKind
from scheduling.materials.rendering import Rendered
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Draft, keep_material
from signaling.exhibit import MOST_WRITTEN, find_exhibit
from tests.signaling.hall import Hall
from tests.signaling.test_conduct import events

PAGE = b"page"


@pytest.fixture
def database_system() -> str:
    """One system is enough: nothing here depends on the database."""
    return "sqlite"


async def bring(hall: Hall, who: str, name: str, pages: int = 3) -> str:
    """A material of this person, without the child process."""
    folder = Path(hall.folder) / "materials"
    folder.mkdir(exist_ok=True)
    draft = Draft(hall.actors[who], hall.session_id, name, name.encode(), name.encode().hex().zfill(64)[:64])
    async with hall.database.session() as db:
        made: Material = await keep_material(
            db, hall.clock, MaterialStore(folder, hall.folder / "key"), draft,
            Rendered(MaterialKind.PDF, [PAGE] * pages),
        )  # fmt: skip
    return made.id


def shows(page: int) -> Any:
    return lambda room: room["exhibit"] is not None and room["exhibit"]["page"] == page


async def test_everybody_sees_the_same_page_and_the_timeline_knows_which(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    paper = await bring(hall, "host", "答复.pdf")
    assert (await citizen.ask("material.show", material_id=paper, page=1))["code"] == "bad_state"
    await host.ask("admit", participant_id=citizen.id)
    await citizen.push("room")
    assert (await host.ask("material.turn", page=2))["code"] == "bad_state"
    assert (await citizen.ask("material.show", material_id=paper, page=1))["code"] == "material_not_found"
    assert (await host.ask("material.show", material_id="0" * 32, page=1))["code"] == "material_not_found"
    assert (await host.ask("material.show", material_id=paper, page=4))["code"] == "page_not_found"
    assert (await host.ask("material.show", material_id=paper, page=1))["type"] == "ok"
    for client in (host, citizen):
        room = await client.room_where(shows(1))
        assert room["exhibit"] == {
            "material_id": paper, "name": "答复.pdf", "page": 1, "pages": 3, "by": host.id,
        }  # fmt: skip
    for command, fields in (
        ("material.turn", {"page": 2}), ("material.point", {"x": 1, "y": 1}),
        ("material.draw", {"points": [1, 1, 2, 2]}), ("material.wipe", {"everything": True}),
        ("material.hide", {}),
    ):  # fmt: skip
        assert (await citizen.ask(command, **fields))["code"] == "forbidden", command
    await host.ask("material.turn", page=2)
    await citizen.room_where(shows(2))
    await host.ask("material.turn", page=2)
    assert (await host.ask("material.turn", page=0))["code"] == "page_not_found"
    await host.ask("material.hide")
    await citizen.room_where(lambda room: room["exhibit"] is None)
    told = [(data["page"], data["name"]) for _, _, data in await events(hall, "material.shown")]
    assert told == [(1, "答复.pdf")]
    assert [data["page"] for _, _, data in await events(hall, "material.turned")] == [2]
    (ended,) = await events(hall, "material.ended")
    assert (ended[2]["page"], ended[2]["cause"]) == (2, "stopped")


async def test_a_guest_shows_his_own_while_he_may_speak(hall: Hall) -> None:
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    third = await hall.client("companion")
    mine, theirs = await bring(hall, "petitioner", "漏水.jpg"), await bring(hall, "companion", "合影.jpg")
    for client in (citizen, third):
        await host.ask("admit", participant_id=client.id)
        await client.push("room")
    await host.ask("mute", participant_id=citizen.id, source="microphone", muted=True)
    assert "举手" in (await citizen.ask("material.show", material_id=mine, page=1))["message"]
    await host.ask("mute", participant_id=citizen.id, source="microphone", muted=False)
    assert (await citizen.ask("material.show", material_id=mine, page=2))["type"] == "ok"
    assert (await third.ask("material.show", material_id=theirs, page=1))["code"] == "stage_taken"
    assert (await third.ask("publish", sdp="v=0", sources={"0": "screen"}))["code"] == "stage_taken"
    await host.ask("material.turn", page=3)  # Officials turn what a citizen shows.
    await third.room_where(shows(3))
    await host.ask("mute", participant_id=citizen.id, source="screen", muted=True)
    await third.room_where(lambda room: room["exhibit"] is None)
    assert "停止" in (await citizen.ask("material.show", material_id=mine, page=1))["message"]
    await hall.registry.rooms[hall.session_id].backlog.settle()
    assert [data["cause"] for _, _, data in await events(hall, "material.ended")] == ["locked"]


async def test_pointing_passes_and_drawing_stays_on_its_page(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    paper = await bring(hall, "host", "答复.pdf")
    await host.ask("material.show", material_id=paper, page=1)
    await host.ask("material.point", x=5000, y=99_999)
    told = await joint.push("material.pointer")
    assert (told["by"], told["x"], told["y"]) == (host.id, 5000, 10_000)
    await host.ask("material.point", x=1, y=1)  # Too soon after the last: not told.
    await host.ask("material.point", x=-1, y=0)
    await joint.until(lambda push: push["type"] == "material.pointer" and push["x"] == -1)
    assert sum(push["type"] == "material.pointer" for push in joint.pushes) == 2
    stroke = [0, 0, 10_000, 10_000]
    await joint.ask("material.draw", points=stroke)
    drawn = await host.until(lambda push: push["type"] == "material.strokes" and push["strokes"] != [])
    assert drawn["strokes"] == [stroke]
    for points in ([1, 2, 3], [1, 2, 3, 10_001], [-1, 0, 0, 0]):
        assert (await host.ask("material.draw", points=points))["code"] in ("bad_stroke", "bad_message")
    assert (await host.ask("material.draw", points=[1, 2]))["code"] == "bad_message"
    await host.ask("material.turn", page=2)
    empty = await joint.until(lambda push: push["type"] == "material.strokes" and push["page"] == 2)
    assert empty["strokes"] == []
    await host.ask("material.turn", page=1)
    late = await hall.client("province")
    await late.ask("material.fetch")
    assert (await late.push("material.strokes"))["strokes"] == [stroke]
    exhibit = hall.registry.rooms[hall.session_id].room.exhibit
    assert exhibit is not None
    exhibit.strokes[1] = [stroke] * MOST_LINES
    assert (await host.ask("material.draw", points=stroke))["code"] == "strokes_full"
    await host.ask("material.wipe", everything=False)
    assert len(exhibit.drawn) == MOST_LINES - 1
    await host.ask("material.wipe", everything=True)
    assert exhibit.drawn == []
    told = [(by, data) for _, by, data in await events(hall, "material.drawn")]
    assert told == [
        (hall.actors["joint_receptionist"].name, {"material_id": paper, "page": 1, "points": stroke})
    ]
    wiped = [data for _, _, data in await events(hall, "material.wiped")]
    assert [(data["page"], data["everything"]) for data in wiped] == [(1, False), (1, True)]
    await host.ask("material.wipe", everything=True)
    assert len(await events(hall, "material.wiped")) == 2, "nothing was there to be wiped"


async def test_the_picture_that_was_up_is_in_the_history_and_what_does_not_open_is_not_shown(
    hall: Hall,
) -> None:
    host = await hall.client("host")
    paper = await bring(hall, "host", "答复.pdf")
    await host.ask("material.show", material_id=paper, page=1)
    folder = Path(hall.folder) / "materials" / hall.session_id / paper
    (folder / "page-002").write_bytes(bytes(40))
    assert (await host.ask("material.turn", page=2))["code"] == "material_damaged"
    await host.ask("material.turn", page=3)
    (folder / "page-001").unlink()
    assert (await host.ask("material.turn", page=1))["code"] == "material_not_found"
    digest = hashlib.sha256(PAGE).hexdigest()
    for kind, page in (("material.shown", 1), ("material.turned", 3)):
        ((_, _, data),) = await events(hall, kind)
        assert (data["page"], data["page_sha256"]) == (page, digest)
    assert (await host.room_where(shows(3)))["exhibit"]["page"] == 3


async def test_a_stroke_is_written_before_it_is_told_and_a_sitting_has_a_ceiling(hall: Hall) -> None:
    host, joint = await hall.client("host"), await hall.client("joint_receptionist")
    paper = await bring(hall, "host", "答复.pdf")
    await host.ask("material.show", material_id=paper, page=1)
    live = hall.registry.rooms[hall.session_id]
    live.room.strokes_written = MOST_WRITTEN - 1
    assert (await joint.ask("material.draw", points=[1, 2, 3, 4]))["type"] == "ok"
    assert (await joint.ask("material.draw", points=[1, 2, 3, 4]))["code"] == "strokes_full"
    live.room.strokes_written = 0
    await _rename(hall, "session_events", "away")  # Whatever is told now cannot have been written.
    assert (await joint.ask("material.draw", points=[5, 6, 7, 8]))["type"] == "error"
    assert live.room.exhibit is not None and live.room.exhibit.drawn == [[1, 2, 3, 4]]
    told = [push["strokes"] for push in host.pushes if push["type"] == "material.strokes"]
    assert told[-1] == [[1, 2, 3, 4]]
    await _rename(hall, "away", "session_events")


async def _rename(hall: Hall, table: str, to: str) -> None:
    async with hall.database.session() as db:
        await db.execute(text(f"ALTER TABLE {table} RENAME TO {to}"))
        await db.commit()


async def test_a_restart_finds_the_page_and_a_deliberation_ends_it(hall: Hall) -> None:
    host = await hall.client("host")
    one, two = await bring(hall, "host", "一.pdf"), await bring(hall, "host", "二.pdf")
    await host.ask("material.show", material_id=one, page=1)
    await host.ask("material.show", material_id=two, page=2)
    await host.ask("material.turn", page=3)
    assert [data["cause"] for _, _, data in await events(hall, "material.ended")] == ["replaced"]
    first, second, third = [1, 1, 2, 2], [3, 3, 4, 4], [5, 5, 6, 6]
    for stroke in (first, second):
        await host.ask("material.draw", points=stroke)
    await host.ask("material.wipe", everything=False)
    await host.ask("material.turn", page=1)
    await host.ask("material.draw", points=third)
    await host.ask("material.show", material_id=two, page=3)  # The same once more keeps its strokes.
    await hall.kill_web()
    await hall.start_web()
    host = await hall.client("host")
    await host.ask("material.fetch")
    assert (await host.push("material.strokes"))["strokes"] == [first]
    exhibit = hall.registry.rooms[hall.session_id].room.exhibit
    assert exhibit is not None and exhibit.strokes == {3: [first], 1: [third]}
    assert hall.registry.rooms[hall.session_id].room.strokes_written == 3
    shown = host.welcome["room"]["exhibit"]
    assert (shown["material_id"], shown["page"], shown["by"]) == (two, 3, host.id)
    await host.ask("open")
    await host.ask("deliberate", participants=[host.id])
    await host.room_where(lambda room: room["exhibit"] is None)
    assert (await host.ask("material.show", material_id=one, page=1))["code"] == "bad_state"
    await hall.registry.rooms[hall.session_id].backlog.settle()
    async with hall.database.session() as db:
        assert await find_exhibit(db, hall.session_id) is None
