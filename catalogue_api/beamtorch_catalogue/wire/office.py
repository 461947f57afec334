"""What the user office knows, imported by `PUT /facility`."""

from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints

from beamtorch_catalogue.wire.base import Audience, Wire
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.words import Words

Orcid = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z-]{0,63}$")]
LONGEST_SAMPLE = 200
StationName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class StationRecord(Wire):
    """An end station of a beamline."""

    station: StationName
    name: Words


class InstrumentRecord(Wire):
    """A beamline and its instrument."""

    beamline: BeamlineId
    name: Words
    technique: str = Field(description="what is usually measured there, e.g. tomography")
    stations: tuple[StationRecord, ...] = ()


class PersonRecord(Wire):
    """Somebody whom the user office knows. What they may read is the directory's word alone."""

    username: Username
    name: Words
    affiliation: Words | None = None
    orcid: Orcid | None = None


class RoleRecord(Wire):
    """What somebody does in a proposal."""

    username: Username
    role: RoleName = Field(description="e.g. principal-investigator, co-proposer, local-contact")


class ProposalRecord(Wire):
    """A proposal; its team is the group ``proposal-<id>`` of the directory."""

    proposal: ProposalId
    title: Words
    principal_investigator: Username
    people: tuple[RoleRecord, ...] = ()
    embargo_months: int | None = Field(
        default=None,
        ge=0,
        le=1200,
        description="after the end of a beamtime; none: as the facility's policy says; an import without it leaves it",
    )
    released_to: Audience | None = Field(
        default=None, description="none: as the facility's policy says; an import without it leaves it"
    )


class BeamtimeRecord(Wire):
    """A stay at a beamline."""

    beamtime: BeamtimeId
    proposal: ProposalId
    beamline: BeamlineId
    start: date
    end: date
    station: StationName | None = None


class SampleRecord(Wire):
    """Something that was in the beam."""

    sample: str = Field(min_length=1, max_length=LONGEST_SAMPLE, description="its name, unique within the proposal")
    proposal: ProposalId
    description: Words
    formula: str | None = Field(default=None, max_length=500, description="composition, e.g. CeO2")


class FacilityRecords(Wire):
    """What `beamtorch catalogue import` sends; importing it again changes nothing."""

    name: Words | None = Field(default=None, description="of the facility; none: as it is")
    instruments: tuple[InstrumentRecord, ...] = ()
    people: tuple[PersonRecord, ...] = ()
    proposals: tuple[ProposalRecord, ...] = ()
    beamtimes: tuple[BeamtimeRecord, ...] = ()
    samples: tuple[SampleRecord, ...] = ()
