"""Checks of citizens' devices as rows of their own; the column on the invitation was never filled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "device_checks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(name, sa.String(length=32), nullable=False)
            for name in ("occasion", "device", "picture", "voice", "sound")
        ),
        sa.Column("trouble", sa.String(length=32), nullable=True),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=8), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=True)
            for name in ("round_trip", "loss_up", "loss_down", "kbps_up", "kbps_down")
        ),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_device_checks_invitation_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_device_checks_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_checks")),
        sa.UniqueConstraint("invitation_id", "number", name=op.f("uq_device_checks_invitation_id_number")),
    )
    op.create_index(op.f("ix_device_checks_session_id"), "device_checks", ["session_id"], unique=False)
    forbid_changes("device_checks")
    op.drop_column("invitations", "device_check")
