"""The minutes are read back, objected to, answered, signed in order and final; what changes then is found."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.database import new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import Actor, ActorKind
from cases.roles import InvitationRole
from recordings.evidence.signed_minutes import MinutesVerdict, SignedMinutes, check_final, compare, sign_final
from recordings.evidence.signing import load_signer
from scheduling.minutes.editing import (
    Change,
    DescribeParagraph,
    EditParagraph,
    InsertParagraph,
    RemoveParagraph,
    change_minutes,
)
from scheduling.minutes.objection import ObjectionOutcome
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.reading import Reading, answer_objection, object_to, read_back
from scheduling.minutes.record import MinutesState, begin_minutes, move_minutes
from scheduling.minutes.signature import (
    SignatureAct,
    list_signatures,
    list_signers,
    note_signer,
    refuse_minutes,
    sign_minutes,
)
from scheduling.minutes.strokes import MOST_POINTS, read_strokes
from scheduling.session import Session, SessionKind
from scheduling.session_events import list_events
from scheduling.sessions.invitations import Invitee, list_invitations
from tests.clock import FixedClock
from tests.factories import World, make_petition, make_session
from tests.mediations import make_ready


def handwriting(seed: int = 1, points: int = 60) -> str:
    dice = random.Random(seed)
    stroke = [[40 + 5 * i, 60 + dice.randrange(80), 12 * i] for i in range(points)]
    return json.dumps(
        {"width": 400, "height": 200, "strokes": [stroke[: points // 2], stroke[points // 2 :]]}
    )


@dataclass
class Table:
    """A session whose minutes are ready to be read back."""

    db: AsyncSession
    clock: FixedClock
    session: Session
    host: Actor
    citizen: Actor
    said: MinutesParagraph

    async def move(self, *states: MinutesState) -> None:
        for state in states:
            await move_minutes(self.db, self.clock, self.host, self.session.id, state)

    async def reading(self) -> Reading:
        return await read_back(self.db, self.host, self.session.id)

    async def sign(self, actor: Actor, strokes: str | None = None) -> None:
        digest = (await self.reading()).digest
        await sign_minutes(self.db, self.clock, actor, self.session.id, digest, strokes or handwriting())

    async def correct(self, words: str) -> None:
        change = EditParagraph(
            edit_id=new_id(), paragraph_id=self.said.id, base=self.said.revision, text=words
        )
        self.said = (await change_minutes(self.db, self.clock, self.host, self.session.id, change)).paragraph


@pytest.fixture
async def table(db: AsyncSession, clock: FixedClock, world: World) -> Table:
    session = await make_session(db, clock, world, await make_petition(db, clock, world.chengguan))
    host = world.actor("chengguan.receptionist")
    await begin_minutes(db, clock, host, session.id)
    change = InsertParagraph(
        edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.ANSWER, speaker_id=None,
        text="楼道自三月起漏水。",
    )  # fmt: skip
    said = (await change_minutes(db, clock, host, session.id, change)).paragraph
    note = InsertParagraph(
        edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.NOTE, speaker_id=None,
        text="内部备注",
    )  # fmt: skip
    await change_minutes(db, clock, host, session.id, note)
    invited = await list_invitations(db, session.id)
    petitioner = next(each for each in invited if each.role is InvitationRole.PETITIONER)
    citizen = Actor(
        ActorKind.INVITEE, petitioner.display_name, invitation_id=petitioner.id, session_id=session.id,
        invitation_role=petitioner.role,
    )  # fmt: skip
    return Table(db, clock, session, host, citizen, said)


@pytest.fixture
async def mediation(db: AsyncSession, clock: FixedClock, world: World) -> Table:
    """Minutes of a mediation at which a mediator sits."""
    petition = await make_petition(db, clock, world.chengguan)
    await make_ready(db, clock, world, petition.id)
    mediator = Invitee(InvitationRole.MEDIATOR, "马调解")
    session = await make_session(db, clock, world, petition, kind=SessionKind.MEDIATION, invitees=(mediator,))
    host = world.actor("chengguan.receptionist")
    sheet = await begin_minutes(db, clock, host, session.id)
    assert sheet.minutes.template == "mediation", "chosen by what the session is for"
    return Table(db, clock, session, host, await guest(db, session), sheet.paragraphs[0])


async def guest(db: AsyncSession, session: Session, role: str = "petitioner") -> Actor:
    """Who came by link in this role."""
    found = next(each for each in await list_invitations(db, session.id) if each.role == role)
    return Actor(
        ActorKind.INVITEE, found.display_name, invitation_id=found.id, session_id=session.id,
        invitation_role=found.role,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "template"), [("reception", "joint"), ("mediation", "mediation"), ("follow_up", "follow_up")]
)
async def test_the_kind_of_session_chooses_the_template(
    db: AsyncSession, clock: FixedClock, world: World, kind: str, template: str
) -> None:
    petition = await make_petition(db, clock, world.chengguan)
    await make_ready(db, clock, world, petition.id)
    session = await make_session(db, clock, world, petition, kind=SessionKind(kind))
    sheet = await begin_minutes(db, clock, world.actor("chengguan.receptionist"), session.id)
    assert sheet.minutes.template == template


async def test_the_mediator_signs_after_the_petitioner_and_before_the_host(mediation: Table) -> None:
    table = mediation
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    minutes = (await table.reading()).sheet.minutes
    roles = [each.role for each in await list_signers(table.db, minutes)]
    assert roles[:2] == [InvitationRole.PETITIONER, InvitationRole.MEDIATOR]
    with pytest.raises(Conflict, match="petitioner_first"):
        await table.sign(table.host)
    await table.sign(table.citizen)
    with pytest.raises(Conflict, match="mediator_first"):
        await table.sign(table.host)
    await table.sign(await guest(table.db, table.session, "mediator"))
    await table.sign(table.host)
    assert (await table.reading()).sheet.minutes.state is MinutesState.LOCKED


async def test_a_mediator_who_does_not_sign_is_noted_and_holds_up_no_reception(
    mediation: Table, clock: FixedClock, world: World
) -> None:
    table = mediation
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    await table.sign(table.citizen)
    digest, mediator = (await table.reading()).digest, await guest(table.db, table.session, "mediator")
    await note_signer(
        table.db, clock, table.host, table.session.id, digest, mediator.invitation_id or "",
        SignatureAct.REFUSED, "提前离开",
    )  # fmt: skip
    await table.sign(table.host)
    plain = await make_session(table.db, clock, world, invitees=(Invitee(InvitationRole.MEDIATOR, "马调解"),))
    sheet = await begin_minutes(table.db, clock, table.host, plain.id)
    table = Table(table.db, clock, plain, table.host, await guest(table.db, plain), sheet.paragraphs[0])
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    await table.sign(table.citizen)
    await table.sign(table.host)


async def test_nothing_is_shown_for_signing_before_it_is_read_back(table: Table) -> None:
    with pytest.raises(Forbidden, match="minutes_not_shown"):
        await read_back(table.db, table.citizen, table.session.id)
    with pytest.raises(Conflict, match="minutes_not_signing"):
        await sign_minutes(table.db, table.clock, table.citizen, table.session.id, "0" * 64, handwriting())
    await table.move(MinutesState.READ_BACK)
    reading = await read_back(table.db, table.citizen, table.session.id)
    assert [each.text for each in reading.sheet.public].count("内部备注") == 0
    assert "内部备注" in [each.text for each in reading.sheet.paragraphs]


async def test_an_objection_is_answered_before_anybody_signs(table: Table) -> None:
    await table.move(MinutesState.READ_BACK)
    with pytest.raises(Invalid, match="required"):
        await object_to(table.db, table.clock, table.citizen, table.session.id, table.said.id, "\u202e  ")
    with pytest.raises(NotFound):
        await object_to(table.db, table.clock, table.citizen, table.session.id, "0" * 32, "不对")
    first = await object_to(table.db, table.clock, table.citizen, table.session.id, table.said.id, "是四月。")
    second = await object_to(table.db, table.clock, table.citizen, table.session.id, None, "少写了电梯。")
    with pytest.raises(Conflict, match="objections_open"):
        await table.move(MinutesState.SIGNING)

    async def answer(objection_id: str, outcome: ObjectionOutcome, words: str) -> None:
        await answer_objection(
            table.db, table.clock, table.host, table.session.id, objection_id, outcome, words
        )

    with pytest.raises(Invalid, match="not_corrected"):
        await answer(first.id, ObjectionOutcome.CORRECTED, "")
    await table.correct("楼道自四月起漏水。")
    await answer(first.id, ObjectionOutcome.CORRECTED, "")
    with pytest.raises(Conflict, match="already_answered"):
        await answer(first.id, ObjectionOutcome.LOGGED, "再答一次")
    with pytest.raises(Invalid, match="required"):
        await answer(second.id, ObjectionOutcome.LOGGED, " ")
    await answer(second.id, ObjectionOutcome.LOGGED, "电梯不属于本次诉求，另行登记。")
    await table.move(MinutesState.SIGNING)
    with pytest.raises(Conflict, match="minutes_not_read_back"):
        await object_to(table.db, table.clock, table.citizen, table.session.id, None, "再说一句")
    assert (await table.reading()).open_objections == 0


async def test_the_petitioner_signs_what_was_read_and_the_host_makes_it_final(table: Table) -> None:
    await table.move(MinutesState.READ_BACK)
    read = (await read_back(table.db, table.citizen, table.session.id)).digest
    await table.correct("楼道自五月起漏水。")
    await table.move(MinutesState.SIGNING)
    with pytest.raises(Conflict, match="minutes_changed"):
        await sign_minutes(table.db, table.clock, table.citizen, table.session.id, read, handwriting())
    with pytest.raises(Conflict, match="petitioner_first"):
        await table.sign(table.host)
    await table.sign(table.citizen)
    with pytest.raises(Conflict, match="already_signed"):
        await table.sign(table.citizen)
    with pytest.raises(Conflict, match="minutes_signed"):
        await table.move(MinutesState.DRAFTING)
    await table.sign(table.host)
    reading = await table.reading()
    assert reading.sheet.minutes.state is MinutesState.LOCKED
    events = await list_events(table.db, table.session.id)
    told = {each.kind: each.data for each in events if each.kind.startswith("minutes.")}
    assert told["minutes.locked"]["text_sha256"] == reading.digest == told["minutes.signed"]["text_sha256"]
    with pytest.raises(Conflict, match="minutes_locked"):
        await table.correct("改一个字")
    signature = (await list_signatures(table.db, reading.sheet.minutes.id))[0]
    assert signature.picture is not None
    with Image.open(BytesIO(signature.picture)) as picture:
        assert picture.size == (900, 450) and picture.getextrema() == (0, 255)


async def test_a_dot_is_no_signature_and_leaves_a_line(table: Table) -> None:
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    dot = json.dumps({"width": 800, "height": 300, "strokes": [[[400, 150, 0]]]})
    dash = json.dumps({"width": 800, "height": 300, "strokes": [[[10 + 20 * n, 150, n] for n in range(30)]]})
    for slip in (dot, dash):
        with pytest.raises(Invalid, match="signature_too_small") as told:
            await table.sign(table.citizen, slip)
        assert told.value.field == "strokes" and "写上您的姓名" in told.value.message
    minutes = (await table.reading()).sheet.minutes
    assert await list_signatures(table.db, minutes.id) == () and minutes.signature_count == 0
    noted = await table.db.scalars(select(AuditEntry).where(AuditEntry.action == "signature.refused"))
    assert [each.detail["code"] for each in noted] == ["signature_too_small"]
    await table.sign(table.citizen)  # Nothing is used up by a slip.


@pytest.mark.parametrize("act", ["edit", "insert", "remove", "describe"])
async def test_nothing_is_written_into_final_minutes(table: Table, act: str) -> None:
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    await table.sign(table.citizen)
    await table.sign(table.host)
    before, one = await table.reading(), {"edit_id": new_id(), "paragraph_id": table.said.id}
    changes: dict[str, Change] = {
        "edit": EditParagraph(**one, base=table.said.revision, text="改一个字"),
        "insert": InsertParagraph(
            edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.STATEMENT,
            speaker_id=None, text="添一段",
        ),
        "remove": RemoveParagraph(**one, base=table.said.revision),
        "describe": DescribeParagraph(**one, kind=ParagraphKind.NOTE, speaker_id=None),
    }  # fmt: skip
    with pytest.raises(Conflict, match="minutes_locked"):
        await change_minutes(table.db, table.clock, table.host, table.session.id, changes[act])
    with pytest.raises(Conflict, match="bad_transition"):
        await table.move(MinutesState.DRAFTING)
    assert (await table.reading()).digest == before.digest


async def test_only_who_may_host_makes_the_minutes_final(table: Table, world: World) -> None:
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    await table.sign(table.citizen)
    await table.sign(world.actor("chengguan.recorder"))  # By post, and nobody invited them by name.
    minutes = (await table.reading()).sheet.minutes
    assert minutes.state is MinutesState.SIGNING
    assert InvitationRole.RECORDER in [each.role for each in await list_signers(table.db, minutes)]
    digest = (await table.reading()).digest
    with pytest.raises(Conflict, match="host_signs"):
        await refuse_minutes(table.db, table.clock, table.host, table.session.id, digest, "不同意")
    await table.sign(table.host)
    assert (await table.reading()).sheet.minutes.state is MinutesState.LOCKED


async def test_refusing_and_agreeing_aloud_are_kept_with_their_reasons(table: Table, world: World) -> None:
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    digest = (await table.reading()).digest
    with pytest.raises(Invalid, match="required"):
        await refuse_minutes(table.db, table.clock, table.citizen, table.session.id, digest, " ")
    with pytest.raises(Invalid, match="bad_act"):
        await note_signer(
            table.db, table.clock, table.host, table.session.id, digest,
            table.citizen.invitation_id or "", SignatureAct.SIGNED, "替他签",
        )  # fmt: skip
    refused = await refuse_minutes(
        table.db, table.clock, table.citizen, table.session.id, digest, "对处理意见不满意"
    )
    assert (refused.act, refused.reason, refused.strokes) == (SignatureAct.REFUSED, "对处理意见不满意", None)
    await table.sign(table.host)
    minutes = (await table.reading()).sheet.minutes
    assert minutes.state is MinutesState.LOCKED
    signers = await list_signers(table.db, minutes)
    assert signers[0].role is InvitationRole.PETITIONER and signers[0].signature is not None


async def test_what_is_changed_after_the_end_is_found(table: Table, tmp_path: Path) -> None:
    await table.move(MinutesState.READ_BACK, MinutesState.SIGNING)
    await table.sign(table.citizen)
    signer = load_signer(tmp_path)
    assert await sign_final(table.db, table.clock, await table.reading(), signer) is None
    assert (await check_final(table.db, await table.reading())).verdict is MinutesVerdict.NOT_FINAL
    await table.sign(table.host)
    assert (await check_final(table.db, await table.reading())).verdict is MinutesVerdict.UNSIGNED
    signed = await sign_final(table.db, table.clock, await table.reading(), signer)
    assert (
        signed is not None
        and await sign_final(table.db, table.clock, await table.reading(), signer) is signed
    )
    checked = await check_final(table.db, await table.reading())
    assert checked.verdict is MinutesVerdict.INTACT and checked.fingerprint == signer.fingerprint

    async def after(change: str) -> MinutesVerdict:
        await table.db.execute(text(change))
        await table.db.commit()
        return (await check_final(table.db, await table.reading())).verdict

    one = f"WHERE id = '{table.said.id}'"
    changed = f"UPDATE minutes_paragraphs SET text = '楼道自三月起漏气。' {one}"
    assert await after(changed) is MinutesVerdict.TEXT_CHANGED
    assert (
        await after(f"UPDATE minutes_paragraphs SET text = '楼道自三月起漏水。' {one}")
        is MinutesVerdict.INTACT
    )
    renamed = f"UPDATE minutes_paragraphs SET speaker_name = '别人' {one}"
    assert await after(renamed) is MinutesVerdict.TEXT_CHANGED
    assert await after(f"UPDATE minutes_paragraphs SET speaker_name = '' {one}") is MinutesVerdict.INTACT
    moved = f"UPDATE minutes_paragraphs SET said_at = '2026-07-22 01:00:00.000000' {one}"
    assert await after(moved) is MinutesVerdict.TEXT_CHANGED
    assert await after(f"UPDATE minutes_paragraphs SET said_at = NULL {one}") is MinutesVerdict.INTACT
    # The signatures and the statement cannot be changed in the database; elsewhere it would be seen.
    reading, row = await table.reading(), await table.db.get(SignedMinutes, signed.minutes_id)
    signatures = await list_signatures(table.db, reading.sheet.minutes.id)
    assert row is not None
    assert compare(reading, signatures[:1], row.statement, row.signature).verdict is (
        MinutesVerdict.SIGNATURES_CHANGED
    )
    forged = row.statement.replace("漏水", "漏气")
    assert compare(reading, signatures, forged, row.signature).verdict is MinutesVerdict.STATEMENT_FORGED


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("", "signature_unreadable"),
        ("[" * 5000, "signature_unreadable"),
        ('{"width": 400, "height": 200, "strokes": "x"}', "signature_unreadable"),
        ('{"width": 400, "height": 200, "strokes": [[[1, 1, 0]]]}', "signature_too_small"),
        ('{"width": 400, "height": 200, "strokes": []}', "signature_too_small"),
        ('{"width": 0, "height": 200, "strokes": [[[0, 0, 0]]]}', "signature_unreadable"),
        ('{"width": 400, "height": 200, "strokes": [[[1e3, 1, 0]]]}', "signature_unreadable"),
        ('{"width": 400, "height": 200, "strokes": [[[500, 1, 0]]]}', "signature_unreadable"),
        ('{"width": 400, "height": 200, "strokes": [[[9, 9, 5], [9, 9, 3]]]}', "signature_unreadable"),
        (
            json.dumps({"width": 9, "height": 9, "strokes": [[[1, 1, 1]] * (MOST_POINTS + 1)]}),
            "signature_too_large",
        ),
    ],
)
def test_what_is_no_signature_is_refused_in_words(given: str, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        read_strokes(given)
    assert read_strokes(handwriting()).picture().startswith(b"\x89PNG")
