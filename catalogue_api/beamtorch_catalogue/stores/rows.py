"""Writing many rows of a table at once, past SQLAlchemy's look at every value."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Dialect, TableClause
from sqlalchemy.orm import Session

Values = Mapping[str, Any]
_Bind = Callable[[Any], Any]
_VALUES_AT_ONCE = 4000
"""SQLite takes at most 32766 values in one statement; while it takes them, other threads of this process go on."""


def insert_rows(session: Session, table: TableClause, rows: Sequence[Values]) -> None:
    """Insert rows, which all have the same columns in the same order."""
    if not rows:
        return
    columns = list(rows[0])
    dialect = session.get_bind().dialect
    values = _bound(table, columns, dialect, [row.values() for row in rows])
    if dialect.name == "postgresql":
        _copy(session, table, columns, values)
    else:
        head = f"INSERT INTO {table.name} ({_quoted(columns)})"
        _insert(session, head, len(columns), list(chain.from_iterable(values)))


def insert_values(session: Session, table: TableClause, columns: Sequence[str], values: list[Any]) -> None:
    """Insert rows whose values come one after the other, as the driver takes them."""
    if session.get_bind().dialect.name == "postgresql":
        width = len(columns)
        _copy(session, table, columns, [values[at : at + width] for at in range(0, len(values), width)])
    else:
        _insert(session, f"INSERT INTO {table.name} ({_quoted(columns)})", len(columns), values)


def insert_tuples(session: Session, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows into a table of SQLite's that SQLAlchemy does not know."""
    _insert(session, f"INSERT INTO {table} ({_quoted(columns)})", len(columns), list(chain.from_iterable(rows)))


def _bound(
    table: TableClause, columns: Sequence[str], dialect: Dialect, rows: Sequence[Collection[Any]]
) -> Sequence[Collection[Any]]:
    """Return the values as the driver takes them: moments, above all, are kept in a way of our own."""
    binds: list[_Bind | None] = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in columns]
    if not any(binds):
        return rows
    # Moments come again and again within a batch.
    at = [(place, lru_cache(maxsize=100)(bind)) for place, bind in enumerate(binds) if bind is not None]
    bound = []
    for row in rows:
        changed = list(row)
        for place, bind in at:
            changed[place] = bind(changed[place])
        bound.append(changed)
    return bound


def _insert(session: Session, head: str, width: int, values: list[Any]) -> None:
    connection, row = session.connection(), f"({', '.join('?' * width)})"
    at_once = width * max(1, _VALUES_AT_ONCE // width)
    for start in range(0, len(values), at_once):
        some = tuple(values[start : start + at_once])
        connection.exec_driver_sql(f"{head} VALUES {', '.join([row] * (len(some) // width))}", some)


def _copy(session: Session, table: TableClause, columns: Sequence[str], values: Sequence[Collection[Any]]) -> None:
    # psycopg's own cursor: COPY takes thousands of rows in the time of some dozen INSERTs.
    cursor = session.connection().connection.cursor()
    with cursor, cursor.copy(f"COPY {table.name} ({_quoted(columns)}) FROM STDIN") as copy:  # type: ignore[attr-defined]
        for row in values:
            copy.write_row(tuple(row))


def _quoted(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)
