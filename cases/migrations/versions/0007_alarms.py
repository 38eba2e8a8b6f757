"""Alarms about recordings, remarks on them, nightly checks, and when each recording was last read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=32)


def upgrade() -> None:
    _note_readings()
    op.create_table(
        "alarms",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("recording_id", ID, nullable=True),
        sa.Column("place", sa.String(length=1024), nullable=False),
        sa.Column("finding_count", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_alarms_session_id")),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name=op.f("fk_alarms_recording_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarms")),
        sa.UniqueConstraint("key", name=op.f("uq_alarms_key")),
    )
    op.create_index(op.f("ix_alarms_at"), "alarms", ["at"], unique=False)
    op.create_index(op.f("ix_alarms_session_id"), "alarms", ["session_id"], unique=False)
    op.create_table(
        "alarm_remarks",
        sa.Column("id", ID, nullable=False),
        sa.Column("alarm_id", ID, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("official_id", ID, nullable=True),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarms.id"], name=op.f("fk_alarm_remarks_alarm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm_remarks")),
        sa.UniqueConstraint("alarm_id", name=op.f("uq_alarm_remarks_alarm_id")),
    )
    op.create_index(op.f("ix_alarm_remarks_official_id"), "alarm_remarks", ["official_id"], unique=False)
    op.create_table(
        "completeness_checks",
        sa.Column("id", ID, nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("recordings", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_completeness_checks")),
        sa.UniqueConstraint("night", name=op.f("uq_completeness_checks_night")),
    )
    for table in ("alarms", "alarm_remarks", "completeness_checks"):
        forbid_changes(table)


def _note_readings() -> None:
    op.add_column("recordings", sa.Column("verified_at", MOMENT, nullable=True))
    op.add_column("recordings", sa.Column("patrolled_at", MOMENT, nullable=True))
    op.create_index(op.f("ix_recordings_patrolled_at"), "recordings", ["patrolled_at"], unique=False)
    op.execute(
        "UPDATE recordings SET verified_at = "
        "(SELECT max(at) FROM verifications WHERE verifications.recording_id = recordings.id)"
    )
