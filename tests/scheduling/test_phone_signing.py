"""A link to sign on one's own phone: one signer, one text, one phone, ten minutes, and ended by the clerk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.database import Database, new_id
from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.policy import Actor, ActorKind
from cases.roles import InvitationRole
from scheduling.minutes.editing import InsertParagraph, change_minutes
from scheduling.minutes.paragraph import ParagraphKind
from scheduling.minutes.phone_signing import (
    LIFETIME,
    TRANSITIONS,
    IssuedSigning,
    PhoneSigningState,
    cancel_for_signer,
    cancel_phone_signing,
    find_opened_signing,
    issue_phone_signing,
    newest_signing,
    open_phone_signing,
    sign_by_phone,
)
from scheduling.minutes.reading import read_back
from scheduling.minutes.record import MinutesState, begin_minutes, move_minutes
from scheduling.minutes.signature import MinutesSignature, SignatureAct
from scheduling.session_events import list_events
from scheduling.transitions import reachable_from
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_session
from tests.scheduling.test_minutes_signing import handwriting

HOST = "chengguan.receptionist"
S = PhoneSigningState


@dataclass
class Desk:
    """Minutes that are to be signed, the petitioner's right and the text's digest."""

    db: AsyncSession
    clock: FixedClock
    host: Actor
    citizen: Actor
    session_id: str
    digest: str

    async def issue(self) -> IssuedSigning:
        return await issue_phone_signing(self.db, self.clock, self.citizen, self.session_id, self.digest)

    async def open(self, issued: IssuedSigning) -> str:
        return await open_phone_signing(self.db, self.clock, issued.signing.id, issued.secret)

    async def sign(self, issued: IssuedSigning, device: str, strokes: str = "") -> MinutesSignature:
        return await sign_by_phone(self.db, self.clock, issued.signing.id, device, strokes or handwriting())

    async def refused(self, code: str, error: type[Exception], act: Any) -> None:
        with pytest.raises(error) as caught:
            await act
        assert getattr(caught.value, "code", "") == code

    async def signatures(self) -> int:
        return await self.db.scalar(select(func.count()).select_from(MinutesSignature)) or 0


@pytest.fixture
async def desk(db: AsyncSession, clock: FixedClock, world: World) -> Desk:
    session = await make_session(db, clock, world)
    invitation = await find_invitation(db, session, InvitationRole.PETITIONER)
    host = world.actor(HOST)
    citizen = Actor(
        kind=ActorKind.INVITEE, name=invitation.display_name, invitation_id=invitation.id,
        session_id=session.id, invitation_role=invitation.role,
    )  # fmt: skip
    await begin_minutes(db, clock, host, session.id)
    change = InsertParagraph(
        edit_id=new_id(), paragraph_id=new_id(), after_id=None, kind=ParagraphKind.ANSWER,
        speaker_id=invitation.id, text="楼道漏水，请求修理。",
    )  # fmt: skip
    await change_minutes(db, clock, host, session.id, change)
    for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
        await move_minutes(db, clock, host, session.id, state)
    digest = (await read_back(db, host, session.id)).digest
    return Desk(db, clock, host, citizen, session.id, digest)


def test_an_ended_link_never_lives_again() -> None:
    assert reachable_from(TRANSITIONS, S.WAITING) == {S.WAITING, S.OPENED, S.SIGNED, S.CANCELLED}
    assert all(TRANSITIONS[state] == frozenset() for state in (S.SIGNED, S.CANCELLED, S.EXPIRED))


async def test_one_phone_signs_once_for_one_person_and_one_text(desk: Desk) -> None:
    issued = await desk.issue()
    signing_id = issued.signing.id
    await desk.refused(
        "signing_unknown", NotFound, open_phone_signing(desk.db, desk.clock, signing_id, "x" * 43)
    )
    device = await desk.open(issued)
    await desk.refused("signing_used", Conflict, desk.open(issued))
    assert await find_opened_signing(desk.db, signing_id, "y" * 43) is None
    await desk.refused("signing_unknown", NotFound, desk.sign(issued, "y" * 43))
    dot = '{"width": 800, "height": 360, "strokes": [[[5, 5, 0]]]}'
    await desk.refused("signature_too_small", Invalid, desk.sign(issued, device, dot))
    refused = select(AuditEntry).where(AuditEntry.action == "signature.refused")
    line = (await desk.db.scalars(refused)).one()
    assert (line.actor_id, line.detail) == (desk.citizen.invitation_id, {"code": "signature_too_small"})
    signature = await desk.sign(issued, device)  # A dot has not used the link up.
    assert signature.signer_id == desk.citizen.invitation_id and signature.act is SignatureAct.SIGNED
    assert signature.text_digest == desk.digest and signature.picture
    await desk.refused("signing_over", Conflict, desk.sign(issued, device))
    assert await desk.signatures() == 1
    await desk.refused("already_signed", Conflict, desk.issue())
    kinds = [event.kind for event in await list_events(desk.db, desk.session_id)]
    assert kinds[-3:] == ["phone_signing.issued", "phone_signing.opened", "minutes.signed"]


async def test_its_time_ends(desk: Desk) -> None:
    unopened, late = await desk.issue(), LIFETIME.total_seconds()
    desk.clock.advance(seconds=late)
    await desk.refused("signing_over", Conflict, desk.open(unopened))
    issued = await desk.issue()
    device = await desk.open(issued)
    desk.clock.advance(seconds=late)
    await desk.refused("signing_over", Conflict, desk.sign(issued, device))
    found = await newest_signing(desk.db, desk.citizen)
    assert found is not None and found.state_at(desk.clock.now()) is S.EXPIRED
    assert await desk.signatures() == 0


@pytest.mark.parametrize("by", ["clerk", "signer", "another code"])
async def test_it_is_ended_before_its_time(desk: Desk, by: str) -> None:
    issued = await desk.issue()
    device = await desk.open(issued)
    if by == "clerk":
        signer = str(desk.citizen.invitation_id)
        stranger = replace(desk.citizen, invitation_id=new_id(), session_id=new_id())
        with pytest.raises((Forbidden, NotFound)):
            await cancel_for_signer(desk.db, desk.clock, stranger, desk.session_id, signer)
        await cancel_for_signer(desk.db, desk.clock, desk.host, desk.session_id, signer)
    elif by == "signer":
        await cancel_phone_signing(desk.db, desk.clock, desk.citizen, desk.session_id)
    else:
        await desk.issue()
    await desk.refused("signing_over", Conflict, desk.sign(issued, device))
    assert await desk.signatures() == 0


async def test_a_text_that_changed_is_not_signed(desk: Desk) -> None:
    await desk.refused(
        "minutes_changed", Conflict,
        issue_phone_signing(desk.db, desk.clock, desk.citizen, desk.session_id, "0" * 64),
    )  # fmt: skip
    issued = await desk.issue()
    device = await desk.open(issued)
    await move_minutes(desk.db, desk.clock, desk.host, desk.session_id, MinutesState.DRAFTING)
    await desk.refused("minutes_not_signing", Conflict, desk.sign(issued, device))
    assert await desk.signatures() == 0
    # What was refused did not use the link up.
    for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
        await move_minutes(desk.db, desk.clock, desk.host, desk.session_id, state)
    assert (await desk.sign(issued, device)).text_digest == desk.digest


async def test_only_who_is_asked_to_sign_gets_a_link(desk: Desk, database: Database) -> None:
    stranger = replace(desk.citizen, session_id=new_id())
    with pytest.raises((Forbidden, NotFound)):
        await issue_phone_signing(desk.db, desk.clock, stranger, desk.session_id, desk.digest)
    companion = replace(desk.citizen, invitation_role=InvitationRole.THIRD_PARTY)
    with pytest.raises((Forbidden, NotFound)):
        await issue_phone_signing(desk.db, desk.clock, companion, desk.session_id, desk.digest)
