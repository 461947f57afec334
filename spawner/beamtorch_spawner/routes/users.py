"""Doors to people, with the paths of an existing console."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response, status

from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.services.people import People
from beamtorch_spawner.wire import NewUser, TorchUser, UserCount, UserPage


def users_router(*, access: Access, people: People) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["users"])

    @router.post("/users/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(access.admin)])
    async def add(asked: NewUser, response: Response) -> TorchUser:
        """Make somebody of the directory known at the Hub; 200: they were already."""
        user, is_new = await people.add(asked.username)
        response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return user

    @router.get("/users/", dependencies=[Depends(access.admin)])
    async def listed(
        offset: Annotated[int, Query(ge=0, le=10**9)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> UserPage:
        """List people by name."""
        return await people.page(offset=offset, limit=limit)

    @router.get("/users/count", dependencies=[Depends(access.admin)])
    async def count() -> UserCount:
        """Tell how many people there are."""
        return await people.count()

    @router.get("/users/{username}")
    async def one(username: str, actor: Annotated[Actor, Depends(access.actor)]) -> TorchUser:
        """Show one person; oneself, and anybody for an admin."""
        access.check_self_or_admin(actor, username)
        return await people.one(username)

    return router
