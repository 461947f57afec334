"""Doors of an existing console: a person's pods, with its paths and field names."""

from typing import Annotated

from fastapi import APIRouter, Depends

from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.wire import UserServer


def userpod_router(*, access: Access, leases: LeaseBook) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["servers"])

    @router.get("/userpod/{username}")
    def listed(username: str, actor: Annotated[Actor, Depends(access.actor)]) -> list[UserServer]:
        """List the servers that a person has now; for that person and for admins."""
        access.check_self_or_admin(actor, username)
        return leases.servers(username)

    return router
