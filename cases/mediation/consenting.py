"""What each party says to mediation: consent in own words, by signature or on the own telephone, or refusal.

The last consent that was missing makes a matter ready; whoever withdraws ends that at once (People's
Mediation Law, Art. 17 and 23).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.errors import Invalid, NotFound
from cases.fields import clean_text
from cases.mediation.matter import (
    SITTING,
    TRANSITIONS,
    TYPED_WAYS,
    WORDS_LIMIT,
    ConsentWay,
    Mediation,
    MediationConsent,
    MediationParty,
    MediationState,
    MediationStep,
    scope_of_mediation,
)
from cases.mediation.mediating import apply_step, load_mediation
from cases.policy import Action, Actor, require


@atomic
async def record_consent(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, party_id: str, given: bool, way: str,
    words: str,
) -> MediationConsent:  # fmt: skip
    """Note what a party says to mediation, and commit; the last one that was missing moves the matter.

    `words`: the party's own words, or where the signed sheet is kept. A refusal takes it back at once.
    Raises NotFound, Forbidden, Invalid at the field, Conflict `bad_transition`, `mediation_moved`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    party = next((each for each in mediation.parties if each.id == party_id), None)
    if party is None:
        raise NotFound("party_not_found", "没有找到这位当事人。")
    if mediation.state not in SITTING | {MediationState.RECEIVED}:
        raise TRANSITIONS.conflict()
    if way not in TYPED_WAYS:
        raise Invalid("choose", "请选择一项。", "way")
    told = clean_text(words, "words", "当事人的原话", WORDS_LIMIT)
    if not told:
        raise Invalid("required", "请填写当事人的原话，或者签字材料存放在哪里。", "words")
    row = await add_consent(db, clock, actor, mediation, party, given, ConsentWay(way), told)
    await db.commit()
    return row


async def add_consent(
    db: AsyncSession, clock: Clock, actor: Actor, mediation: Mediation, party: MediationParty, given: bool,
    way: ConsentWay, told: str,
) -> MediationConsent:  # fmt: skip
    """The same inside the caller's transaction; the caller has asked the policy and looked at the state."""
    before = await list_consents(db, mediation.id)
    own = [each for each in before if each.party_id == party.id]
    row = MediationConsent(
        id=new_id(), party_id=party.id, number=len(own) + 1, given=given, way=way, words=told,
        at=clock.now(), by=actor.name,
    )  # fmt: skip
    db.add(row)
    await db.flush()
    standing = {each.party_id: each.given for each in before} | {party.id: given}
    agreed = all(standing.get(each.id, False) for each in mediation.parties)
    if agreed and mediation.state is MediationState.RECEIVED:
        await apply_step(db, clock, actor, mediation, MediationStep.CONSENT, "各方都同意调解。")
    elif not given and mediation.state in SITTING:
        await apply_step(db, clock, actor, mediation, MediationStep.REFUSE, f"{party.name}不同意继续调解。")
    else:
        kind = "mediation.consented" if given else "mediation.refused"
        await add_audit(db, clock, actor, kind, "mediation", mediation.id)
    return row


async def list_consents(db: AsyncSession, mediation_id: str) -> Sequence[MediationConsent]:
    """What the parties said, oldest first. The caller has asked the policy."""
    query = select(MediationConsent).join(MediationParty, MediationParty.id == MediationConsent.party_id)
    query = query.where(MediationParty.mediation_id == mediation_id)
    return (await db.scalars(query.order_by(MediationConsent.at, MediationConsent.number))).all()
