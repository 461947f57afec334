"""From rows of the user office's tables to what callers get."""

from collections.abc import Iterable, Sequence

from beamtorch_catalogue.stores.models import Beamtime, Instrument, Person, Proposal, Role, Sample, Station, words
from beamtorch_catalogue.wire import (
    Audience,
    BeamtimeRecord,
    InstrumentRecord,
    PersonRecord,
    ProposalRecord,
    RoleRecord,
    SampleRecord,
    StationRecord,
    TeamMember,
)
from beamtorch_catalogue.wire.office import LONGEST_SAMPLE
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.words import Words


def instrument(row: Instrument, stations: Iterable[Station]) -> InstrumentRecord:
    """Return a beamline with its stations."""
    return InstrumentRecord(
        beamline=BeamlineId(row.beamline),
        name=Words(en=row.name_en, zh=row.name_zh),
        technique=row.technique,
        stations=tuple(map(station, stations)),
    )


def station(row: Station) -> StationRecord:
    """Return an end station."""
    return StationRecord(station=row.station, name=Words(en=row.name_en, zh=row.name_zh))


def proposal(row: Proposal, roles: Iterable[Role]) -> ProposalRecord:
    """Return a proposal with its people's roles."""
    return ProposalRecord(
        proposal=ProposalId(row.proposal),
        title=Words(en=row.title_en, zh=row.title_zh),
        principal_investigator=Username(row.principal_investigator),
        people=tuple(RoleRecord(username=Username(role.username), role=role.role) for role in roles),
        embargo_months=row.embargo_months,
        released_to=Audience(row.released_to) if row.released_to else None,
    )


def beamtime(row: Beamtime) -> BeamtimeRecord:
    """Return a stay at a beamline."""
    return BeamtimeRecord(
        beamtime=BeamtimeId(row.beamtime),
        proposal=ProposalId(row.proposal),
        beamline=BeamlineId(row.beamline),
        start=row.start,
        end=row.end,
        station=row.station,
    )


def sample(row: Sample) -> SampleRecord:
    """Return a sample; one without a description is described by its name."""
    return SampleRecord(
        # A file may call it by a longer name than a user office does.
        sample=row.name[:LONGEST_SAMPLE],
        proposal=ProposalId(row.proposal),
        description=words(row.description_en, row.description_zh) or Words(en=row.name, zh=row.name),
        formula=row.formula,
    )


def person(row: Person) -> PersonRecord:
    """Return somebody: name, affiliation, ORCID."""
    return PersonRecord(
        username=Username(row.username),
        name=Words(en=row.name_en, zh=row.name_zh),
        affiliation=words(row.affiliation_en, row.affiliation_zh),
        orcid=row.orcid,
    )


def team_member(row: Person, roles: Sequence[str]) -> TeamMember:
    """Return somebody with what they do in a proposal."""
    return TeamMember(**dict(person(row)), roles=tuple(roles))
