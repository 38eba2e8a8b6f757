"""Indexes for full desks: an office's newest notices, what was not delivered, the newest orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0074"
down_revision = "0073"

FAILED = sa.text("state = 'failed'")
READ_AT = sa.text("coalesce(verified_at, sealed_at)")
# Those that begin with the same column give way.
REPLACED = (
    ("notices", "organisation_id", "ix_notices_organisation_id_queued_at", ("queued_at", "id")),
    ("sessions", "host_organisation_id", "ix_sessions_host_starts_at", ("starts_at",)),
    ("ratings", "organisation_id", "ix_ratings_sums", ("question", "at", "score")),
)


def upgrade() -> None:
    for table, column, name, more in REPLACED:
        op.drop_index(f"ix_{table}_{column}", table)
        op.create_index(name, table, [column, *more])
    name, column = "ix_notice_events_failed", "notice_id"
    op.create_index(name, "notice_events", [column], sqlite_where=FAILED, postgresql_where=FAILED)
    op.create_index("ix_bookings_state", "bookings", ["state"])
    op.create_index("ix_supervision_orders_at", "supervision_orders", ["at"])
    op.create_index("ix_recordings_read_at", "recordings", [READ_AT, "id"])
