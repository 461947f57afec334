"""Doors to the reconciler, with the path of an existing console."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from beamtorch_spawner.routes.access import Access
from beamtorch_spawner.services.reconcile import Reconciler
from beamtorch_spawner.wire import Reconciliation

DryRun = Annotated[bool, Query(description="only show what differs")]


def refresh_router(*, access: Access, reconciler: Reconciler) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["operations"], dependencies=[Depends(access.admin)])

    @router.get("/refreshuserspod/")
    async def refresh(*, dry_run: DryRun = False) -> Reconciliation:
        """Bring the database in line with the cluster; no pod is ended."""
        return await reconciler.run(dry_run=dry_run, ends_pods=False)

    @router.post("/refreshuserspod/")
    async def clean(*, dry_run: DryRun = False) -> Reconciliation:
        """Do the same, and end pods that nobody can use any more."""
        return await reconciler.run(dry_run=dry_run, ends_pods=True)

    return router
