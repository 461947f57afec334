"""What a query consists of. Two terms are equal if they mean the same, wherever and however they were written."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest

QUOTE = '"'
_NEED_QUOTES = frozenset(' ,、…"“”„「」『』<>=≤≥')


@dataclass(frozen=True)
class Term(ABC):
    """One condition; all conditions of a query have to hold."""

    negated: bool = field(default=False, kw_only=True)
    text: str = field(default="", kw_only=True, compare=False)
    """As it was written, with its dash, name and unit."""
    position: int = field(default=0, kw_only=True, compare=False)
    """Where `text` begins in the query, counted from 0."""

    def written(self) -> str:
        """Return the normal form, which reads as the same term."""
        return f"{'-' if self.negated else ''}{self._normal()}"

    @abstractmethod
    def _normal(self) -> str: ...


@dataclass(frozen=True)
class Word(Term):
    """A word as it was typed; what a word is in a text is the index's business. For words of your own use `Phrase`."""

    word: str

    def _normal(self) -> str:
        return self.word


@dataclass(frozen=True)
class Phrase(Term):
    """Words that follow each other."""

    phrase: str

    def _normal(self) -> str:
        return quoted(self.phrase)


@dataclass(frozen=True)
class Range(Term):
    """A range of one parameter, in SI; a limit belongs to it, and None is open."""

    name: str
    dimension: str
    low: float | None
    high: float | None
    limits: str = field(default="", kw_only=True, compare=False)
    """The limits in the unit that somebody chose, such as ``12..13 keV`` or ``>=12 keV``."""
    has_unit: bool = field(default=True, kw_only=True, compare=False)

    def _normal(self) -> str:
        return f"{self.name}:{self.limits}"


@dataclass(frozen=True)
class Field(Term):
    """A field that has one of some values, such as ``technique:tomography,ptychography``."""

    name: str
    values: tuple[str, ...]

    def _normal(self) -> str:
        return f"{self.name}:{','.join(map(value, self.values))}"


@dataclass(frozen=True)
class Dates(Term):
    """A span of time from `low` up to and without `high`, in UTC; None is open."""

    low: datetime | None
    high: datetime | None
    span: str = field(default="", kw_only=True, compare=False)
    """As it was asked for, such as ``2026-10..2026-11`` or ``7d``, so that a saved search keeps up with the time."""

    def _normal(self) -> str:
        return f"date:{self.span}"


@dataclass(frozen=True)
class Composition(Term):
    """All these chemical elements."""

    elements: frozenset[str]

    def _normal(self) -> str:
        return f"composition:{','.join(sorted(self.elements))}"


@dataclass(frozen=True)
class Query:
    """What somebody looks for: all terms hold; none finds everything."""

    terms: tuple[Term, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """The plain words, without those that must not be there."""
        return tuple(term.word for term in self.terms if isinstance(term, Word) and not term.negated)

    @property
    def range(self) -> Range | None:
        """The first range."""
        return next((term for term in self.terms if isinstance(term, Range)), None)

    def written(self) -> str:
        """Return the normal form; it parses to an equal query at the same time and with the same vocabulary.

        Names that were left out are filled in, aliases become names, and dates such as ``today`` stay as they are.
        """
        parts = []
        for term, following in zip_longest(self.terms, self.terms[1:]):
            could_take_a_unit = isinstance(term, Range) and not term.has_unit and isinstance(following, Word)
            parts.append(f"{term.written()}," if could_take_a_unit else term.written())
        return " ".join(parts)

    def with_term(self, term: Term) -> "Query":
        """Return a query that asks for this, too."""
        return self if term in self.terms else Query((*self.terms, term))

    def without(self, term: Term) -> "Query":
        """Return a query that does not ask for this: for chips that can be taken off, and for advice."""
        return Query(tuple(kept for kept in self.terms if kept != term))


def quoted(text: str) -> str:
    """Return a text between quotes; a quote in it is doubled."""
    return QUOTE + text.replace(QUOTE, QUOTE * 2) + QUOTE


def value(text: str) -> str:
    """Return a field's value, between quotes if it could be read otherwise without."""
    is_plain = text and not text.isspace() and not any(c in _NEED_QUOTES or c.isspace() for c in text)
    return text if is_plain and ".." not in text else quoted(text)
