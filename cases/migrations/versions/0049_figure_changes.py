"""More is counted of a month, and triggers note which months a change touches; months are counted anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
MEASURES = (
    "registered", "repeats", "written", "replied", "concluded", "supported", "explained", "not_supported",
    "finished", "handling_days", "first_concluded", "first_resolved", "rated", "office_rated",
    "office_satisfied", "office_well", "unit_rated", "unit_satisfied", "unit_well", "route_due", "route_kept",
    "notice_due", "notice_kept", "handle_due", "handle_kept", "overdue_now", "running_now", "surveyed",
    "resolved", "led", "led_resolved",
)  # fmt: skip
# By what sums are told apart, and whether a case is in a figure at all: its duties move with it.
KEYS = ("channel", "class", "custodian_id", "handler_id", "confidential", "accused_organisation_id")
DATES = ("registered_at", "accepted_on", "concluded_on", "conclusion", "subject", "state")
CLOCK = ("duty", "rolled_on", "met_on")
PUBLISHED = "('register_route', 'forward_notice', 'handle')"
# The month in Beijing of a moment and of a day, and the day after a moment.
WRITTEN = {
    "postgresql": (
        "to_char({} AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM')",
        "to_char({}, 'YYYY-MM')",
        "CAST({} AT TIME ZONE 'Asia/Shanghai' AS DATE) + 1",
        "CAST('2000-01-01' AS DATE)",
    ),
    "sqlite": (
        "strftime('%Y-%m', {}, '+8 hours')",
        "substr({}, 1, 7)",
        "date({}, '+8 hours', '+1 day')",
        "'2000-01-01'",
    ),
}


def upgrade() -> None:
    op.drop_index("ix_figure_months_office_id", "figure_months")
    op.drop_table("figure_months")
    op.drop_table("counted_months")
    op.create_table(
        "counted_months",
        sa.Column("month", sa.String(length=8), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_counted_months")),
    )
    keys = {"month": 8, "office_id": 32, "unit_id": 32, "channel": 32, "class": 32}
    op.create_table(
        "figure_months",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in keys.items()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in MEASURES),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_figure_months")),
    )
    op.create_index("ix_figure_months_office_id", "figure_months", ["office_id", "month"])
    op.create_table(
        "figure_changes",
        sa.Column("month", sa.String(length=8), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
    )
    op.create_index("ix_figure_changes_month", "figure_changes", ["month"])
    for number, (table, event, columns, selects) in enumerate(_triggers(), 1):
        _note(number, table, event, columns, selects)


def _triggers() -> list[tuple[str, str, tuple[str, ...], list[str]]]:
    """(table, event, columns of which one has to change, selects of month and day to note)."""
    at, on, after, at_once = WRITTEN[op.get_bind().dialect.name]

    def moment(value: str, source: str = "") -> str:
        return f"SELECT {at.format(value)} AS month, {at_once} AS from_on {source}"

    def day(value: str, source: str = "") -> str:
        return f"SELECT {on.format(value)} AS month, {at_once} AS from_on {source}"

    now = f"SELECT 'now' AS month, {at_once} AS from_on"
    new = [moment("NEW.registered_at"), day("NEW.concluded_on")]
    old = [moment("OLD.registered_at"), day("OLD.concluded_on")]
    duties = f"FROM petition_clocks WHERE petition_id = NEW.id AND duty IN {PUBLISHED}"
    everything = [*new, *old, now, day("rolled_on", duties)]
    everything.append(day("entered_on", "FROM campaign_matters WHERE petition_id = NEW.id"))
    concluded = "FROM petitions WHERE id = NEW.petition_id"
    both = "FROM petitions WHERE id IN (NEW.petition_id, NEW.other_id)"
    # A rating counts from the next day on.
    rated = f"SELECT {on.format('concluded_on')} AS month, {after.format('NEW.at')} AS from_on {concluded}"
    due, was_due = day("NEW.rolled_on"), day("OLD.rolled_on")
    return [
        ("petitions", "INSERT", (), new),
        ("petitions", "UPDATE", KEYS, everything),
        ("petitions", "UPDATE", DATES, [*new, *old]),
        ("petition_clocks", "INSERT", (), [due, now, day("concluded_on", concluded)]),
        ("petition_clocks", "UPDATE", CLOCK, [due, was_due, now]),
        ("petition_clocks", "DELETE", (), [was_due, now]),
        ("petition_ratings", "INSERT", (), [rated]),
        ("petition_ratings", "UPDATE", (), [rated]),
        ("campaign_matters", "INSERT", (), [day("NEW.entered_on")]),
        ("campaign_matters", "UPDATE", (), [day("NEW.entered_on"), day("OLD.entered_on")]),
        ("petition_joins", "INSERT", (), [moment("registered_at", both), day("concluded_on", both)]),
    ]


def _note(number: int, table: str, event: str, columns: tuple[str, ...], selects: list[str]) -> None:
    name = f"note_figures_{number}"
    noted = f"SELECT DISTINCT month, from_on FROM ({' UNION ALL '.join(selects)}) AS noted"
    noted = f"{noted} WHERE month IS NOT NULL"
    postgresql = op.get_bind().dialect.name == "postgresql"
    differ = "IS DISTINCT FROM" if postgresql else "IS NOT"
    changed = " OR ".join(f'OLD."{column}" {differ} NEW."{column}"' for column in columns)
    when = f" WHEN ({changed})" if changed else ""
    head = f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW{when}"
    write = "INSERT INTO figure_changes (month, from_on)"
    if postgresql:
        body = f"BEGIN {write} {noted}; RETURN NULL; END"
        op.execute(f"CREATE FUNCTION {name}() RETURNS trigger AS $$ {body} $$ LANGUAGE plpgsql")
        op.execute(f"{head} EXECUTE FUNCTION {name}()")
        return
    # One writer at a time: a note that is there will be read after this change.
    known = "SELECT 1 FROM figure_changes c WHERE c.month = noted.month AND c.from_on = noted.from_on"
    op.execute(f"{head} BEGIN {write} {noted} AND NOT EXISTS ({known}); END")
