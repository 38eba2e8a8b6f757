"""What a citizen hands in with a matter: a confirmed telephone number, and files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

ID = sa.String(length=32)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "phone_codes",
        sa.Column("id", ID, nullable=False),
        sa.Column("phone_mark", sa.String(length=64), nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_codes")),
    )
    op.create_index(op.f("ix_phone_codes_phone_mark"), "phone_codes", ["phone_mark"])
    op.create_index(op.f("ix_phone_codes_form_id"), "phone_codes", ["form_id"])
    op.create_table(
        "enclosures",
        sa.Column("id", ID, nullable=False),
        sa.Column("form_id", ID, nullable=False),
        sa.Column("petition_id", ID, nullable=True),
        sa.Column("purpose", ID, nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["petition_id"], ["petitions.id"], name=op.f("fk_enclosures_petition_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enclosures")),
        sa.UniqueConstraint(
            "form_id", "purpose", "sha256", name=op.f("uq_enclosures_form_id_purpose_sha256")
        ),
    )
    op.create_index(op.f("ix_enclosures_petition_id"), "enclosures", ["petition_id"])
    op.add_column("petition_intakes", sa.Column("phone_confirmed_at", MOMENT, nullable=True))
    op.add_column(
        "replies", sa.Column("template", sa.String(length=32), nullable=False, server_default="progress")
    )
    op.add_column("replies", sa.Column("expires_at", MOMENT, nullable=True))
