"""What the terms of a query and the filters beside it mean in the tables."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select, true, union
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import Composition, Dates, Field, Phrase, Query, Range, Term, Word
from beamtorch_catalogue.stores.models import (
    Beamtime,
    CensusRow,
    DatasetRow,
    FileRow,
    Instrument,
    ParameterRow,
    Person,
    Proposal,
    Role,
    Sample,
    SampleElement,
)
from beamtorch_catalogue.stores.places import place
from beamtorch_catalogue.stores.words import folded
from beamtorch_facility.identity import Identity

People = Callable[[], Iterable[Identity]]
Technique = Callable[[str], Sequence[str]]
"""Gives the techniques that a name stands for, narrower ones among them."""
_YEAR = re.compile(r"(?:19|20)\d\d")
_COLUMNS = {
    "kind": (DatasetRow.kind, CensusRow.kind),
    "technique": (DatasetRow.technique, CensusRow.technique),
    "state": (DatasetRow.state, CensusRow.state),
    "beamtime": (DatasetRow.beamtime, CensusRow.beamtime),
    "proposal": (DatasetRow.proposal, Beamtime.proposal),
    "beamline": (DatasetRow.beamline, Beamtime.beamline),
    "pid": (DatasetRow.pid, None),
    "id": (DatasetRow.id, None),
}


@dataclass
class Terms:
    """The parts of a search, each in the form in which it is asked."""

    people: People
    technique: Technique
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    unwanted: list[str] = field(default_factory=list)
    ranges: list[Range] = field(default_factory=list)
    conditions: list[ColumnElement[bool]] = field(default_factory=list)
    counted: list[ColumnElement[bool]] | None = field(default_factory=list)
    """The conditions on the census and its beamtimes; None if it does not know."""

    def joined(self, session: Session, query: Query) -> "Terms":
        """Return the terms of the filters and of a query together."""
        made = Terms(self.people, self.technique)
        for name, values in self.filters.items():
            if values:
                made._take_field(session, name, values, negated=False)
        for term in query.terms:
            made._take(session, term)
        return made

    def _take(self, session: Session, term: Term) -> None:
        match term:
            case Range():
                self.ranges.append(term)
            case Word(word=text) | Phrase(phrase=text):
                (self.unwanted if term.negated else self.words).append(text)
            case Dates():
                self._take_dates(term)
            case Composition():
                self._take_elements(term)
            case Field():
                self._take_field(session, term.name, term.values, negated=term.negated)

    def _take_field(self, session: Session, name: str, values: Sequence[str], *, negated: bool) -> None:
        if name == "technique":
            values = sorted({slug for value in values for slug in (self.technique(value) or [value])})
        if name == "file" and not negated and len(values) == 1:
            self.words.append(values[0])  # narrows before paths are compared
        if name == "year":
            self._take_years(values)
            return
        if name in _COLUMNS:
            mine, census = _COLUMNS[name]
            known = _as_known(session, name, values)
            self._add(mine.in_(known), negated=negated)
            self._count(None if census is None else census.in_(known), negated=negated)
            return
        self._add(or_(*(self._one(session, name, value) for value in values)), negated=negated)
        self._count(None, negated=negated)

    def _one(self, session: Session, name: str, value: str) -> ColumnElement[bool]:
        match name:
            case "sample":
                return func.coalesce(DatasetRow.sample.in_(_samples(value)), false())
            case "sample_name":
                return func.coalesce(DatasetRow.sample.in_(select(Sample.number).where(Sample.name == value)), false())
            case "person":
                return DatasetRow.proposal.in_(self._proposals_of(session, value))
            case "file":
                path = func.lower(FileRow.path).contains(value.lower(), autoescape=True)
                return exists().where(FileRow.dataset == DatasetRow.number, path)
            case "software":
                return func.coalesce(func.lower(DatasetRow.software).contains(value.lower(), autoescape=True), false())
        # A field of one of the facility's models; the query knows no others.
        mine = exists().where(ParameterRow.dataset == DatasetRow.number, ParameterRow.name == name)
        return mine.where(func.lower(ParameterRow.text) == value.lower())

    def _proposals_of(self, session: Session, value: str) -> Sequence[str]:
        """Return the proposals of people whose name or login name has a text in it."""
        sought = folded(value).rstrip()
        named = or_(Person.folded.contains(sought, autoescape=True), Person.username == value)
        roles = select(Role.proposal).join(Person, Person.username == Role.username).where(named)
        leading = (
            select(Proposal.proposal)
            .join(Person, Person.username == Proposal.principal_investigator, isouter=True)
            .where(or_(Proposal.principal_investigator == value, named))
        )
        found = set(session.scalars(union(roles, leading)))
        for person in self.people():
            text = f"{person.username}\n{person.full_name.en}\n{person.full_name.zh}"
            if sought.strip() and sought in folded(text):
                found |= set(person.proposals)
        return sorted(found)

    def _take_years(self, values: Sequence[str]) -> None:
        years = [int(value) for value in values if _YEAR.fullmatch(value)]
        spans = [_within(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)) for year in years]
        self._add(or_(false(), *spans), negated=False)
        self._count(CensusRow.year.in_(years), negated=False)

    def _take_dates(self, term: Dates) -> None:
        self._add(_within(term.low, term.high), negated=term.negated)
        self._count(None, negated=term.negated)

    def _take_elements(self, term: Composition) -> None:
        has = (
            func.coalesce(
                DatasetRow.sample.in_(select(SampleElement.sample).where(SampleElement.element == element)), false()
            )
            for element in sorted(term.elements)
        )
        self._add(and_(true(), *has), negated=term.negated)
        self._count(None, negated=term.negated)

    def _add(self, condition: ColumnElement[bool], *, negated: bool) -> None:
        self.conditions.append(not_(condition) if negated else condition)

    def _count(self, condition: ColumnElement[bool] | None, *, negated: bool) -> None:
        if condition is None or self.counted is None:
            self.counted = None
        else:
            self.counted.append(not_(condition) if negated else condition)


def _as_known(session: Session, name: str, values: Sequence[str]) -> Sequence[str]:
    """Return names of the facility in their own spelling; people write them in any case of letters."""
    column = {"beamtime": Beamtime.beamtime, "proposal": Proposal.proposal, "beamline": Instrument.beamline}.get(name)
    if column is None:
        return values
    return session.scalars(select(column).where(func.lower(column).in_([value.lower() for value in values]))).all()


def _samples(value: str) -> Select[int]:
    return select(Sample.number).where(Sample.folded.contains(folded(value).rstrip(), autoescape=True))


def _within(low: datetime | None, high: datetime | None) -> ColumnElement[bool]:
    """Return the condition that a dataset is listed in a span of time, its end not included."""
    limits = []
    if low is not None:
        limits.append(DatasetRow.place >= place(low, 0))
    if high is not None:
        limits.append(DatasetRow.place < place(high, 0))
    return and_(true(), *limits)
