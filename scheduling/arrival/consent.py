"""What a link holder does before entering: who is with him, and consent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.errors import Forbidden, Invalid
from cases.fields import clean, clean_text
from cases.policy import Action, Actor, Scope, require
from cases.roles import InvitationRole
from scheduling.invitation import Invitation
from scheduling.reach import get_invitation, manageable
from scheduling.session import Session
from scheduling.session_events import add_event

MAX_PEOPLE = 20  # In the room with the person, himself included.


class Relation(StrEnum):
    """Who sits beside the person."""

    FAMILY = "family"
    PROXY = "proxy"
    INTERPRETER = "interpreter"
    OTHER = "other"


RELATION_NAMES: Mapping[Relation, str] = {
    Relation.FAMILY: "家人",
    Relation.PROXY: "代理人",
    Relation.INTERPRETER: "翻译",
    Relation.OTHER: "其他人",
}


OFFICIAL_ROLES = frozenset(
    {
        InvitationRole.HOST,
        InvitationRole.JOINT_RECEPTIONIST,
        InvitationRole.DEPARTMENT,
        InvitationRole.RECORDER,
    }
)


@dataclass(frozen=True, slots=True)
class PurposeConsent:
    """An answer to one purpose beside the recording: the text's version and SHA-256 (hex), yes or no."""

    purpose: str
    version: str
    digest: str
    agreed: bool


async def declare_companions(
    db: AsyncSession, clock: Clock, actor: Actor, people: int, relations: tuple[Relation, ...]
) -> Invitation:
    """Note how many people are in the room (the person included) and who they are; commits."""
    invitation = await _own(db, actor)
    if not 1 <= people <= MAX_PEOPLE:
        raise Invalid("bad_people", f"请填写房间里的人数，1 到 {MAX_PEOPLE}，包括您自己。", "people")
    if people > 1 and not relations:
        raise Invalid("required", "请选择和您在一起的是谁。", "relations")
    told = {"people": people, "with": sorted(set(relations)) if people > 1 else []}
    if invitation.companions != told:
        invitation.companions = told
        data = {"invitation_id": invitation.id, **told}
        await add_event(db, clock, invitation.session_id, "companions.declared", actor.name, data=data)
        await db.commit()
    return invitation


async def record_consent_for(
    db: AsyncSession, clock: Clock, actor: Actor, invitation_id: str, version: str, digest: str, words: str
) -> Invitation:
    """An official read the notice out and the person agreed aloud; `words` say how. Commits."""
    invitation, _ = await manageable(db, actor, invitation_id, Action.RECEIVE)
    if invitation.role in OFFICIAL_ROLES:
        raise Forbidden()
    said = clean_text(words, "words", "说明", 200)
    if not said:
        raise Invalid("required", "请写明怎样告知、本人怎样表示同意。", "words")
    _note_consent(clock, invitation, version, digest)
    data = {"invitation_id": invitation.id, "version": version, "digest": digest, "words": said, "oral": True}
    await add_event(db, clock, invitation.session_id, "consent.given", actor.name, data=data)
    await add_audit(db, clock, actor, "consent.given", "invitation", invitation.id)
    await db.commit()
    return invitation


async def record_consent(
    db: AsyncSession, clock: Clock, actor: Actor, version: str, digest: str,
    others: tuple[PurposeConsent, ...] = (),
) -> Invitation:  # fmt: skip
    """Note that the link holder read the notice of `version`, whose text has the SHA-256 `digest` (hex).

    `others` are his answers to further purposes; each is a text with a version and a digest of its own.
    """
    invitation = await _own(db, actor)
    answers = {one.purpose: asdict(one) for one in others}
    if not re.fullmatch(r"[0-9a-f]{64}", digest) or not clean(version):
        raise Invalid("bad_consent", "告知书版本不对，请刷新页面后重试。", "version")
    same = invitation.consent_version == version and invitation.consent_digest == digest
    if not same or (answers and answers != invitation.consents):
        _note_consent(clock, invitation, version, digest)
        invitation.consents = answers or invitation.consents
        data: dict[str, Any] = {"invitation_id": invitation.id, "version": version, "digest": digest}
        data |= {"purposes": list(answers.values())} if answers else {}
        await add_event(db, clock, invitation.session_id, "consent.given", actor.name, data=data)
        await db.commit()
    return invitation


async def decline_consent(db: AsyncSession, clock: Clock, actor: Actor) -> Invitation:
    """Note that the link holder does not agree; an earlier consent no longer counts."""
    invitation = await _own(db, actor)
    invitation.consent_version = invitation.consent_digest = invitation.consented_at = None
    invitation.consents = None
    data = {"invitation_id": invitation.id}
    await add_event(db, clock, invitation.session_id, "consent.declined", actor.name, data=data)
    await db.commit()
    return invitation


def must_consent(invitation: Invitation, session: Session) -> bool:
    """Whether this guest agrees before entering: everybody to being recorded, a party to its mediation."""
    return session.record or invitation.role is InvitationRole.PARTY


def _note_consent(clock: Clock, invitation: Invitation, version: str, digest: str) -> None:
    invitation.consent_version, invitation.consent_digest = clean(version)[:32], digest
    invitation.consented_at = clock.now()


async def _own(db: AsyncSession, actor: Actor) -> Invitation:
    require(actor, Action.JOIN, Scope(session_id=actor.session_id))
    if actor.invitation_id is None:
        raise Forbidden()
    return await get_invitation(db, actor.invitation_id)
