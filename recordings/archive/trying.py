"""Trying: what is kept of work at the archive store that is done again until it succeeds."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from recordings.archive.alarm import CAUSES
from recordings.archive.copies import pause_after


class Trying:
    """Columns: failures since the last success, the last cause (a key of CAUSES), when it began to fail.

    It is not tried before ``due_at``; None is at once.
    """

    attempts: Mapped[int] = mapped_column(default=0)
    cause: Mapped[str | None] = mapped_column(String(32), default=None)
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    due_at: Mapped[datetime | None] = mapped_column(default=None, index=True)

    def note_failure(self, cause: str, now: datetime) -> None:
        """Count it; the next try comes after a pause that grows to an hour."""
        self.attempts += 1
        self.cause = cause if cause in CAUSES else "worker_error"
        self.failing_since = self.failing_since or now
        self.due_at = now + pause_after(self.attempts)

    def note_success(self, due_at: datetime | None = None) -> None:
        """Nothing fails any more; the next time is ``due_at``."""
        self.attempts, self.cause, self.failing_since, self.due_at = 0, None, None, due_at
