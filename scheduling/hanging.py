"""What in the calendar keeps an organisation open: sittings, bookings, standing reception days."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.booking.booking import PENDING, Booking
from scheduling.booking.slot import Slot
from scheduling.rota.reception_day import RotaRule
from scheduling.session import OVER, Session, SessionOrganisation


async def calendar_at(db: AsyncSession, organisation_id: str, now: datetime) -> Mapping[str, int]:
    """Words and how many, as cases/administration/organisation_tree.py asks for it."""
    here = SessionOrganisation.organisation_id == organisation_id
    sits = select(SessionOrganisation.session_id).where(here)
    sittings = select(func.count()).select_from(Session).where(Session.id.in_(sits))
    bookings = select(func.count()).select_from(Booking).join(Slot, Slot.id == Booking.slot_id)
    rules = select(func.count()).select_from(RotaRule).where(RotaRule.organisation_id == organisation_id)
    return {
        "未结束的接访": await db.scalar(sittings.where(Session.state.not_in(sorted(OVER)))) or 0,
        "待处理的预约": await db.scalar(
            bookings.where(Slot.organisation_id == organisation_id, Booking.state.in_(sorted(PENDING)))
        )
        or 0,
        "领导接访日安排": await db.scalar(rules.where(RotaRule.ended_at.is_(None))) or 0,
    }
