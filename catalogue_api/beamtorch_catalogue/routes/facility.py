"""Routes of what the user office knows: instruments, proposals, beamtimes, samples."""

from typing import Annotated

from fastapi import APIRouter, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import BeamtimeRecord, FacilityRecords, InstrumentRecord, ProposalRecord, SampleRecord


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["facility"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/instruments")
    def instruments(reader: Asking) -> list[InstrumentRecord]:
        """List the instruments of the facility."""
        return factory.facility.instruments(reader)

    @routes.get("/proposals")
    def proposals(reader: Asking) -> list[ProposalRecord]:
        """List the proposals that the caller may see."""
        return factory.facility.proposals(reader)

    @routes.get("/beamtimes")
    def beamtimes(reader: Asking) -> list[BeamtimeRecord]:
        """List the beamtimes that the caller may see, newest first."""
        return factory.facility.beamtimes(reader)

    @routes.get("/samples")
    def samples(reader: Asking) -> list[SampleRecord]:
        """List the samples that the caller may see."""
        return factory.facility.samples(reader)

    @routes.put("/facility", status_code=204)
    def take_in(reader: Asking, records: FacilityRecords) -> None:
        """Create or update what the user office knows, for ingestors; the same again changes nothing."""
        factory.facility.take_in(reader, records)

    return routes
