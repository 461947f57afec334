"""Routes of roles and stations, one at a time, for those who look after a proposal or a beamline."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import RolesRequest, StationRecord, StationRequest, TeamMember
from beamtorch_catalogue.wire.office import StationName
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, ProposalId

_ANSWERS: dict[int | str, dict[str, Any]] = {
    **PROBLEMS,
    404: {"description": "no such thing for the caller (problem document)"},
}
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"description": "beamtimes name the station (problem document)"}}


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["facility"], responses=_ANSWERS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.put("/proposals/{proposal}/people/{username}")
    def set_roles(reader: Asking, proposal: ProposalId, username: Username, request: RolesRequest) -> TeamMember:
        """Give somebody exactly these roles in a proposal. They are for display and citation, and open no data."""
        return factory.office_book.set_roles(reader, proposal, username, request.roles)

    @routes.delete("/proposals/{proposal}/people/{username}", status_code=204)
    def remove(reader: Asking, proposal: ProposalId, username: Username) -> None:
        """Take all roles in a proposal from somebody; one without any is fine."""
        factory.office_book.remove(reader, proposal, username)

    @routes.put("/instruments/{beamline}/stations/{station}")
    def set_station(
        reader: Asking, beamline: BeamlineId, station: StationName, request: StationRequest
    ) -> StationRecord:
        """Create or rename an end station of a beamline."""
        return factory.office_book.set_station(reader, beamline, station, request.name)

    @routes.delete("/instruments/{beamline}/stations/{station}", status_code=204, responses=_IN_USE)
    def remove_station(reader: Asking, beamline: BeamlineId, station: StationName) -> None:
        """Remove an end station that no beamtime names; one that is not there is fine."""
        factory.office_book.remove_station(reader, beamline, station)

    return routes
