"""The archive finds what was said and done, by all that is asked, and for those alone who may replay it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from cases.custody import hand_over
from cases.errors import Forbidden, Invalid, SignInRequired
from cases.people import PersonDetails
from cases.petitions import (
    Channel,
    RegisterPetition,
    grant_petition,
    load_petition,
    register_petition,
)
from cases.policy import ANONYMOUS, SYSTEM, Action, allowed
from recordings.archive.index import follow_custody, index_due, index_recording
from recordings.archive.postings import terms_of
from recordings.archive.search import PAGE, ArchiveQuery, Hit, search_archive
from recordings.evidence.manifest import MANIFEST_FILE, moment_text
from recordings.recording import start_recording, stop_recording
from scheduling.reach import load_session, scope_of_session
from scheduling.session_events import append_event
from tests.disk import AMPLE
from tests.factories import make_session
from tests.recordings.sitting import Sitting

DAY = timedelta(days=1)


async def recorded(sitting: Sitting, *texts: str) -> str:
    """A recording of the sitting with a mark for each text, ten seconds apart, indexed."""
    async with sitting.database.session() as db:
        made = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        for text in texts:
            sitting.clock.advance(seconds=10)
            await append_event(db, sitting.clock, sitting.session.id, "mark.set", "王芳", data={"text": text})
        await stop_recording(db, sitting.clock, SYSTEM, made.id, "session_closed")
        assert await index_due(db) == 1
        assert await index_due(db) == 0
        return made.id


async def ids(sitting: Sitting, who: str = "city.leader", **asked: object) -> list[str]:
    async with sitting.database.session() as db:
        query = ArchiveQuery(**asked)  # type: ignore[arg-type]
        page = await search_archive(db, sitting.clock, sitting.world.actor(who), query)
    return [each.recording.id for each in page.found]


async def test_found_by_everything_that_is_asked(sitting: Sitting) -> None:
    recording_id = await recorded(sitting, "承诺十二月前恢复供暖", "信访人要求书面答复")
    day = sitting.clock.now().date()
    number = sitting.session.petition.number
    district = sitting.world.chengguan.id
    for asked in (
        {},
        {"words": "供暖"},
        {"words": "书面答复 承诺"},
        {"words": "供暖问题"},
        {"number": number},
        {"number": number[-6:].lstrip("0")},
        {"person": "马秀英"},
        {"person": "马"},
        {"person": "王芳"},
        {"since": day, "until": day},
        {"organisation_id": district},
        {"happened": "mark.set"},
        {"words": "供暖", "person": "秀英", "organisation_id": district, "since": day, "number": number},
    ):
        assert await ids(sitting, **asked) == [recording_id], asked
    for asked in (
        {"words": "电梯"},
        {"words": "供暖 电梯"},
        {"words": "暖供"},
        {"number": "LZ2026-999999"},
        {"person": "李四"},
        {"since": day + DAY},
        {"until": day - DAY},
        {"organisation_id": sitting.world.xigu.id},
        {"happened": "hand.raised"},
    ):
        assert await ids(sitting, **asked) == [], asked


async def test_a_hit_says_when_and_who(sitting: Sitting) -> None:
    await recorded(sitting, "第一句没有", "承诺恢复供暖")
    async with sitting.database.session() as db:
        actor = sitting.world.actor("chengguan.reviewer")
        [found] = (await search_archive(db, sitting.clock, actor, ArchiveQuery(words="承诺"))).found
    [hit] = found.hits
    assert (hit.seconds, hit.kind, hit.who, hit.text) == (20.0, "mark.set", "王芳", "承诺恢复供暖")
    assert (found.title, found.office) == (sitting.session.title, "城关区信访局")


async def test_pairs_that_only_look_like_the_word_are_not_found(sitting: Sitting) -> None:
    await recorded(sitting, "供暖了", "暖气片")
    assert await ids(sitting, words="供暖气") == []


async def test_only_what_may_be_replayed_is_found(sitting: Sitting) -> None:
    recording_id = await recorded(sitting, "承诺恢复供暖")
    for key in sitting.world.officials:
        actor = sitting.world.actor(key)
        async with sitting.database.session() as db:
            session = await load_session(db, sitting.session.id)
            may = allowed(actor, Action.REPLAY, await scope_of_session(db, session))
        if not allowed(actor, Action.REPLAY):
            with pytest.raises(Forbidden):
                await ids(sitting, key)
            continue
        for asked in ({}, {"words": "承诺"}, {"number": sitting.session.petition.number}):
            assert await ids(sitting, key, **asked) == ([recording_id] if may else []), key
    async with sitting.database.session() as db:
        with pytest.raises(SignInRequired):
            await search_archive(db, sitting.clock, ANONYMOUS, ArchiveQuery())


async def test_a_confidential_case_is_found_by_grant_alone(sitting: Sitting) -> None:
    world = sitting.world
    person = PersonDetails(name="马秀英", phone="13800000000")
    async with sitting.database.session() as db:
        command = RegisterPetition(
            Channel.VISIT, "检举某单位", "", person, world.chengguan.id, confidential=True
        )
        petition, _ = await register_petition(db, sitting.clock, SYSTEM, command)
        sitting.session = await make_session(db, sitting.clock, world, petition)
    recording_id = await recorded(sitting, "检举的内容")
    assert await ids(sitting, words="检举") == []
    async with sitting.database.session() as db:
        official = world.officials["city.leader"].id
        await grant_petition(db, sitting.clock, SYSTEM, petition.id, official)
    assert await ids(sitting, words="检举") == [recording_id]


async def test_pages_hold_every_recording_once(sitting: Sitting) -> None:
    made = []
    async with sitting.database.session() as db:
        for _ in range(PAGE + 3):
            row = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
            await stop_recording(db, sitting.clock, SYSTEM, row.id, "session_closed")
            sitting.clock.advance(seconds=len(made) % 2)  # Some begin in the same moment.
            made.append(row.id)
        await index_due(db, 100)
        actor = sitting.world.actor("province.reviewer")
        first = await search_archive(db, sitting.clock, actor, ArchiveQuery())
        second = await search_archive(db, sitting.clock, actor, ArchiveQuery(), first.older)
    found = [each.recording.id for page in (first, second) for each in page.found]
    assert len(first.found) == PAGE and second.older is None
    assert sorted(found) == sorted(made)


async def test_what_cannot_be_looked_for_is_said_at_the_field(sitting: Sitting) -> None:
    for asked, where in (
        ({"words": "供"}, "words"),
        ({"words": "供暖 ，"}, "words"),
        ({"person": "!"}, "person"),
    ):
        with pytest.raises(Invalid) as caught:
            await ids(sitting, **asked)
        assert caught.value.field == where


async def test_indexing_again_adds_nothing(sitting: Sitting) -> None:
    recording_id = await recorded(sitting, "承诺恢复供暖")
    async with sitting.database.session() as db:
        before = await terms_of(db, recording_id)
        await index_recording(db, recording_id)
        assert await terms_of(db, recording_id) == before != {}


async def test_moments_are_put_right_once_the_manifest_tells_that_the_clock_was_set(sitting: Sitting) -> None:
    """The second mark stands an hour late in the rows; on the film it is ten seconds after the first."""
    async with sitting.database.session() as db:
        made = await start_recording(db, sitting.clock, SYSTEM, sitting.session.id, sitting.root, AMPLE)
        began = made.started_at
        for text, seconds in (("承诺恢复供暖", 10), ("要求书面答复", 3610)):
            sitting.clock.advance(seconds=seconds)
            await append_event(db, sitting.clock, sitting.session.id, "mark.set", "王芳", data={"text": text})
        await stop_recording(db, sitting.clock, SYSTEM, made.id, "session_closed")
        await index_due(db, root=sitting.root)
    assert [hit.seconds for hit in await hits(sitting, "书面答复")] == [3620.0]
    jump = {"at": moment_text(began + timedelta(seconds=15)), "by_ns": 3600 * 10**9}
    folder = made.folder(sitting.root)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST_FILE).write_text(json.dumps({"clock": {"boots": [], "jumps": [jump]}}))
    async with sitting.database.session() as db:
        await index_recording(db, made.id, sitting.root)
    assert [hit.seconds for hit in await hits(sitting, "书面答复")] == [20.0]
    assert [hit.seconds for hit in await hits(sitting, "恢复供暖")] == [10.0]


async def hits(sitting: Sitting, words: str) -> Sequence[Hit]:
    async with sitting.database.session() as db:
        actor = sitting.world.actor("city.leader")
        page = await search_archive(db, sitting.clock, actor, ArchiveQuery(words=words))
    return page.found[0].hits


async def test_a_recording_follows_its_case_to_another_keeper(sitting: Sitting) -> None:
    """Who keeps a case now finds its recordings; who kept it finds them only where he received."""
    world = sitting.world
    async with sitting.database.session() as db:
        petition = await load_petition(db, sitting.session.petition_id)
        sitting.session = await make_session(
            db, sitting.clock, world, petition, host_organisation_id=world.city.id,
            joint_organisation_ids=(world.province.id,),
        )  # fmt: skip
    recording_id = await recorded(sitting, "承诺恢复供暖")
    former, keeper = "chengguan.reviewer", "xigu.leader"
    assert await ids(sitting, former, words="承诺") == [recording_id]
    assert await ids(sitting, keeper, words="承诺") == []
    async with sitting.database.session() as db:
        await hand_over(
            db, sitting.clock, world.actor("chengguan.leader"), petition.id, world.xigu.id, "区划调整",
            world.chengguan.id, (follow_custody,),
        )  # fmt: skip
        await index_due(db)
        held = await terms_of(db, recording_id)
    assert await ids(sitting, keeper, words="承诺") == [recording_id]
    assert await ids(sitting, former, words="承诺") == []
    assert {f"o:{world.xigu.id}", f"v:{world.xigu.id}", f"r:{world.xigu.region_code}"} <= set(held)
    assert not {f"o:{world.chengguan.id}", f"v:{world.chengguan.id}", "r:620102"} & set(held)
    assert await ids(sitting, "city.leader", words="承诺") == [recording_id]
