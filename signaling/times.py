"""Times as they stand in messages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload


@overload
def wire_time(moment: datetime) -> str: ...
@overload
def wire_time(moment: None) -> None: ...
def wire_time(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z, as in docs/protocol.md section 1."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
