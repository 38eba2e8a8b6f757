"""What seats knew of people's devices goes once their links have served (scheduling/arrival/forgetting.py).

The desk needs it on the day, to see who comes with which camera; the check and its verdict belong to the
session's events.
"""

from __future__ import annotations

from sqlalchemy import CursorResult, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic
from cases.policy import SYSTEM
from scheduling.arrival.forgetting import KEPT_AFTER_END
from scheduling.session import Session
from signaling.seat import Seat


@atomic
async def forget_devices(db: AsyncSession, clock: Clock) -> int:
    """Forget them where the reception ended long enough ago; commits, with a line in the audit.

    Returns how many seats there were.
    """
    ended = select(Session.id).where(Session.ends_at <= clock.now() - KEPT_AFTER_END)
    known = update(Seat).where(Seat.session_id.in_(ended), Seat.device.is_not(None)).values(device=null())
    result = await db.execute(known, execution_options={"synchronize_session": False})
    count = result.rowcount if isinstance(result, CursorResult) else 0
    if count:
        await add_audit(db, clock, SYSTEM, "seats.forgotten", "seat", None, detail={"devices": count})
    await db.commit()
    return count
