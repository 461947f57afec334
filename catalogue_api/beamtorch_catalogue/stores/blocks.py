"""Parameters stand in their index by blocks of datasets that came in one after the other.

Values of a parameter come in no order. In one index of a million of them, each new one is written into a page of its
own; in the block of the newest datasets, a page takes many before it is written. Whoever seeks values asks every block.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, literal_column, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

BLOCK_BITS = 12
"""Of a dataset's number, those that tell datasets of one block apart."""
_SAMPLED = 16
_LAST = f"(SELECT max(number) >> {BLOCK_BITS} FROM dataset)"  # noqa: S608 - a number of ours


class _InAnyBlock(FunctionElement[Any]):
    """The number of a dataset, of whatever block."""

    name = "in_any_block"
    inherit_cache = True
    # Of a Boolean, SQLAlchemy would ask SQLite whether it equals 1, and no index would do.
    type = NullType()


@compiles(_InAnyBlock, "sqlite")
def _in_sqlite(element: _InAnyBlock, compiler: SQLCompiler, **words: Any) -> str:
    (block,) = (compiler.process(one, **words) for one in element.clauses)
    blocks = f"SELECT 0 UNION ALL SELECT n + 1 FROM blocks WHERE n < {_LAST}"  # noqa: S608 - text of ours
    return f"({block} IN (WITH RECURSIVE blocks (n) AS ({blocks}) SELECT n FROM blocks))"  # noqa: S608


@compiles(_InAnyBlock, "postgresql")
def _in_postgresql(element: _InAnyBlock, compiler: SQLCompiler, **words: Any) -> str:
    (block,) = (compiler.process(one, **words) for one in element.clauses)
    return f"({block} = ANY (ARRAY(SELECT generate_series(0, {_LAST}))))"


def in_any_block(dataset: Any) -> ColumnElement[bool]:
    """Return a condition that always holds, and by which the index of parameters is gone through block by block."""
    # In the text of the query: as a parameter, it would make another expression than the index has.
    return _InAnyBlock(dataset.bitwise_rshift(literal_column(str(BLOCK_BITS), Integer)))


def some_blocks(session: Session) -> tuple[list[int], int]:
    """Return a few blocks that lie evenly among all, and how many there are."""
    every = int(session.scalar(text(f"SELECT {_LAST}")) or 0) + 1
    return sorted({each * every // _SAMPLED for each in range(_SAMPLED)}), every


def in_some_blocks(dataset: Any, blocks: list[int]) -> ColumnElement[bool]:
    """Return the condition to be in one of some blocks."""
    found: ColumnElement[bool] = dataset.bitwise_rshift(literal_column(str(BLOCK_BITS), Integer)).in_(blocks)
    return found
