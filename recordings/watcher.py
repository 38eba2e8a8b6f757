"""Watcher: while nothing waits to be verified it keeps ledger and anchors, and orders the next readings."""

from __future__ import annotations

from datetime import datetime, timedelta

from cases.clock import Clock
from cases.database import Database
from recordings.evidence.day_root import LEDGER
from recordings.evidence.keys import REGISTER_FILE
from recordings.evidence.signing import load_signer
from recordings.settings import RecordingsSettings
from recordings.watch.audit_anchor import anchor_audit, anchors_of
from recordings.watch.completeness import check_when_due
from recordings.watch.ledger import keep_ledger
from recordings.watch.patrol import order_patrol
from recordings.watch.stamping import stamp_waiting, watch_stamps

LEDGER_PERIOD = timedelta(minutes=2)


class Watcher:
    """Given: database, clock, settings. Owned: when each of them is due again."""

    def __init__(self, database: Database, clock: Clock, settings: RecordingsSettings) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._patrol_at: datetime | None = None
        self._ledger_at: datetime | None = None
        self._ledgers = settings.root.resolve().parent / LEDGER

    async def watch_once(self) -> bool:
        """Keep the ledger, check completeness, ask for the next reading; False when neither is due."""
        now = self._clock.now()
        async with self._database.session() as db:
            if self._ledger_at is None or now >= self._ledger_at:
                self._ledger_at = now + LEDGER_PERIOD
                signer = load_signer(self._settings.keys)
                await keep_ledger(db, self._clock, self._settings.root, signer)
                await anchor_audit(db, self._clock, anchors_of(self._settings.root), signer)
                if self._settings.stamps is not None:
                    await stamp_waiting(self._clock, self._ledgers, self._settings.stamps)
                    await watch_stamps(db, self._clock, self._ledgers)
            keys = self._settings.keys / REGISTER_FILE
            if await check_when_due(db, self._clock, self._settings.root, self._settings.verify_period, keys):
                return True
            if self._patrol_at is not None and now < self._patrol_at:
                return False
            wait = await order_patrol(db, self._clock, self._settings.verify_period)
        self._patrol_at = now + wait
        return not wait
