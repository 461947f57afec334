"""The query language: words, phrases, fields, ranges with units, dates and compositions that all have to hold.

Parsing is pure; errors point at the character. What a term finds is the search's business. People read about it in
``docs/reference/query-language.md``.
"""

from beamtorch_catalogue.query.errors import (
    BadDateError,
    QueryError,
    UnknownElementError,
    UnknownFieldError,
    UnknownParameterError,
    UnknownUnitError,
    UnknownValueError,
    WrongDimensionError,
)
from beamtorch_catalogue.query.grammar import MOST_TERMS, parse
from beamtorch_catalogue.query.names import FIELDS, LONGEST, TextField, normal_name, possible_names
from beamtorch_catalogue.query.ranges import ENERGY
from beamtorch_catalogue.query.terms import Composition, Dates, Field, Phrase, Query, Range, Term, Word

__all__ = [
    "ENERGY",
    "FIELDS",
    "LONGEST",
    "MOST_TERMS",
    "BadDateError",
    "Composition",
    "Dates",
    "Field",
    "Phrase",
    "Query",
    "QueryError",
    "Range",
    "Term",
    "TextField",
    "UnknownElementError",
    "UnknownFieldError",
    "UnknownParameterError",
    "UnknownUnitError",
    "UnknownValueError",
    "Word",
    "WrongDimensionError",
    "normal_name",
    "parse",
    "possible_names",
]
