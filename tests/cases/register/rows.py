"""Rows by the hundred thousand, written by the database itself in either dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, text

from cases.database import Base


class Rows:
    """Statements that fill tables. The functions that return text return expressions of SQL."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._postgresql = db.dialect.name == "postgresql"

    def run(self, statement: str) -> None:
        self._db.execute(text(statement))

    def list_rows(self, name: str, columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
        """A table of a few rows, counted from 0 by `k`."""
        self.run(
            f"CREATE TEMPORARY TABLE {name} (k INTEGER, {', '.join(f'{each} TEXT' for each in columns)})"
        )
        names = [f"c{place}" for place in range(len(columns))]
        into = text(f"INSERT INTO {name} VALUES (:k, {', '.join(':' + each for each in names)})")
        self._db.execute(into, [{"k": k} | dict(zip(names, row, strict=True)) for k, row in enumerate(rows)])

    def copy(self, model: type[Base], fields: Mapping[str, str], source: str) -> None:
        """Rows like the one that is there already, but for these columns."""
        table = model.__table__
        assert isinstance(table, Table)
        columns = [column.name for column in table.columns]
        spelled = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join(f"{fields[name]}" if name in fields else f't."{name}"' for name in columns)
        where = " WHERE " if " WHERE " in source else ""
        first, _, condition = source.partition(" WHERE ")
        one = f"(SELECT * FROM {table.name} LIMIT 1)"
        rows = f"SELECT {values} FROM {first} CROSS JOIN {one} t{where}{condition}"
        self.run(f"INSERT INTO {table.name} ({spelled}) {rows}")

    def each(self, count: int, values: str) -> str:
        if self._postgresql:
            return f"{values} FROM generate_series(0::bigint, {count - 1}) AS g(i)"
        numbers = f"SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count - 1}"
        return f"WITH RECURSIVE n(i) AS ({numbers}) {values} FROM n"

    def key(self, prefix: str, number: str = "i") -> str:
        """32 characters, as ids have."""
        if self._postgresql:
            return f"md5('{prefix}' || {number})"
        return f"'{prefix}' || {self.padded(number, 32 - len(prefix))}"

    def padded(self, number: str, width: int) -> str:
        if self._postgresql:
            return f"lpad(({number})::text, {width}, '0')"
        return f"substr('{'0' * width}' || ({number}), -{width})"

    def at(self, seconds: str) -> str:
        if self._postgresql:
            return f"to_timestamp({seconds})"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', {seconds}, 'unixepoch')"

    def year(self, at: str) -> str:
        return f"CAST(EXTRACT(YEAR FROM {at}) AS INTEGER)" if self._postgresql else f"substr({at}, 1, 4)"

    def day(self, at: str) -> str:
        return f"({at})::date" if self._postgresql else f"date({at})"

    def later(self, day: str) -> str:
        return f"({day} + 60)" if self._postgresql else f"date({day}, '+60 days')"

    def one_of(self, values: Sequence[str], number: str = "n.i") -> str:
        cases = " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(values))
        return f"CASE {number} % {len(values)} {cases} END"
