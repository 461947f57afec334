"""The kinds of records: in which table each is kept, by which key, and in which order they need each other."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from beamtorch_catalogue.stores.models import (
    Base,
    Beamtime,
    Facility,
    Instrument,
    Person,
    Proposal,
    Role,
    Sample,
    Station,
)
from beamtorch_catalogue.stores.words import folded
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words

Row = dict[str, Any]
FOLDED = "folded"
"""The column that follows from others, so that nobody is told of it."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of records."""

    name: str
    """Its member in `wire.FacilityReport`."""
    subject: str
    """How the history calls one."""
    said: Words
    table: type[Base]
    key: tuple[str, ...]
    rows: Callable[[FacilityRecords], Iterator[Row]]
    shown: int | None = None
    """How many parts of the key its name in the history has; None: all."""

    kept: tuple[str, ...] = ()
    """Columns that stay as they are where the records say nothing of them."""

    def key_of(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the key of a row."""
        return tuple(row[name] for name in self.key)

    def subject_id(self, row: Mapping[str, Any]) -> str:
        """Return what the history calls a row."""
        return "/".join(map(str, self.key_of(row)[: self.shown]))[:200]


def _facility(records: FacilityRecords) -> Iterator[Row]:
    if records.name is not None:
        yield {"number": 1, **_words("name", records.name)}


def _instruments(records: FacilityRecords) -> Iterator[Row]:
    for one in records.instruments:
        yield {"beamline": str(one.beamline), **_words("name", one.name), "technique": one.technique}


def _stations(records: FacilityRecords) -> Iterator[Row]:
    for instrument in records.instruments:
        for one in instrument.stations:
            yield {"beamline": str(instrument.beamline), "station": one.station, **_words("name", one.name)}


def _people(records: FacilityRecords) -> Iterator[Row]:
    for one in records.people:
        yield person_row(str(one.username), one.name, affiliation=one.affiliation, orcid=one.orcid)


def _proposals(records: FacilityRecords) -> Iterator[Row]:
    for one in records.proposals:
        yield {
            "proposal": str(one.proposal),
            **_words("title", one.title),
            "principal_investigator": str(one.principal_investigator),
            "embargo_months": one.embargo_months,
            "released_to": one.released_to.value if one.released_to else None,
        }


def _roles(records: FacilityRecords) -> Iterator[Row]:
    for proposal in records.proposals:
        for one in proposal.people:
            yield {"proposal": str(proposal.proposal), "username": str(one.username), "role": one.role}


def _beamtimes(records: FacilityRecords) -> Iterator[Row]:
    for one in records.beamtimes:
        yield {
            "beamtime": str(one.beamtime),
            "proposal": str(one.proposal),
            "beamline": str(one.beamline),
            "start": one.start,
            "end": one.end,
            "station": one.station,
        }


def _samples(records: FacilityRecords) -> Iterator[Row]:
    for one in records.samples:
        described = one.description
        yield {
            "proposal": str(one.proposal),
            "name": one.sample,
            **_words("description", described),
            "formula": one.formula,
            FOLDED: folded(f"{one.sample}\n{described.en}\n{described.zh}"),
        }


def person_row(username: str, name: Words, *, affiliation: Words | None = None, orcid: str | None = None) -> Row:
    """Return the row of a person."""
    return {
        "username": username,
        **_words("name", name),
        **_words("affiliation", affiliation),
        "orcid": orcid,
        FOLDED: folded(f"{name.en}\n{name.zh}"),
    }


def _words(name: str, text: Words | None) -> Row:
    return {f"{name}_en": text.en if text else None, f"{name}_zh": text.zh if text else None}


FACILITY = Kind(
    name="facility",
    subject="facility",
    said=Words(en="the facility", zh="设施"),
    table=Facility,
    key=("number",),
    rows=_facility,
)
INSTRUMENTS = Kind(
    name="instruments",
    subject="instrument",
    said=Words(en="beamline", zh="线站"),
    table=Instrument,
    key=("beamline",),
    rows=_instruments,
)
STATIONS = Kind(
    name="stations",
    subject="station",
    said=Words(en="station", zh="实验站"),
    table=Station,
    key=("beamline", "station"),
    rows=_stations,
)
PEOPLE = Kind(
    name="people",
    subject="person",
    said=Words(en="person", zh="人员"),
    table=Person,
    key=("username",),
    rows=_people,
)
PROPOSALS = Kind(
    name="proposals",
    subject="proposal",
    said=Words(en="proposal", zh="课题"),
    table=Proposal,
    key=("proposal",),
    rows=_proposals,
    kept=("embargo_months", "released_to"),
)
ROLES = Kind(
    name="roles",
    subject="role",
    said=Words(en="role", zh="角色"),
    table=Role,
    key=("proposal", "username", "role"),
    rows=_roles,
    shown=2,
)
BEAMTIMES = Kind(
    name="beamtimes",
    subject="beamtime",
    said=Words(en="beamtime", zh="机时"),
    table=Beamtime,
    key=("beamtime",),
    rows=_beamtimes,
)
SAMPLES = Kind(
    name="samples",
    subject="sample",
    said=Words(en="sample", zh="样品"),
    table=Sample,
    key=("proposal", "name"),
    rows=_samples,
)
KINDS = (FACILITY, INSTRUMENTS, STATIONS, PEOPLE, PROPOSALS, ROLES, BEAMTIMES, SAMPLES)
"""Each after those that it refers to."""
