"""Ratings of matters with their changes, campaigns, and the indexes that figures are counted by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    _ratings()
    _campaigns()
    op.create_index("ix_petitions_concluded_on", "petitions", ["concluded_on"])
    op.create_index("ix_petition_clocks_due", "petition_clocks", ["duty", "rolled_on"])
    op.create_index("ix_petition_tasks_due_on", "petition_tasks", ["due_on"])


def _id(name: str = "id") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=False)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _ratings() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "petition_ratings",
        _id(),
        _id("petition_id"),
        sa.Column("rated", sa.String(length=32), nullable=False),
        _id("organisation_id"),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", moment, nullable=False),
        _key("petition_ratings", "petition_id", "petitions"),
        _key("petition_ratings", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_ratings")),
        sa.UniqueConstraint("petition_id", "rated", name=op.f("uq_petition_ratings_petition_id_rated")),
    )
    op.create_table(
        "petition_rating_changes",
        _id(),
        _id("rating_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("at", moment, nullable=False),
        _key("petition_rating_changes", "rating_id", "petition_ratings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_rating_changes")),
    )
    op.create_index(
        "uq_petition_rating_changes_number", "petition_rating_changes", ["rating_id", "number"], unique=True
    )
    forbid_changes("petition_rating_changes")


def _campaigns() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "campaigns",
        _id(),
        _id("organisation_id"),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        _key("campaigns", "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_organisation_id"), "campaigns", ["organisation_id"])
    op.create_table(
        "campaign_targets",
        _id("campaign_id"),
        sa.Column("rank", sa.String(length=32), nullable=False),
        sa.Column("matters", sa.Integer(), nullable=False),
        _key("campaign_targets", "campaign_id", "campaigns"),
        sa.PrimaryKeyConstraint("campaign_id", "rank", name=op.f("pk_campaign_targets")),
    )
    op.create_table(
        "campaign_matters",
        _id(),
        _id("campaign_id"),
        _id("petition_id"),
        sa.Column("rank", sa.String(length=32), nullable=True),
        sa.Column("leader", sa.String(length=256), nullable=False),
        sa.Column("plan", sa.String(length=4000), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("resolved_on", sa.Date(), nullable=True),
        sa.Column("step_count", sa.Integer(), nullable=False),
        _key("campaign_matters", "campaign_id", "campaigns"),
        _key("campaign_matters", "petition_id", "petitions"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_matters")),
        sa.UniqueConstraint(
            "campaign_id", "petition_id", name=op.f("uq_campaign_matters_campaign_id_petition_id")
        ),
    )
    op.create_index("ix_campaign_matters_entered_on", "campaign_matters", ["entered_on"])
    op.create_index(op.f("ix_campaign_matters_petition_id"), "campaign_matters", ["petition_id"])
    op.create_table(
        "campaign_steps",
        _id(),
        _id("matter_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=32), nullable=False),
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
        _key("campaign_steps", "matter_id", "campaign_matters"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_steps")),
    )
    op.create_index("uq_campaign_steps_number", "campaign_steps", ["matter_id", "number"], unique=True)
    forbid_changes("campaign_steps")
