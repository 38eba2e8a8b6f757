"""Reminding who agreed in a mediation that the court can still be asked to confirm it.

People's Mediation Law, Art. 33: both sides together, within 30 days of the day on which it took effect.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, Clock, chinese_date
from cases.handling.clocks import today
from cases.mediation.agreement import CONFIRMATION_DAYS, MediationAgreement
from cases.mediation.matter import Mediation, MediationEvent, MediationState, MediationStep
from cases.mediation.mediating import load_mediation, note_step
from cases.policy import SYSTEM
from scheduling.notices.queueing import About
from scheduling.notices.telling import Telling, tell

# So long before the last day: time enough for both to find a day for the court.
AHEAD = timedelta(days=7)
MOST_AT_ONCE = 200


async def remind_of_court(db: AsyncSession, clock: Clock, telling: Telling) -> int:
    """Remind the parties of each written agreement whose term ends within AHEAD, once; commits each.

    Returns how many agreements. What was spoken only has no paper that a court could confirm.
    """
    first = today(clock) - timedelta(days=CONFIRMATION_DAYS)
    reminded = exists().where(
        MediationEvent.mediation_id == Mediation.id, MediationEvent.step == MediationStep.REMIND
    )
    query = (
        select(Mediation.id, MediationAgreement.effective_on)
        .join(MediationAgreement, MediationAgreement.mediation_id == Mediation.id)
        .where(
            MediationAgreement.effective_on >= first,
            MediationAgreement.effective_on <= first + AHEAD,
            MediationAgreement.spoken.is_(False),
            Mediation.state == MediationState.AGREED,
            ~reminded,
        )
    )
    found = (await db.execute(query.limit(MOST_AT_ONCE))).all()
    for mediation_id, effective_on in found:
        mediation = await load_mediation(db, mediation_id)
        last = effective_on + timedelta(days=CONFIRMATION_DAYS)
        over = datetime.combine(last + timedelta(days=1), time(), BEIJING)
        fields = {
            "number": mediation.number,
            "when": chinese_date(last),
            "office": mediation.organisation.name,
        }
        for party in mediation.parties:
            about = About(mediation.organisation_id, mediation.petition_id)
            await tell(db, clock, telling, about, party.phone or "", "court_reminder", fields, over)
        words = f"已提醒各方：最晚{chinese_date(last)}可以共同申请司法确认。"
        await note_step(db, clock, SYSTEM, mediation_id, MediationStep.REMIND, words)
        await db.commit()
    return len(found)
