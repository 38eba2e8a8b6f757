"""The months that moved clocks touch are noted once a statement, and not once for each of millions."""

from __future__ import annotations

from alembic import op

revision = "0067"
down_revision = "0066"

BODY = """
BEGIN
  INSERT INTO figure_changes (month, from_on)
  SELECT DISTINCT touched.month, CAST('2000-01-01' AS DATE)
  FROM after_it JOIN before_it USING (id) CROSS JOIN LATERAL (VALUES
    (to_char(after_it.rolled_on, 'YYYY-MM')), (to_char(before_it.rolled_on, 'YYYY-MM')), ('now')
  ) AS touched (month)
  WHERE touched.month IS NOT NULL AND (
    before_it.duty IS DISTINCT FROM after_it.duty OR before_it.rolled_on IS DISTINCT FROM after_it.rolled_on
    OR before_it.met_on IS DISTINCT FROM after_it.met_on
  );
  RETURN NULL;
END
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return  # SQLite knows no statement's rows; there a note that stands already is not written again.
    op.execute("DROP TRIGGER note_figures_5 ON petition_clocks")
    head = "CREATE OR REPLACE FUNCTION note_figures_5() RETURNS trigger"
    op.execute(f"{head} AS $$ {BODY} $$ LANGUAGE plpgsql")
    op.execute(
        "CREATE TRIGGER note_figures_5 AFTER UPDATE ON petition_clocks "
        "REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it "
        "FOR EACH STATEMENT EXECUTE FUNCTION note_figures_5()"
    )
