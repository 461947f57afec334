"""Routes of what the user office knows: instruments, proposals, people, beamtimes, samples; and its import."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import (
    BeamtimePage,
    FacilityRecords,
    FacilityReport,
    InstrumentRecord,
    PersonPage,
    ProposalDetails,
    ProposalPage,
    SamplePage,
    Scope,
)
from beamtorch_facility.proposal import ProposalId

MOST_PER_PAGE = 1000
Limit = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]
After = Annotated[Plain | None, Query(description="“next” of the page before")]
_GONE: dict[int | str, dict[str, Any]] = {404: {"description": "no such thing for the caller (problem document)"}}


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["facility"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/instruments")
    def instruments(reader: Asking) -> list[InstrumentRecord]:
        """List the instruments of the facility with their stations."""
        return factory.facility.instruments(reader)

    @routes.get("/proposals")
    def proposals(reader: Asking, limit: Limit = 100, after: After = None) -> ProposalPage:
        """List the proposals that the caller may see, by number."""
        return factory.facility.proposals(reader, limit=limit, after=after)

    @routes.get("/proposals/{proposal}", responses=_GONE)
    def proposal(reader: Asking, proposal: ProposalId) -> ProposalDetails:
        """Return one proposal with its people, beamtimes and counts."""
        return factory.facility.proposal(reader, proposal)

    @routes.get("/beamtimes")
    def beamtimes(reader: Asking, limit: Limit = 100, after: After = None) -> BeamtimePage:
        """List the beamtimes that the caller may see, newest first."""
        return factory.facility.beamtimes(reader, limit=limit, after=after)

    @routes.get("/samples")
    def samples(reader: Asking, limit: Limit = 100, after: After = None) -> SamplePage:
        """List the samples that the caller may see, by proposal and name."""
        return factory.facility.samples(reader, limit=limit, after=after)

    @routes.get("/people")
    def people(
        reader: Asking,
        search: Annotated[Plain, Query(max_length=200, description="beginnings of names or of the user name")] = "",
        limit: Limit = 100,
        after: After = None,
    ) -> PersonPage:
        """Find people with whom the caller shares a proposal; whoever runs the facility finds everybody."""
        return factory.facility.people(reader, search, limit=limit, after=after)

    @routes.put("/facility")
    def take_in(
        reader: Annotated[Reader, Depends(asking(factory, Scope.INGEST))],
        records: FacilityRecords,
        rehearse: Annotated[bool, Query(description="only tell what would change")] = False,  # noqa: FBT002 - by name
    ) -> FacilityReport:
        """Create or update what the user office knows, for ingestors; the same again changes nothing."""
        return factory.facility.take_in(reader, records, is_rehearsal=rehearse)

    return routes
