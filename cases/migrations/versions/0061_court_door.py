"""Links by which a court reads one mediation agreement, and each look through them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0061"
down_revision = "0060"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "court_links",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("mediation_id", sa.String(length=32), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("court", sa.String(length=256), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("issued_by", sa.String(length=256), nullable=False),
        sa.Column("valid_until", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["mediation_id"], ["mediations.id"], name=op.f("fk_court_links_mediation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_court_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_court_links_secret_hash")),
    )
    op.create_index(op.f("ix_court_links_mediation_id"), "court_links", ["mediation_id"])
    op.create_table(
        "court_views",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("paper", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["link_id"], ["court_links.id"], name=op.f("fk_court_views_link_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_court_views")),
    )
    op.create_index(op.f("ix_court_views_link_id"), "court_views", ["link_id"])
    forbid_changes("court_views")
