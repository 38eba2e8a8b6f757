"""A party's consent before a mediation by video, said on the own telephone and kept with the mediation."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import atomic
from cases.errors import Forbidden
from cases.mediation.consenting import add_consent
from cases.mediation.matter import SITTING, ConsentWay, MediationState
from cases.mediation.mediating import load_mediation
from cases.policy import Action, Actor, Scope, require
from scheduling.arrival.consent import decline_consent, record_consent
from scheduling.invitation import MediationInvitation
from scheduling.reach import load_session


@atomic
async def consent_by_link(
    db: AsyncSession, clock: Clock, actor: Actor, given: bool, version: str, digest: str
) -> None:
    """Note what a party says on the own telephone before the sitting, and commit.

    A refusal takes the consent to the mediation back; its sittings are called off next
    (scheduling/sessions/mediation_video.py). `version` and `digest`: of the text that was read.
    Raises Forbidden for whoever is no party, Conflict `mediation_moved`.
    """
    require(actor, Action.JOIN, Scope(session_id=actor.session_id))
    own = await db.get(MediationInvitation, actor.invitation_id or "")
    if own is None or actor.session_id is None:
        raise Forbidden()
    session = await load_session(db, actor.session_id, lock=True)
    mediation = await load_mediation(db, session.mediation_id or "")
    party = next(each for each in mediation.parties if each.id == own.party_id)
    if mediation.state in SITTING | {MediationState.RECEIVED}:
        words = f"视频调解前在手机上确认：{'同意' if given else '不同意'}。告知书{version}。"
        await add_consent(db, clock, actor, mediation, party, given, ConsentWay.ONLINE, words)
    if given:
        await record_consent(db, clock, actor, version, digest)
    else:
        await decline_consent(db, clock, actor)
    await db.commit()
