"""What goes wrong in a room becomes a task of the offices, once, and ends by itself when it is over."""

from __future__ import annotations

import pytest

from cases.roles import InvitationRole
from recordings.recording import Recording
from scheduling.incidents.incident import Cause, TrackedIncident
from scheduling.incidents.incidents import list_incidents, take_incident
from scheduling.requests.call_back import record_call
from scheduling.requests.citizen_requests import Asked, answer_request, ask
from tests.signaling.hall import Client, Hall, find
from tests.signaling.test_conduct import admitted
from tests.signaling.test_hosting import tick


@pytest.fixture
def database_system() -> str:
    """One system is enough: the rows have their tests in tests/scheduling/test_incidents.py."""
    return "sqlite"


async def tasks(hall: Hall) -> list[TrackedIncident]:
    await hall.registry.rooms[hall.session_id].backlog.settle()
    async with hall.database.session() as db:
        return await list_incidents(db, hall.session_id)


async def told(hall: Hall) -> list[tuple[str, list[str]]]:
    """Cause and the states it went through."""
    return [
        (str(each.incident.cause), [str(step.state) for step in each.steps]) for each in await tasks(hall)
    ]


async def opened(hall: Hall) -> tuple[Client, Client]:
    """A sitting that is recorded, with host and petitioner inside."""
    host = await hall.client("host")
    citizen = await admitted(hall, host, "petitioner")
    hall.registry.rooms[hall.session_id].room.people[citizen.id].publish_state = "connected"
    assert (await host.ask("open"))["type"] == "ok"
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    await tick(hall)
    return host, citizen


async def dropped(host: Client, who: Client) -> None:
    await who.drop()
    await host.room_where(lambda room: find(room, who.id)["presence"] == "reconnecting")


async def test_a_citizen_who_stays_away_is_a_task_until_back(hall: Hall) -> None:
    host, citizen = await opened(hall)
    await dropped(host, citizen)
    await tick(hall, 2.9)
    live = hall.registry.rooms[hall.session_id]
    assert await told(hall) == [] and live.troubles.due is not None
    await tick(hall, 0.1)
    for _ in range(3):
        await tick(hall, 1)
    (task,) = await tasks(hall)
    assert (task.incident.cause, task.incident.subject, task.open) == (Cause.DISCONNECTED, citizen.id, True)
    assert task.incident.name == find(host.room, citizen.id)["name"] and live.troubles.due is None
    async with hall.database.session() as db:
        await take_incident(db, hall.clock, hall.actors["joint_receptionist"], task.incident.id)
    await hall.client("petitioner")
    await tick(hall)
    (task,) = await tasks(hall)
    assert [step.state for step in task.steps] == ["raised", "taken", "ended"]
    assert "已经回来" in task.last.words and task.last.by == "系统"


async def test_a_reload_and_an_official_are_no_task(hall: Hall) -> None:
    host, citizen = await opened(hall)
    city = await hall.client("joint_receptionist")
    await dropped(host, citizen)
    await dropped(host, city)
    await tick(hall, 2)
    await hall.client("petitioner")
    await tick(hall, 30)
    assert await told(hall) == []


async def test_open_tasks_are_known_to_the_next_process_and_end_there(hall: Hall) -> None:
    host, citizen = await opened(hall)
    await dropped(host, citizen)
    await tick(hall, 4)
    assert await told(hall) == [("disconnected", ["raised"])]
    await hall.kill_web()
    await hall.start_web()
    host = await hall.client("host")
    await tick(hall, 1)
    assert await told(hall) == [("disconnected", ["raised"])]
    await hall.client("petitioner")
    await tick(hall, 1)
    assert await told(hall) == [("disconnected", ["raised", "ended"])]


async def test_without_a_host_and_with_nobody_to_take_over(hall: Hall) -> None:
    host, _ = await opened(hall)
    department = await hall.client("department")
    await dropped(department, host)
    await tick(hall, 4)
    await tick(hall, 3)
    (task,) = await tasks(hall)
    assert task.incident.cause is Cause.HOST_GONE and "没有人可以接替" in task.words
    await hall.client("joint_receptionist")
    await tick(hall)
    await tick(hall)
    assert (await told(hall))[0] == ("host_gone", ["raised", "ended"])


async def test_a_missed_call_stays_a_task_until_the_next_one_is_answered(hall: Hall) -> None:
    host = await hall.client("host")
    citizen = await admitted(hall, host, "petitioner")
    await tick(hall, 61)
    await tick(hall)
    assert await told(hall) == [("call_unanswered", ["raised"])]
    await host.ask("admit", participant_id=citizen.id)
    await tick(hall, 5)
    assert await told(hall) == [("call_unanswered", ["raised"])]
    hall.registry.rooms[hall.session_id].room.people[citizen.id].publish_state = "connected"
    await tick(hall, 1)
    assert await told(hall) == [("call_unanswered", ["raised", "ended"])]


async def test_a_recording_that_is_not_confirmed_or_fails(hall: Hall) -> None:
    host = await hall.client("host")
    assert (await host.ask("open"))["type"] == "ok"
    await tick(hall)
    await tick(hall, 9)
    assert await told(hall) == []
    await tick(hall, 1)
    assert await told(hall) == [("recording_unconfirmed", ["raised"])]
    hall.worker.confirm(hall.session_id)
    await host.room_where(lambda room: room["recording"]["state"] == "active")
    await tick(hall)
    live = hall.registry.rooms[hall.session_id]
    live.room.badge.fault("disk_full")
    await tick(hall)
    await tick(hall, 4)
    assert await told(hall) == [
        ("recording_unconfirmed", ["raised", "ended"]), ("recording_faulty", ["raised"])
    ]  # fmt: skip
    # A pause is no cure, and what failed is looked after also when the session is over.
    assert (await host.ask("pause", reason="换一台电脑"))["type"] == "ok"
    await tick(hall, 1)
    assert (await host.ask("close"))["type"] == "ok"
    assert (await told(hall))[1] == ("recording_faulty", ["raised"])
    async with hall.database.session() as db:
        assert await db.get(Recording, live.room.badge.recording_id) is not None


async def test_a_citizens_wish_is_a_task_until_somebody_answers(hall: Hall) -> None:
    await hall.client("petitioner")
    petitioner = hall.actors[str(InvitationRole.PETITIONER)]
    async with hall.database.session() as db:
        request = await ask(db, hall.clock, petitioner, Asked.STAFF_CHECK)
        await ask(db, hall.clock, petitioner, Asked.STAFF_CHECK)
    (task,) = await tasks(hall)
    assert (task.incident.cause, task.words, task.times) == (Cause.HELP_ASKED, "请在视频中或现场核验身份", 1)
    async with hall.database.session() as db:
        await answer_request(db, hall.clock, hall.actors["host"], request.id, True)
    (task,) = await tasks(hall)
    assert [step.state for step in task.steps] == ["raised", "ended"] and "已经答复：同意" in task.last.words


async def test_a_call_that_was_asked_for_is_a_task_until_it_is_recorded(hall: Hall) -> None:
    await hall.client("petitioner")
    async with hall.database.session() as db:
        request = await ask(db, hall.clock, hall.actors["petitioner"], Asked.CALL_BACK)
        await record_call(db, hall.clock, hall.actors["host"], request.id, "unanswered", words="没有人接")
    assert await told(hall) == [("help_asked", ["raised"])]
    async with hall.database.session() as db:
        await record_call(db, hall.clock, hall.actors["host"], request.id, "given_up", words="三次没有人接")
    assert await told(hall) == [("help_asked", ["raised", "ended"])]
