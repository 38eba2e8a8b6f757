"""A session is one sitting on a case or of a mediation without one; which party an invitation is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0063"
down_revision = "0062"

ONE_MATTER = "(petition_id IS NULL) <> (mediation_id IS NULL)"
UNRECORDED = "mediation_id IS NULL OR NOT record"
NEEDED, FREE = "petition_id VARCHAR(32) NOT NULL", "petition_id VARCHAR(32)"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _change_postgresql()
    else:
        _change_sqlite()
    op.create_index(op.f("ix_sessions_mediation_id"), "sessions", ["mediation_id"])
    op.create_table(
        "mediation_invitations",
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("party_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_mediation_invitations_invitation_id")
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["mediation_parties.id"], name=op.f("fk_mediation_invitations_party_id")
        ),
        sa.PrimaryKeyConstraint("invitation_id", name=op.f("pk_mediation_invitations")),
    )
    op.create_index(op.f("ix_mediation_invitations_party_id"), "mediation_invitations", ["party_id"])
    forbid_changes("mediation_invitations")


def _change_postgresql() -> None:
    op.add_column("sessions", sa.Column("mediation_id", sa.String(length=32), nullable=True))
    op.create_foreign_key(
        op.f("fk_sessions_mediation_id"), "sessions", "mediations", ["mediation_id"], ["id"]
    )
    op.alter_column("sessions", "petition_id", existing_type=sa.String(length=32), nullable=True)
    op.create_check_constraint("ck_sessions_one_matter", "sessions", ONE_MATTER)
    op.create_check_constraint("ck_sessions_mediation_unrecorded", "sessions", UNRECORDED)


def _change_sqlite() -> None:
    """SQLite has no way to permit NULL but to write every row again, and other tables point at these.

    What stands on the disk is the same either way, so the words of the schema are changed, as SQLite's
    manual tells (lang_altertable.html, section 7, the procedure for changes without effect on content).
    """
    connection = op.get_bind()
    op.execute(
        "ALTER TABLE sessions ADD COLUMN mediation_id VARCHAR(32)"
        " CONSTRAINT fk_sessions_mediation_id REFERENCES mediations (id)"
        f" CONSTRAINT ck_sessions_one_matter CHECK ({ONE_MATTER})"
        f" CONSTRAINT ck_sessions_mediation_unrecorded CHECK ({UNRECORDED})"
    )
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?)"
        " WHERE type = 'table' AND name = 'sessions' AND instr(sql, ?) > 0",
        (NEEDED, FREE, NEEDED),
    )
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    if changed.rowcount != 1:
        raise RuntimeError("The table of sessions is not as the revisions before this one leave it.")
