"""Holds and deletion: nothing goes before its time, under a hold, or on one word; the register stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import DatabaseError

from cases.append_only import AppendOnlyError
from cases.audit import AuditEntry
from cases.audit_check import check_audit
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.petitions import list_petition_events
from cases.policy import SYSTEM, Actor
from recordings.alarms import Trouble
from recordings.archive import removal
from recordings.archive.archiver import Archiver
from recordings.archive.copies import ArchiveState
from recordings.archive.destruction import (
    TRANSITIONS,
    DestructionProposal,
    DestructionRecord,
    ProposalState,
    decide_destruction,
    propose_destruction,
)
from recordings.archive.index import ArchivePassage, index_recording
from recordings.archive.legal_hold import lift_hold, place_hold
from recordings.archive.listing import list_archives, list_destructions
from recordings.archive.postings import terms_of
from recordings.archive.retention import read_classes
from recordings.archive.store import StoreAddress, open_store
from recordings.evidence.keys import open_register
from recordings.evidence.signing import load_signer
from recordings.recording import Recording, RecordingState, load_recording
from recordings.watch.chain_watch import check_chains
from recordings.watch.ledger import keep_ledger
from recordings.watch.office_check import verify_office
from scheduling.transitions import reachable_from
from tests.recordings.bucket import Bucket
from tests.recordings.sitting import Sitting
from tests.recordings.test_archiver import sealed, settings_of, state_of

ARCHIVIST, LEADER, INSPECTOR = "chengguan.archivist", "chengguan.leader", "city.inspector"


@pytest.fixture
async def bucket() -> AsyncIterator[Bucket]:
    async with Bucket() as made:
        yield made


async def archived(sitting: Sitting, bucket: Bucket, retention: str = "short") -> tuple[Recording, Archiver]:
    recording = await sealed(sitting)
    address = StoreAddress("s3://bucket", bucket.endpoint, access_key="a", secret_key="b")
    settings = settings_of(sitting, store=open_store(address), retention=retention)
    archiver = Archiver(sitting.database, sitting.clock, settings)
    assert await archiver.work_once()
    return recording, archiver


def actor(sitting: Sitting, key: str) -> Actor:
    return sitting.world.actor(key)


async def propose(sitting: Sitting, recording: Recording, key: str = ARCHIVIST) -> DestructionProposal:
    async with sitting.database.session() as db:
        return await propose_destruction(
            db, sitting.clock, actor(sitting, key), recording.id, "保管期满，经鉴定无继续保存价值", None
        )


async def decide(
    sitting: Sitting, proposal: DestructionProposal, key: str = LEADER, approve: bool = True
) -> DestructionProposal:
    async with sitting.database.session() as db:
        return await decide_destruction(
            db, sitting.clock, actor(sitting, key), proposal.id, approve, "同意", None
        )


async def proposal_state(sitting: Sitting, proposal: DestructionProposal) -> ProposalState:
    async with sitting.database.session() as db:
        return (await db.get_one(DestructionProposal, proposal.id)).state


def test_every_state_of_a_proposal_can_be_reached() -> None:
    assert reachable_from(TRANSITIONS, ProposalState.PROPOSED) == set(ProposalState)


async def indexed(sitting: Sitting, recording: Recording) -> int:
    """How many words and texts of it can be searched for, after the index was brought up to date."""
    async with sitting.database.session() as db:
        await index_recording(db, recording.id)
        passages = select(func.count()).select_from(ArchivePassage)
        found = await db.scalar(passages.where(ArchivePassage.recording_id == recording.id)) or 0
        return found + len(await terms_of(db, recording.id))


async def chain_of(sitting: Sitting) -> list[Trouble]:
    """What the night finds, with the ledger kept as the worker does."""
    keys = sitting.root.parent / "keys"
    async with sitting.database.session() as db:
        await keep_ledger(db, sitting.clock, sitting.root, load_signer(keys))
        return await check_chains(db, sitting.clock, sitting.root, open_register(keys))


async def test_two_officials_delete_and_the_register_stays(sitting: Sitting, bucket: Bucket) -> None:
    recording, archiver = await archived(sitting, bucket)
    folder = recording.folder(sitting.root)
    objects = {name for name in bucket.objects if not name.endswith("index.json")}
    assert await indexed(sitting, recording) > 0
    with pytest.raises(Conflict, match="still_kept"):
        await propose(sitting, recording)
    sitting.clock.advance(days=366 * 11)
    proposal = await propose(sitting, recording)
    with pytest.raises(Conflict, match="already_proposed"):
        await propose(sitting, recording)
    assert not await archiver.work_once() and folder.is_dir()
    with pytest.raises(Forbidden):
        await decide(sitting, proposal, ARCHIVIST)
    await decide(sitting, proposal)
    with pytest.raises(Conflict, match="bad_transition"):
        await decide(sitting, proposal, approve=False)
    bucket.fault = "down"
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.DESTROYING
    assert await chain_of(sitting) == [], "two officials have decided, and it is under way"
    assert not await archiver.work_once()
    bucket.fault = None
    sitting.clock.advance(minutes=1)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.DESTROYED
    assert not folder.exists() and not bucket.objects
    assert await chain_of(sitting) == [], "the register explains the gap"
    verdict = verify_office(sitting.root, "620102", open_register(sitting.root.parent / "keys"))
    assert verdict.intact and (verdict.recordings, verdict.destroyed) == (0, 1), verdict.lines()
    assert await indexed(sitting, recording) == 0
    async with sitting.database.session() as db:
        row = await load_recording(db, recording.id)
        (record,) = await list_destructions(db, actor(sitting, LEADER))
        assert row.state is RecordingState.DESTROYED and row.chain_number == 1
        assert record.manifest_sha256 == row.manifest_sha256 == recording.manifest_sha256
        assert {item["name"] for item in record.objects} == objects
        assert (record.proposed_by, record.approved_by) == (
            actor(sitting, ARCHIVIST).name, actor(sitting, LEADER).name
        )  # fmt: skip
        assert not await list_destructions(db, actor(sitting, "xigu.leader"))
        kinds = [e.kind for e in await list_petition_events(db, SYSTEM, recording.petition_id)]
        acts = [entry.action for entry in (await db.scalars(select(AuditEntry))).all()]
        assert kinds.count("recording.destroyed") == 1
        assert {"destruction.proposed", "destruction.approved", "recording.destroyed"} <= set(acts)
        assert (await check_audit(db)).intact
        with pytest.raises(AppendOnlyError):
            await db.execute(delete(DestructionRecord))
        with pytest.raises(DatabaseError, match="append-only"):
            await db.execute(text("DELETE FROM destruction_records"))


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_store_that_says_deleted_and_keeps_it_ends_no_destruction(
    sitting: Sitting, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, archiver = await archived(sitting, bucket)
    sitting.clock.advance(days=366 * 11)
    await decide(sitting, await propose(sitting, recording))

    async def keep(_self: object, _version: object) -> None:
        """Answers as if it had."""

    with monkeypatch.context() as lying:
        lying.setattr(type(archiver._settings.store), "erase", keep)
        assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.DESTROYING
    assert recording.folder(sitting.root).is_dir()
    async with sitting.database.session() as db:
        assert not await list_destructions(db, actor(sitting, LEADER))
    sitting.clock.advance(minutes=1)
    assert await archiver.work_once()
    assert (await state_of(sitting, recording)).state is ArchiveState.DESTROYED


async def test_nobody_approves_his_own_proposal(sitting: Sitting, bucket: Bucket) -> None:
    recording, archiver = await archived(sitting, bucket)
    sitting.clock.advance(days=366 * 11)
    proposal = await propose(sitting, recording)
    both = replace(
        actor(sitting, ARCHIVIST), posts=actor(sitting, ARCHIVIST).posts + actor(sitting, LEADER).posts
    )
    async with sitting.database.session() as db:
        with pytest.raises(Forbidden, match="own_proposal"):
            await decide_destruction(db, sitting.clock, both, proposal.id, True, "同意", None)
    await decide(sitting, proposal, approve=False)
    assert not await archiver.work_once()
    assert recording.folder(sitting.root).is_dir()


async def test_a_hold_stops_proposal_approval_and_deletion(sitting: Sitting, bucket: Bucket) -> None:
    recording, archiver = await archived(sitting, bucket)
    sitting.clock.advance(days=366 * 11)
    proposal = await propose(sitting, recording)
    await decide(sitting, proposal)
    async with sitting.database.session() as db:
        inspector = actor(sitting, INSPECTOR)
        with pytest.raises(Invalid):
            await place_hold(db, sitting.clock, inspector, recording.id, " ", None)
        hold = await place_hold(db, sitting.clock, inspector, recording.id, "诉讼需要", "192.0.2.1")
    assert await archiver.work_once()
    assert await proposal_state(sitting, proposal) is ProposalState.STOPPED
    assert recording.folder(sitting.root).is_dir() and bucket.objects
    with pytest.raises(Conflict, match="held"):
        await propose(sitting, recording)
    async with sitting.database.session() as db:
        with pytest.raises(Forbidden, match="hold_of_another"):
            await lift_hold(db, sitting.clock, actor(sitting, ARCHIVIST), hold.id, "不需要了", None)
        await lift_hold(db, sitting.clock, actor(sitting, INSPECTOR), hold.id, "诉讼结束", None)
        with pytest.raises(Conflict, match="hold_lifted"):
            await lift_hold(db, sitting.clock, actor(sitting, INSPECTOR), hold.id, "诉讼结束", None)
    assert (await propose(sitting, recording)).state is ProposalState.PROPOSED


async def test_a_hold_keeps_the_original_here(sitting: Sitting, bucket: Bucket) -> None:
    recording, archiver = await archived(sitting, bucket)
    ageing = Archiver(sitting.database, sitting.clock, replace(archiver._settings, local_days=1))
    async with sitting.database.session() as db:
        await place_hold(db, sitting.clock, actor(sitting, LEADER), recording.id, "复核", None)
    sitting.clock.advance(days=2)
    assert not await ageing.work_once()
    assert (recording.folder(sitting.root) / "tracks").is_dir()


@pytest.mark.parametrize("database_system", ["sqlite"])
async def test_a_hold_that_comes_while_the_copy_is_proven_keeps_the_original_here(
    sitting: Sitting, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, archiver = await archived(sitting, bucket)
    ageing = Archiver(sitting.database, sitting.clock, replace(archiver._settings, local_days=1))
    prove, proven = removal.prove_objects, []

    async def held_meanwhile(*given: Any) -> None:
        await prove(*given)
        async with sitting.database.session() as db:
            await place_hold(db, sitting.clock, actor(sitting, LEADER), recording.id, "复核", None)
        proven.append(recording.id)

    monkeypatch.setattr(removal, "prove_objects", held_meanwhile)
    sitting.clock.advance(days=2)
    assert await ageing.work_once() and proven == [recording.id]
    assert (recording.folder(sitting.root) / "tracks").is_dir()
    assert (await state_of(sitting, recording)).state is ArchiveState.ARCHIVED


async def test_what_is_permanent_is_never_deleted(sitting: Sitting, bucket: Bucket) -> None:
    recording, _ = await archived(sitting, bucket, "permanent")
    sitting.clock.advance(days=366 * 150)
    with pytest.raises(Conflict, match="kept_for_ever"):
        await propose(sitting, recording)


@pytest.mark.parametrize(
    ("key", "error"),
    [("chengguan.receptionist", Forbidden), (LEADER, Forbidden), ("xigu.leader", NotFound)],
)
async def test_who_may_not_propose(
    sitting: Sitting, bucket: Bucket, key: str, error: type[RuleError]
) -> None:
    recording, _ = await archived(sitting, bucket)
    sitting.clock.advance(days=366 * 11)
    with pytest.raises(error):
        await propose(sitting, recording, key)


async def test_the_list_holds_what_the_policy_permits(sitting: Sitting, bucket: Bucket) -> None:
    await archived(sitting, bucket)
    async with sitting.database.session() as db:
        for key, seen in ((ARCHIVIST, 1), (INSPECTOR, 1), ("xigu.leader", 0)):
            lines, more = await list_archives(db, sitting.clock, actor(sitting, key))
            assert (len(lines), more) == (seen, None), key
        with pytest.raises(Forbidden):
            await list_archives(db, sitting.clock, actor(sitting, "chengguan.receptionist"))


@pytest.mark.parametrize("text", ["", "x", "x=", "x=-1", "=3", "x=1.5", "x=999", "永久=0"])
def test_a_class_that_cannot_be_used_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="retention class"):
        read_classes((text,))
