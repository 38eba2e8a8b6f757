"""Tables that only ever grow: refused in the ORM, and by triggers in the database itself."""

from __future__ import annotations

from typing import TypeVar

from alembic import op
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from cases.database import Base

Model = TypeVar("Model", bound=type[Base])


class AppendOnlyError(Exception):
    """Something tried to change or delete a row of history. Always a bug, never a user's mistake."""


def append_only(model: Model) -> Model:
    """Class decorator: updating or deleting a row of `model` raises AppendOnlyError."""
    event.listen(model, "before_update", _refuse_row)
    event.listen(model, "before_delete", _refuse_row)
    APPEND_ONLY.add(model)
    return model


APPEND_ONLY: set[type[Base]] = set()


def _refuse_row(mapper: object, connection: object, target: object) -> None:
    raise AppendOnlyError(f"{type(target).__name__} is append-only.")


@event.listens_for(Session, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete) or state.bind_mapper is None:
        return
    if state.bind_mapper.class_ in APPEND_ONLY:
        raise AppendOnlyError(f"{state.bind_mapper.class_.__name__} is append-only.")


def forbid_changes(table: str) -> None:
    """In a migration: make the database itself refuse UPDATE and DELETE on `table`."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_POSTGRESQL_FUNCTION)
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def permit_changes(table: str) -> None:
    """In a migration that fills a new column: the rows may change until `forbid_changes` is called again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER {table}_no_{verb}")


_POSTGRESQL_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$ LANGUAGE plpgsql
"""
