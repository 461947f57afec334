"""Doors to leases: looking, extending, ending."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response, status
from starlette.concurrency import run_in_threadpool

from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.services.endings import Endings
from beamtorch_spawner.services.leases import LeaseBook, Sought
from beamtorch_spawner.stores.leases import unknown_lease
from beamtorch_spawner.wire import Extension, Lease, LeaseState

LeaseId = Annotated[str, Path(max_length=64)]


def leases_router(*, access: Access, leases: LeaseBook, endings: Endings) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["leases"])

    def own(lease: str, actor: Actor) -> Lease:
        found = leases.one(lease)
        if not actor.may_act_for(found.username):
            # Somebody else's lease is answered exactly like one that does not exist.
            raise unknown_lease(lease)
        return found

    @router.get("/leases")
    def newest(
        actor: Annotated[Actor, Depends(access.actor)],
        *,
        username: Annotated[str | None, Query(max_length=200, description="for admins")] = None,
        server: Annotated[str | None, Query(max_length=200)] = None,
        terminal: Annotated[str | None, Query(max_length=45)] = None,
        state: LeaseState | None = None,
        active: Annotated[bool, Query(description="only those that hold a server now")] = False,
        before: Annotated[str | None, Query(max_length=64, description="the last lease of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[Lease]:
        """List leases, newest first: one's own, and everybody's for an admin."""
        if not actor.is_admin:
            username = actor.name
        if before is not None:
            own(before, actor)
        return leases.sought(
            Sought(
                username=username,
                server=server,
                terminal=terminal,
                state=state,
                active=active,
                before=before,
                limit=limit,
            )
        )

    @router.get("/leases/{lease}")
    def one(lease: LeaseId, actor: Annotated[Actor, Depends(access.actor)]) -> Lease:
        """Show one lease; for its owner and for admins."""
        return own(lease, actor)

    @router.post("/leases/{lease}/extend")
    def extend(
        lease: LeaseId, actor: Annotated[Actor, Depends(access.actor)], wanted: Extension | None = None
    ) -> Lease:
        """Let a server run longer, as far as policy goes; for its owner and for admins."""
        own(lease, actor)
        return leases.extend(lease, wanted.seconds if wanted else None, actor=actor.name)

    @router.delete("/leases/{lease}", status_code=status.HTTP_202_ACCEPTED, response_class=Response)
    async def end(lease: LeaseId, actor: Annotated[Actor, Depends(access.actor)]) -> Response:
        """Stop the server of a lease; for its owner and for admins."""
        found = await run_in_threadpool(own, lease, actor)
        await endings.end(found.id, actor=actor.name)
        return Response(status_code=status.HTTP_202_ACCEPTED)

    return router
