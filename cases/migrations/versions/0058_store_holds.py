"""What legal holds are to the archive store, and when archived pages are read again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
MOMENT = sa.DateTime(timezone=True)
# Read again at once, the oldest copies first: until now nobody did.
ARCHIVED_PAGES = """
INSERT INTO page_readings (recording_id, attempts, due_at)
SELECT archives.recording_id, 0, archives.archived_at FROM archives
WHERE archives.archived_at IS NOT NULL AND archives.state IN ('archived', 'local_removed') AND EXISTS (
    SELECT 1 FROM archive_objects
    WHERE archive_objects.recording_id = archives.recording_id AND archive_objects.path LIKE 'exhibits/%'
)
"""


def upgrade() -> None:
    _create("store_holds", sa.Column("state", sa.String(length=32), nullable=False),
            sa.Column("objects", sa.Integer(), nullable=False))  # fmt: skip
    _create("page_readings", sa.Column("read_at", MOMENT, nullable=True),
            sa.Column("whole_at", MOMENT, nullable=True))  # fmt: skip
    op.execute(ARCHIVED_PAGES)


def _create(table: str, *columns: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        *columns,
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name=op.f(f"fk_{table}_recording_id")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_due_at"), table, ["due_at"], unique=False)
