"""Materials that people bring to a session; since when somebody stepped out of the waiting room."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0023"
down_revision = "0022"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "materials",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("brought_by", sa.String(length=256), nullable=False),
        sa.Column("official_id", sa.String(length=32), nullable=True),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("copy_of", sa.String(length=32), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_materials_session_id")),
        sa.ForeignKeyConstraint(["official_id"], ["officials.id"], name=op.f("fk_materials_official_id")),
        sa.ForeignKeyConstraint(["copy_of"], ["materials.id"], name=op.f("fk_materials_copy_of")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_materials")),
        sa.UniqueConstraint(
            "session_id", "owner", "sha256", name=op.f("uq_materials_session_id_owner_sha256")
        ),
    )
    op.create_index(op.f("ix_materials_session_id"), "materials", ["session_id"])
    forbid_changes("materials")
    op.add_column("seats", sa.Column("away_since", MOMENT, nullable=True))
