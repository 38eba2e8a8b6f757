"""Until when the archive store keeps each object, and which of its versions a destruction deleted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
MOMENT = sa.DateTime(timezone=True)
# Looked at once each: a class that became longer since did not lock anything for longer.
ARCHIVED = """
INSERT INTO store_locks (recording_id, state, objects, doubts, attempts)
SELECT archives.recording_id, 'unsure', 0, 0, 0 FROM archives
WHERE archives.copies > 0 AND archives.state NOT IN ('destroying', 'destroyed')
"""


def upgrade() -> None:
    op.create_table(
        "store_locks",
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("objects", sa.Integer(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_store_locks_recording_id")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_store_locks")),
    )
    op.create_index(op.f("ix_store_locks_due_at"), "store_locks", ["due_at"], unique=False)
    op.create_index(op.f("ix_store_locks_state"), "store_locks", ["state"], unique=False)
    op.execute(ARCHIVED)
    for table in ("destruction_proposals", "destruction_records"):
        op.add_column(table, sa.Column("versions", sa.JSON(), nullable=True))
