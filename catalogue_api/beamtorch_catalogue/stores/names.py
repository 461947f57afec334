"""The condition that a column is one of many names or numbers, which are sent as one value.

With a list of parameters, a person of 300 proposals has 300 of them in every query, several times over, and to put
them into the text of a statement takes longer than most statements run.
"""

import json
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Dialect, String, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeEngine


class _Names(TypeDecorator[tuple[str, ...]]):
    """Several names: an array in PostgreSQL, a text of JSON in SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> Any:
        return list(value or ()) if dialect.name == "postgresql" else _as_json(value or ())


class _Numbers(TypeDecorator[list[int]]):
    """Several numbers, likewise."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(BigInteger()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[int] | None, dialect: Dialect) -> Any:
        return value if dialect.name == "postgresql" else json.dumps(value)


class _OneOf(FunctionElement[Any]):
    """A column and the names or numbers."""

    name = "one_of"
    inherit_cache = True
    # Of a Boolean, SQLAlchemy would ask SQLite whether it equals 1, and no index would do.
    type = NullType()


@compiles(_OneOf, "sqlite")
def _in_sqlite(element: _OneOf, compiler: SQLCompiler, **words: Any) -> str:
    column, names = (compiler.process(one, **words) for one in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({names})))"  # noqa: S608 - a parameter and a column


@compiles(_OneOf, "postgresql")
def _in_postgresql(element: _OneOf, compiler: SQLCompiler, **words: Any) -> str:
    column, names = (compiler.process(one, **words) for one in element.clauses)
    return f"({column} = ANY ({names}))"


def one_of(column: Any, names: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some names; of none, it is never met."""
    return _OneOf(column, bindparam("names", _in_order(frozenset(names)), type_=_Names(), unique=True))


def one_of_numbers(column: Any, numbers: list[int]) -> ColumnElement[bool]:
    """Return the condition that a column is one of some numbers."""
    return _OneOf(column, bindparam("numbers", numbers, type_=_Numbers(), unique=True))


# A search asks for the same names in a dozen conditions, and a set keeps its hash.


@lru_cache(maxsize=1000)
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(map(str, names)))


@lru_cache(maxsize=1000)
def _as_json(names: tuple[str, ...]) -> str:
    return json.dumps(names)
