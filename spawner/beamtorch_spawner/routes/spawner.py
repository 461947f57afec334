"""The routes of the spawner service."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, status

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Identity, Username
from beamtorch_service.caller import Caller
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.routes.access import Access
from beamtorch_spawner.services.admissions import Admissions
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.wire import Admission, AdmissionRequest, Lease, LeaseReport, UserServer


def spawner_router(*, access: Access, admissions: Admissions, leases: LeaseBook, directory: Directory) -> APIRouter:
    """Return all routes, bound to their services."""
    router = APIRouter()

    @router.get("/environments", tags=["environments"], dependencies=[Depends(access.anybody)])
    def environments() -> tuple[Environment, ...]:
        """List what can be started."""
        return admissions.offers()

    @router.post("/admissions", tags=["leases"], status_code=status.HTTP_201_CREATED)
    def admit(request: AdmissionRequest, caller: Annotated[Caller, Depends(access.hub_spawner)]) -> Admission:
        """Decide on a start; the hub's spawner asks, once per start."""
        return admissions.admit(request, actor=caller.name)

    @router.patch("/leases/{lease}", tags=["leases"])
    def report(
        lease: Annotated[str, Path(max_length=64)],
        report: LeaseReport,
        caller: Annotated[Caller, Depends(access.hub_spawner)],
    ) -> Lease:
        """Take in what became of a start; the hub's spawner tells."""
        return leases.report(lease, report, actor=caller.name)

    @router.get("/leases", tags=["leases"])
    def newest(
        person: Annotated[Identity, Depends(access.person)],
        *,
        active: Annotated[bool, Query(description="only those that hold a server now")] = False,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Lease]:
        """List leases, newest first: one's own, and everybody's for an admin."""
        return leases.newest(username=None if person.is_admin else person.username, active=active, limit=limit)

    @router.get("/userpod/{username}", tags=["servers"])
    def userpod(username: str, person: Annotated[Identity, Depends(access.person)]) -> list[UserServer]:
        """List the servers that a person has now; for that person and for admins."""
        access.check_self_or_admin(person, username)
        return leases.servers(directory.person(Username(username)).username)

    return router
