"""One outbox: messages about a booking, a paper or a case beside those about a session, and the answers to
messages that came in; which message goes on with one that could not be delivered."""

from __future__ import annotations

import uuid
from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes, permit_changes

revision = "0051"
down_revision = "0050"

ID = sa.String(length=32)
MOMENT = sa.DateTime(timezone=True)
ABOUT = (("petition_id", "petitions"), ("booking_id", "bookings"), ("document_id", "documents"))
A_DAY = timedelta(days=1)
KEPT = "id, channel, template, template_version, text, session_id, organisation_id, queued_at"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _alter()
    else:
        _make_again()
    for column in ("document_id", "instead_of_id"):
        op.create_index(op.f(f"ix_notices_{column}"), "notices", [column], unique=False)
    op.execute(
        "UPDATE notices SET petition_id ="
        " (SELECT petition_id FROM sessions WHERE sessions.id = notices.session_id)"
    )
    # What went on by another way was queued when the one before had failed.
    op.execute(
        "UPDATE notices SET instead_of_id = ("
        "SELECT b.id FROM notices b JOIN notice_events e ON e.notice_id = b.id AND e.state = 'failed'"
        " WHERE b.session_id = notices.session_id AND b.template = notices.template AND b.id <> notices.id"
        " AND b.channel <> notices.channel AND b.text = notices.text AND b.queued_at <= notices.queued_at"
        " AND (b.channel, notices.channel)"
        " IN (('sms', 'telephone'), ('wechat', 'sms'), ('telephone', 'paper'))"
        " ORDER BY b.queued_at DESC LIMIT 1)"
    )
    _take_replies()
    forbid_changes("notices")


def _alter() -> None:
    permit_changes("notices")
    op.alter_column("notices", "session_id", nullable=True)
    for name, table in (*ABOUT, ("instead_of_id", "notices")):
        op.add_column("notices", sa.Column(name, ID, nullable=True))
        op.create_foreign_key(op.f(f"fk_notices_{name}"), "notices", table, [name], ["id"])
    op.alter_column("notice_addresses", "recipient", type_=sa.String(length=64))


def _make_again() -> None:
    """SQLite changes no column. Rows that refer to the table wait for the end of the transaction."""
    op.execute("PRAGMA defer_foreign_keys=ON")
    op.execute(f"CREATE TABLE notices_before AS SELECT {KEPT} FROM notices")  # noqa: S608 - names of ours.
    op.drop_table("notices")
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("template", ID, nullable=False),
        sa.Column("template_version", ID, nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        *(sa.Column(name, ID, nullable=True) for name, _ in ABOUT),
        sa.Column("instead_of_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_notices_session_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_notices_organisation_id")
        ),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_notices_{name}"))
            for name, table in (*ABOUT, ("instead_of_id", "notices"))
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.execute(f"INSERT INTO notices ({KEPT}) SELECT {KEPT} FROM notices_before")  # noqa: S608
    op.execute("DROP TABLE notices_before")
    for column in ("organisation_id", "queued_at"):
        op.create_index(op.f(f"ix_notices_{column}"), "notices", [column], unique=False)
    op.drop_index(op.f("ix_notice_addresses_recipient"), "notice_addresses")
    op.execute("ALTER TABLE notice_addresses RENAME TO addresses_before")
    op.create_table(
        "notice_addresses",
        sa.Column("notice_id", ID, nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_addresses_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_addresses")),
    )
    op.execute("INSERT INTO notice_addresses SELECT notice_id, recipient FROM addresses_before")
    op.execute("DROP TABLE addresses_before")
    op.create_index(op.f("ix_notice_addresses_recipient"), "notice_addresses", ["recipient"], unique=False)


def _take_replies() -> None:
    """Each answer becomes a message with its steps; one that still waits is sent from here."""
    bind = op.get_bind()
    replies = sa.table(
        "replies",
        *(sa.column(name, ID) for name in ("id", "channel", "recipient", "organisation_id", "state")),
        sa.column("template", ID),
        sa.column("sealed", sa.String()),
        sa.column("reason", sa.String()),
        sa.column("attempts", sa.Integer()),
        sa.column("queued_at", MOMENT),
        sa.column("due_at", MOMENT),
        sa.column("expires_at", MOMENT),
    )
    notice = sa.table(
        "notices",
        *(
            sa.column(name, ID)
            for name in ("id", "channel", "template", "template_version", "text", "organisation_id")
        ),
        sa.column("queued_at", MOMENT),
    )
    event = sa.table(
        "notice_events",
        *(sa.column(name, ID) for name in ("id", "notice_id", "state", "reason")),
        sa.column("sequence", sa.Integer()),
        sa.column("at", MOMENT),
    )
    address = sa.table("notice_addresses", sa.column("notice_id", ID), sa.column("recipient", ID))
    draft = sa.table(
        "notice_drafts",
        *(sa.column(name, ID) for name in ("notice_id", "sealed")),
        *(sa.column(name, MOMENT) for name in ("due_at", "expires_at")),
        sa.column("attempts", sa.Integer()),
    )
    for row in bind.execute(sa.select(replies)).mappings().all():
        bind.execute(
            notice.insert().values(
                id=row["id"], channel=row["channel"], template=row["template"], template_version="2026-11",
                text="······", organisation_id=row["organisation_id"], queued_at=row["queued_at"],
            )
        )  # fmt: skip
        states = ["queued"] if row["state"] == "queued" else ["queued", row["state"]]
        for sequence, state in enumerate(states, 1):
            values = {"id": uuid.uuid4().hex, "notice_id": row["id"], "state": state, "sequence": sequence}
            reason = row["reason"] if sequence == len(states) else ""
            bind.execute(event.insert().values(**values, reason=reason, at=row["queued_at"]))
        if row["recipient"]:
            bind.execute(address.insert().values(notice_id=row["id"], recipient=row["recipient"]))
        if row["sealed"] and row["due_at"]:
            until = row["expires_at"] or row["queued_at"] + A_DAY
            values = {"sealed": row["sealed"], "due_at": row["due_at"], "attempts": row["attempts"]}
            bind.execute(draft.insert().values(notice_id=row["id"], expires_at=until, **values))
    op.drop_table("replies")
