"""The stage: whose document everybody looks at, a screen or a second camera. Pure; the clock is handed in.

One person at a time. A reception talks about one paper, everybody must know that they look at the same
one, a phone on a weak network decodes one large picture, and the film has one place for it. Nobody pushes
anybody off: who comes second is told who is showing, and the host can end it by locking the source.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cases.errors import RuleError

# Without a picture for so long (a reload, another network) the stage is free again.
HELD = timedelta(seconds=15)


@dataclass(frozen=True)
class Showing:
    """For the session's history: `screen.shared` with the first picture, `screen.ended` with its cause.

    Causes: stopped, locked, lost, or why the person is no longer in the room.
    """

    kind: str
    data: dict[str, Any]


class Stage:
    """Who has the stage, since when, and whether a picture is there."""

    def __init__(self) -> None:
        self.presenter: str | None = None
        self._began_at: datetime | None = None
        self._dark_since: datetime | None = None

    def take(self, participant_id: str, now: datetime) -> None:
        """Claim the stage before the picture comes. Raises RuleError stage_taken."""
        if self.presenter not in (None, participant_id):
            raise RuleError("stage_taken", "别人正在出示材料，请等对方结束")
        if self.presenter is None:
            self.presenter, self._dark_since = participant_id, now

    def restore(self, participant_id: str, now: datetime) -> None:
        """The worker holds this person's picture from before this process began; it is in the history."""
        self.presenter, self._began_at, self._dark_since = participant_id, now, None

    def picture(self, participant_id: str, seen: bool, now: datetime) -> Showing | None:
        """The worker receives the document, or does no longer."""
        if self.presenter != participant_id:
            return None
        self._dark_since = None if seen else now
        if not seen or self._began_at is not None:
            return None
        self._began_at = now
        return Showing("screen.shared", {})

    def darken(self, now: datetime) -> None:
        """The worker is gone with every picture; the presenter gets time to come back."""
        if self.presenter is not None:
            self._dark_since = now

    def release(self, participant_id: str, cause: str, now: datetime) -> Showing | None:
        """Free the stage if this person has it; nothing is told of a document nobody saw."""
        if self.presenter != participant_id:
            return None
        began_at = self._began_at
        self.presenter = self._began_at = self._dark_since = None
        if began_at is None:
            return None
        seconds = round((now - began_at).total_seconds(), 1)
        return Showing("screen.ended", {"cause": cause, "seconds": seconds})

    def forsaken(self, now: datetime) -> bool:
        """Has there been no picture for too long?"""
        return self._dark_since is not None and now - self._dark_since > HELD
