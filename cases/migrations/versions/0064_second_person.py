"""A post that waits says who proposed it in the words of every other proposal."""

from __future__ import annotations

from alembic import op

revision = "0064"
down_revision = "0063"

WORDS = {"requested_at": "proposed_at", "requested_by_id": "proposed_by_id", "requested_by": "proposed_by"}


def upgrade() -> None:
    op.drop_index(op.f("ix_post_requests_requested_at"), "post_requests")
    for old, new in WORDS.items():
        op.execute(f"ALTER TABLE post_requests RENAME COLUMN {old} TO {new}")
    op.create_index(op.f("ix_post_requests_proposed_at"), "post_requests", ["proposed_at"])
