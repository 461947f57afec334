"""Doors of the Hub's spawner: offers, admissions, and reports on what became of them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, status
from starlette.concurrency import run_in_threadpool

from beamtorch_service.caller import Caller
from beamtorch_spawner.environments import Environment
from beamtorch_spawner.routes.access import Access
from beamtorch_spawner.services.admissions import Admissions
from beamtorch_spawner.services.asking import Starts
from beamtorch_spawner.services.declarations import Declarations
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.wire import Admission, AdmissionRequest, Lease, LeaseReport


def admissions_router(
    *, access: Access, admissions: Admissions, starts: Starts, leases: LeaseBook, declarations: Declarations
) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter()

    @router.get("/environments", tags=["environments"], dependencies=[Depends(access.anybody)])
    def environments() -> tuple[Environment, ...]:
        """List what can be started."""
        return starts.offers()

    @router.post("/admissions", tags=["leases"], status_code=status.HTTP_201_CREATED)
    async def admit(request: AdmissionRequest, caller: Annotated[Caller, Depends(access.hub_spawner)]) -> Admission:
        """Decide on a start; the hub's spawner asks, once per start."""
        decided = await run_in_threadpool(admissions.admit, request, actor=caller.name)
        await declarations.tell(decided)
        return decided

    @router.get("/admissions/{lease}", tags=["leases"], dependencies=[Depends(access.hub_spawner)])
    async def outcome(lease: Annotated[str, Path(max_length=64)]) -> Admission:
        """Tell what became of an admission that had to wait; the hub's spawner asks."""
        decided = await run_in_threadpool(admissions.outcome, lease)
        await declarations.tell(decided)
        return decided

    @router.patch("/leases/{lease}", tags=["leases"])
    def report(
        lease: Annotated[str, Path(max_length=64)],
        report: LeaseReport,
        caller: Annotated[Caller, Depends(access.hub_spawner)],
    ) -> Lease:
        """Take in what became of a start; the hub's spawner tells."""
        return leases.report(lease, report, actor=caller.name)

    return router
