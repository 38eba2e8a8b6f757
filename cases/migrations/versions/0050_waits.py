"""An index of the two events that a wait lies between."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
ARE_WAITS = "kind IN ('participant.joined', 'participant.admitted')"


def upgrade() -> None:
    op.create_index(
        "ix_session_events_waits",
        "session_events",
        ["session_id", "participant_id"],
        sqlite_where=sa.text(ARE_WAITS),
        postgresql_where=sa.text(ARE_WAITS),
    )
