"""What a link needed is forgotten when it has served; what belongs to the case stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.database import new_id
from cases.errors import RuleError
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.arrival.consent import Relation, declare_companions, record_consent
from scheduling.arrival.forgetting import KEPT_AFTER_END, Forgotten, forget_served_links
from scheduling.arrival.identity import IdentityCode
from scheduling.invitation import Invitation
from scheduling.links import LinkRules, exchange_link, find_link, find_link_actor, issue_link
from scheduling.notices.gateway import Envelope
from scheduling.notices.outbox import list_outbox
from scheduling.notices.queueing import about_session, add_notice
from scheduling.session import Session
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_session

PHONE = "13800001234"


async def hold(db: AsyncSession, clock: FixedClock, invitation: Invitation) -> tuple[str, str]:
    """A person who opened the link, got a code, said who is there and agreed; returns both secrets."""
    secret = await issue_link(db, clock, SYSTEM, invitation.id)
    device = (await exchange_link(db, clock, invitation.code, secret)).device_secret
    actor = await find_link_actor(db, clock, invitation.code, device)
    assert actor is not None
    await declare_companions(db, clock, actor, 2, (Relation.FAMILY,))
    await record_consent(db, clock, actor, "1", "0" * 64)
    now = clock.now()
    db.add(
        IdentityCode(
            id=new_id(), invitation_id=invitation.id, digest="0" * 64, created_at=now, expires_at=now, tries=0
        )
    )
    await db.commit()
    return secret, device


async def tell(db: AsyncSession, clock: FixedClock, session: Session) -> str:
    """A message about the session; returns its number."""
    until, fields = clock.now() + timedelta(minutes=10), {"code": "482913"}
    envelope = Envelope(Fernet.generate_key())
    about = about_session(session)
    notice = await add_notice(db, clock, envelope, about, PHONE, "identity_code", fields, until)
    await db.commit()
    return notice.id


async def test_a_served_link_leaves_no_trace_of_devices_and_codes(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    invitation = await find_invitation(db, session, InvitationRole.PETITIONER)
    secret, device = await hold(db, clock, invitation)
    clock.set(session.ends_at)
    clock.advance(seconds=KEPT_AFTER_END.total_seconds() - 1)
    later = await make_session(db, clock, world)
    other = await find_invitation(db, later, InvitationRole.PETITIONER)
    await hold(db, clock, other)
    sent = [await tell(db, clock, session), await tell(db, clock, later)]
    assert not (await forget_served_links(db, clock)).anything, "not a second early"
    clock.advance(seconds=1)
    assert await forget_served_links(db, clock) == Forgotten(
        codes=1, links=1, signings=0, companions=1, numbers=1
    )
    assert not (await forget_served_links(db, clock)).anything, "once"
    await db.refresh(invitation)
    link = await find_link(db, invitation.id)
    assert link is not None and link.device_hash is None and invitation.companions is None
    assert (invitation.consent_version, invitation.consent_digest) == ("1", "0" * 64), "evidence stays"
    assert await find_link_actor(db, clock, invitation.code, device) is None
    with pytest.raises(RuleError) as caught:
        await exchange_link(db, clock, invitation.code, secret)
    assert caught.value.code == "link_expired", "free of its device it opens nothing all the same"
    kept = await find_link(db, other.id)
    assert kept is not None and kept.device_hash is not None
    assert await db.scalar(select(func.count()).select_from(IdentityCode)) == 1
    desk = await list_outbox(db, world.actor("chengguan.receptionist"))
    assert {each.notice.id: each.recipient for each in desk} == {sent[0]: "", sent[1]: PHONE}
    line = (await db.scalars(select(AuditEntry).where(AuditEntry.action == "links.forgotten"))).one()
    assert line.detail == {"codes": 1, "links": 1, "signings": 0, "companions": 1, "numbers": 1}


async def test_a_link_that_opens_longer_keeps_its_device_as_long(
    db: AsyncSession, clock: FixedClock, world: World
) -> None:
    session = await make_session(db, clock, world)
    invitation = await find_invitation(db, session, InvitationRole.PETITIONER)
    secret = await issue_link(db, clock, SYSTEM, invitation.id, LinkRules(after=timedelta(days=9)))
    await exchange_link(db, clock, invitation.code, secret)
    clock.set(session.ends_at + KEPT_AFTER_END)
    assert not (await forget_served_links(db, clock)).anything, "it would belong to whoever comes first"
    clock.advance(days=8)
    assert (await forget_served_links(db, clock)).links == 1


def test_nothing_is_forgotten_while_the_link_may_open() -> None:
    assert timedelta(days=30, hours=4) < KEPT_AFTER_END <= timedelta(days=31)
