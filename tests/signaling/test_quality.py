"""Quality: hostile figures first, then levels that do not flicker, then what is shown and what is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from cases.errors import Forbidden, NotFound, SignInRequired
from cases.policy import ANONYMOUS
from media import control
from signaling.quality import COLUMNS, Quality, is_row, level_of
from signaling.quality_minutes import QualityMinute, list_quality
from tests.signaling.hall import Hall, find

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
GOOD = [0, 40, 6, 900, 640, 360, 15]
LOSSY = [120, 85, 14, 412, 640, 360, 15]
NOTHING = [-1, -1, -1, 0, -1, -1, -1]


@pytest.mark.parametrize(
    "row",
    [[], GOOD[1:], [0] * (COLUMNS + 1), [1001, *GOOD[1:]], [-2, *GOOD[1:]], [0, 2**30, *GOOD[2:]]],
)
async def test_figures_that_cannot_be_are_refused_and_nothing_is_kept(hall: Hall, row: list[int]) -> None:
    assert not is_row(row)
    host = await hall.client("host")
    answer = await host.ask("quality", path="udp", up=[row], down=[])
    assert (answer["type"], answer["code"]) == ("error", "bad_message")
    person = hall.registry.rooms[hall.session_id].room.people[host.id]
    assert person.quality.take(hall.clock.now(), all_of_it=True) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "pigeon", "up": [], "down": []},
        {"path": "udp", "up": [GOOD] * 11, "down": []},
        {"path": "udp", "up": [[0.5, *GOOD[1:]]], "down": []},
        {"path": "udp", "up": [[True, *GOOD[1:]]], "down": []},
        {"path": "udp", "up": GOOD, "down": []},
        {"path": "udp", "up": {"0": GOOD}, "down": []},
        {"path": "udp", "up": []},
    ],
)
async def test_malformed_quality_is_bad_message(hall: Hall, fields: dict[str, object]) -> None:
    host = await hall.client("host")
    assert (await host.ask("quality", **fields))["code"] == "bad_message"


async def test_only_in_the_room_and_not_all_the_time(hall: Hall) -> None:
    citizen = await hall.client("petitioner")
    assert (await citizen.ask("quality", path="udp", up=[GOOD], down=[]))["code"] == "bad_state"
    host = await hall.client("host")
    assert (await host.ask("quality", path="udp", up=[GOOD], down=[]))["type"] == "ok"
    assert (await host.ask("quality", path="udp", up=[GOOD], down=[]))["code"] == "too_fast"
    hall.clock.advance(seconds=1)
    assert (await host.ask("quality", path="udp", up=[GOOD], down=[]))["type"] == "ok"


@pytest.mark.parametrize(
    ("loss", "round_trip", "bitrate", "level"),
    [(29, 199, 1, "good"), (30, 0, 1, "fair"), (0, 200, 1, "fair"), (79, 399, 1, "fair"),
     (80, 0, 1, "poor"), (0, 400, 1, "poor"), (0, 0, 0, "gone"), (-1, -1, 5, "good")],
)  # fmt: skip
def test_levels(loss: int, round_trip: int, bitrate: int, level: str) -> None:
    assert level_of(loss, round_trip, bitrate) == level


def worker_says(quality: Quality, *rows: list[int]) -> list[str]:
    levels = []
    for second, row in enumerate(rows):
        quality.hear_worker({"up": row}, START + timedelta(seconds=second))
        levels.append(quality.view().up)
    return levels


def test_worse_after_three_better_after_five() -> None:
    levels = worker_says(Quality("a"), *[LOSSY] * 3, *[GOOD] * 5)
    assert levels == ["good", "good", "poor", "poor", "poor", "poor", "poor", "good"]


def test_one_good_second_does_not_undo_a_bad_network() -> None:
    assert set(worker_says(Quality("a"), LOSSY, LOSSY, GOOD, LOSSY, LOSSY)) == {"good"}


def test_a_minute_is_bounded() -> None:
    quality = Quality("a")
    for _ in range(500):
        quality.hear_page("udp", [GOOD] * 10, [GOOD] * 10, START + timedelta(seconds=30))
    minute = quality.take(START + timedelta(seconds=60))
    assert minute is not None and len(minute.rows["browser"]["up"]) == 60


async def in_room(hall: Hall):  # type: ignore[no-untyped-def]
    host, citizen = await hall.client("host"), await hall.client("petitioner")
    await host.ask("admit", participant_id=citizen.id)
    await host.room_where(lambda room: find(room, citizen.id))
    return host, citizen


def measured(hall: Hall, participant_id: str, row: list[int]) -> None:
    people = {participant_id: {"up": row}, "x": {"up": row}}
    hall.worker.tell(control.QualityMeasured(room_id=hall.session_id, people=people))


async def test_officials_read_who_and_which_direction_and_citizens_do_not(hall: Hall) -> None:
    host, citizen = await in_room(hall)
    assert (await citizen.ask("quality", path="tcp", up=[GOOD], down=[GOOD]))["type"] == "ok"
    for _ in range(3):
        measured(hall, citizen.id, LOSSY)
    room = await host.room_where(lambda room: find(room, citizen.id)["quality"]["up"] == "poor")
    assert find(room, citizen.id)["quality"] == {
        "up": "poor", "down": "good", "up_loss": 12, "down_loss": 0, "round_trip": 40, "path": "tcp",
    }  # fmt: skip
    await citizen.ask("raise_hand", raised=True)
    await citizen.room_where(lambda room: find(room, citizen.id)["hand_raised_at"])
    assert {person["quality"] for person in citizen.room["participants"]} == {None}


async def test_a_transport_without_media_is_silent_after_three_seconds_and_back_at_once(hall: Hall) -> None:
    host, citizen = await in_room(hall)
    hall.worker.tell(
        control.TransportChanged(
            room_id=hall.session_id, participant_id=citizen.id, direction="publish", state="connected"
        )
    )
    await host.room_where(lambda room: find(room, citizen.id)["media"] == "connected")
    for _ in range(3):
        measured(hall, citizen.id, NOTHING)
    await host.room_where(lambda room: find(room, citizen.id)["media"] == "silent")
    measured(hall, citizen.id, GOOD)
    await host.room_where(lambda room: find(room, citizen.id)["media"] == "connected")


async def test_kept_once_a_minute_and_read_with_permission_only(hall: Hall) -> None:
    host, citizen = await in_room(hall)
    live = hall.registry.rooms[hall.session_id]
    await citizen.ask("quality", path="relay", up=[LOSSY], down=[GOOD, GOOD])
    measured(hall, citizen.id, LOSSY)
    await host.ask("ping")
    live.keep_quality()
    await live.backlog.settle()
    async with hall.database.session() as db:
        assert await db.scalar(select(func.count()).select_from(QualityMinute)) == 0
    hall.clock.advance(seconds=61)
    for _ in range(3):
        live.keep_quality()
    await live.backlog.settle()
    async with hall.database.session() as db:
        assert await db.scalar(select(func.count()).select_from(QualityMinute)) == 1
        with pytest.raises((SignInRequired, NotFound)):
            await list_quality(db, ANONYMOUS, hall.session_id)
        with pytest.raises((Forbidden, NotFound)):
            await list_quality(db, hall.actors["petitioner"], hall.session_id)
        (minute,) = await list_quality(db, hall.actors["host"], hall.session_id)
    assert (minute.participant_id, minute.path) == (citizen.id, "relay")
    assert [row[1:] for row in minute.rows["browser"]["up"]] == [LOSSY]
    assert [row[1:] for row in minute.rows["worker"]["up"]] == [LOSSY]


async def test_the_last_minute_is_written_when_the_sitting_ends(hall: Hall) -> None:
    host = await hall.client("host")
    await host.ask("open")
    await host.ask("quality", path="udp", up=[GOOD], down=[])
    await host.ask("close")
    async with hall.database.session() as db:
        assert len(await list_quality(db, hall.actors["host"], hall.session_id)) == 1
