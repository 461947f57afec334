"""What the catalogue answers about the user office's records: pages, one proposal whole, and what an import did."""

from typing import Annotated

from pydantic import Field

from beamtorch_catalogue.wire.base import Wire
from beamtorch_catalogue.wire.office import BeamtimeRecord, PersonRecord, ProposalRecord, RoleName, SampleRecord
from beamtorch_facility.words import Words

MOST_ROLES = 20
"""Of one person in one proposal."""
_NEXT = "pass it as `after` for the next page; none: this is the last"


class ProposalPage(Wire):
    """One page of proposals, by number."""

    proposals: tuple[ProposalRecord, ...]
    next: str | None = Field(description=_NEXT)


class BeamtimePage(Wire):
    """One page of beamtimes, newest first."""

    beamtimes: tuple[BeamtimeRecord, ...]
    next: str | None = Field(description=_NEXT)


class SamplePage(Wire):
    """One page of samples, by proposal and name."""

    samples: tuple[SampleRecord, ...]
    next: str | None = Field(description=_NEXT)


class PersonPage(Wire):
    """One page of people, by user name."""

    people: tuple[PersonRecord, ...]
    next: str | None = Field(description=_NEXT)


class TeamMember(PersonRecord):
    """Somebody with what they do in a proposal, as the user office says; the directory says who may read."""

    roles: tuple[RoleName, ...]


class ProposalDetails(Wire):
    """A proposal with what belongs to it, as far as the caller may see it."""

    record: ProposalRecord
    people: tuple[TeamMember, ...] = Field(description="the principal investigator first")
    beamtimes: tuple[BeamtimeRecord, ...] = Field(description="newest first, up to a hundred; GET /beamtimes has all")
    beamtime_count: int
    sample_count: int
    dataset_count: int


class RolesRequest(Wire):
    """What somebody does in a proposal, all of it."""

    roles: Annotated[tuple[RoleName, ...], Field(min_length=1, max_length=MOST_ROLES)]


class StationRequest(Wire):
    """How an end station is called."""

    name: Words


class Renewed(Wire):
    """One record that changes, and in what."""

    name: str
    fields: tuple[str, ...]


class KindReport(Wire):
    """What an import does to records of one kind."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    absent: int = Field(default=0, description="known here, but not among the records; kept")
    created_names: tuple[str, ...] = Field(default=(), description="the first hundred")
    updated_names: tuple[Renewed, ...] = Field(default=(), description="the first hundred")
    absent_names: tuple[str, ...] = Field(default=(), description="the first hundred")


class FacilityReport(Wire):
    """What an import did, or would do."""

    is_rehearsal: bool = Field(description="true: nothing was changed")
    facility: KindReport
    instruments: KindReport
    stations: KindReport
    people: KindReport
    proposals: KindReport
    roles: KindReport
    beamtimes: KindReport
    samples: KindReport

    @property
    def changes(self) -> int:
        """The number of records that are created or updated."""
        kinds = (getattr(self, name) for name in type(self).model_fields)
        return sum(kind.created + kind.updated for kind in kinds if isinstance(kind, KindReport))
