"""Parts of a query as a page shows them: chips that can be taken off, and choices that become terms."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.portal.addresses import link
from beamtorch_catalogue.query import Composition, Dates, Field, Phrase, Query, Range, Term, Word
from beamtorch_catalogue.query.terms import value as as_value
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.units import unit
from beamtorch_catalogue.vocabulary import Models
from beamtorch_facility.words import Words

ENERGY, ENERGY_UNITS = "energy", ("eV", "keV", "MeV")
_LAST = re.compile(r"(\d+)([dwmy])")
_UNITS = {
    "d": (Words(en="day", zh="天"), Words(en="days", zh="天")),
    "w": (Words(en="week", zh="周"), Words(en="weeks", zh="周")),
    "m": (Words(en="month", zh="个月"), Words(en="months", zh="个月")),
    "y": (Words(en="year", zh="年"), Words(en="years", zh="年")),
}
_NAMED = {"today": Words(en="today", zh="今天"), "yesterday": Words(en="yesterday", zh="昨天")}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_NUMBER = 30


@dataclass(frozen=True)
class Chip:
    """One condition of a search, and the search without it."""

    name: Words | None
    value: Words
    is_data: bool
    """Whether the value is the same in every language."""
    text: str
    """As it was typed; empty for a filter."""
    less: Wish

    @property
    def href(self) -> str:
        """Address of the search without it."""
        return link(self.less)


@dataclass(frozen=True)
class Quick:
    """A span of time that is one click away."""

    label: Words
    href: str
    is_on: bool


@dataclass(frozen=True)
class Limits:
    """A range as its two fields show it."""

    low: str = ""
    high: str = ""
    unit: str = "keV"

    @property
    def is_on(self) -> bool:
        """Whether there is one."""
        return bool(self.low or self.high)


def chips(wish: Wish, query: Query, models: Models) -> list[Chip]:
    """Return the conditions of a query, in its order."""
    first = replace(wish, after=None)
    found = []
    for term in dict.fromkeys(query.terms):
        name, said = _said(term, models)
        if term.negated:
            lead = labels.NOT if name is None else Words(en=f"not {name.en.lower()}", zh=f"非{name.zh}")
            name = lead
        less = replace(first, q=query.without(term).written())
        is_data = said.en == said.zh
        found.append(Chip(name, said, is_data, term.text, less))
    return found


def quick_dates(wish: Wish, query: Query, year: int) -> list[Quick]:
    """Return the usual spans of time; the one that is chosen leads back to any time."""
    chosen = {term.span for term in query.terms if isinstance(term, Dates) and not term.negated}
    spans = [("today", Words(en="Today", zh="今天")), ("7d", Words(en="Last 7 days", zh="近 7 天"))]
    spans += [("30d", Words(en="Last 30 days", zh="近 30 天")), (str(year), Words(en="This year", zh="今年"))]
    return [
        Quick(label, link(dated(wish, query, "" if span in chosen else span)), span in chosen) for span, label in spans
    ]


def dated(wish: Wish, query: Query, span: str) -> Wish:
    """Return a search in one span of time, or at any."""
    return _changed(wish, query, lambda term: isinstance(term, Dates), f"date:{span}" if span else "")


def in_energies(wish: Wish, query: Query, limits: str) -> Wish:
    """Return a search in one range of energies, or in all."""
    added = f"{ENERGY}:{limits}" if limits else ""
    return _changed(wish, query, lambda term: isinstance(term, Range) and term.name == ENERGY, added)


def toggled_field(wish: Wish, query: Query, name: str, value: str) -> Wish:
    """Return a search with one value more of a field that the query asks for, or less if it was there."""
    held = chosen(query, name)
    values = tuple(one for one in held if one != value) if value in held else (*held, value)
    added = f"{name}:{','.join(map(as_value, values))}" if values else ""
    return _changed(wish, query, lambda term: isinstance(term, Field) and term.name == name, added)


def chosen(query: Query, name: str) -> tuple[str, ...]:
    """Return the values of a field that a query asks for."""
    terms = (term for term in query.terms if isinstance(term, Field) and not term.negated)
    return tuple(value for term in terms if term.name == name for value in term.values)


def without_query(wish: Wish, *, energy: str, dates: str) -> Wish:
    """Return a search with terms added to a query that nobody understands; the search will say where."""
    added = [f"{ENERGY}:{energy}" if energy else "", f"date:{dates}" if dates else ""]
    return replace(wish, q=" ".join(filter(None, [wish.q, *added])), after=None)


def energies_of(query: Query) -> Limits:
    """Return the range of energies that a query asks for, as two fields show it."""
    for term in query.terms:
        if isinstance(term, Range) and term.name == ENERGY and not term.negated:
            written = term.limits.rpartition(" ")[2]
            shown = written if written in ENERGY_UNITS else "keV"
            return Limits(_in_unit(term.low, shown), _in_unit(term.high, shown), shown)
    return Limits()


def days_of(query: Query) -> Limits:
    """Return the days that a query asks for, as two fields of dates show them."""
    for term in query.terms:
        if isinstance(term, Dates) and not term.negated:
            last = term.high - timedelta(days=1) if term.high else None
            return Limits(*("" if day is None else day.date().isoformat() for day in (term.low, last)))
    return Limits()


def limits_of(low: str, high: str, written_unit: str) -> str:
    """Return two fields as the limits of a range; nothing if neither is a number."""
    low, high = (one.strip() if _NUMBER.fullmatch(one.strip()[:_LONGEST_NUMBER]) else "" for one in (low, high))
    known = written_unit if written_unit in ENERGY_UNITS else "keV"
    return f"{low}..{high} {known}" if low or high else ""


def span_of(first: str, last: str) -> str:
    """Return two fields of dates as a span of time; nothing if neither is a day."""
    first, last = (one.strip() if _DAY.fullmatch(one.strip()) else "" for one in (first, last))
    return f"{first}..{last}" if first or last else ""


def _changed(wish: Wish, query: Query, is_old: Callable[[Term], bool], added: str) -> Wish:
    rest = Query(tuple(term for term in query.terms if term.negated or not is_old(term))).written()
    return replace(wish, q=f"{rest} {added}".strip(), after=None)


def _said(term: Term, models: Models) -> tuple[Words | None, Words]:
    match term:
        case Range():
            return labels.name_of(term.name, models), _limits(term.limits)
        case Dates():
            return labels.FIELDS["date"], _span(term.span)
        case Composition():
            return labels.FIELDS["composition"], _data(", ".join(sorted(term.elements)))
        case Field():
            name = labels.FIELDS.get(term.name) or labels.name_of(term.name, models)
            said = [labels.value_of(term.name, one, models) for one in term.values]
            return name, Words(en=", ".join(one.en for one in said), zh="、".join(one.zh for one in said))
        case Phrase():
            return None, _data(f"“{term.phrase}”")
    return None, _data(term.word if isinstance(term, Word) else term.text)


def _span(span: str) -> Words:
    last = _LAST.fullmatch(span)
    if last is None:
        return _NAMED.get(span) or _days(span)
    one, several = _UNITS[last[2]]
    if last[1] == "1":
        return Words(en=f"last {one.en}", zh=f"近 1 {one.zh}")
    return Words(en=f"last {last[1]} {several.en}", zh=f"近 {last[1]} {several.zh}")


def _days(span: str) -> Words:
    first, dots, end = span.partition("..")
    if (first and end) or not dots:
        return _data(f"{first} – {end}" if dots else first)
    return Words(en=f"from {first}", zh=f"{first} 起") if first else Words(en=f"until {end}", zh=f"至 {end}")


def _limits(limits: str) -> Words:
    """Return the limits of a range as people write them: ``12–13 keV``, ``≥ 12 keV``."""
    low, dots, high = limits.partition("..")
    if not dots:
        return _data(limits)
    number, _, written_unit = high.partition(" ")
    if low and number:
        return _data(f"{low} – {high}" if high.startswith("-") else f"{low}–{high}")
    return _data(f"≥ {low} {written_unit}".rstrip() if low else f"≤ {high}")


def _in_unit(si: float | None, written_unit: str) -> str:
    meaning = unit(written_unit)
    return "" if si is None or meaning is None else f"{si / meaning.factor:.8g}"


def _data(text: str) -> Words:
    return Words(en=text, zh=text)
