"""An index for matters of campaigns that wait to be confirmed, which the board counts each morning."""

from __future__ import annotations

from alembic import op

revision = "0076"
down_revision = "0075"


def upgrade() -> None:
    op.create_index("ix_campaign_matters_state", "campaign_matters", ["state", "due_on", "id"])
