"""Doors of an existing console: a person's pods, with its paths and field names."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status

from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.routes.peer import peer_of
from beamtorch_spawner.services.userpods import Order, UserPods
from beamtorch_spawner.wire import UserPodChange, UserPodName, UserPodRequest, UserServer

Name = Annotated[str | None, Query(max_length=200)]


def userpod_router(*, access: Access, userpods: UserPods) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["servers"])

    def whose(actor: Actor, *said: str | None) -> str:
        username = next((name for name in said if name), None) or actor.name
        access.check_self_or_admin(actor, username)
        return username

    @router.post("/userpod/", status_code=status.HTTP_201_CREATED, responses={200: {"model": UserServer}})
    async def start(
        asked: UserPodRequest,
        request: Request,
        response: Response,
        actor: Annotated[Actor, Depends(access.actor)],
        *,
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
        confirm: Annotated[str | None, Query(max_length=64, description="lease that may end for this")] = None,
    ) -> UserServer:
        """Start a server; the same Idempotency-Key starts one. 200: it runs, or starts, already."""
        access.check_self_or_admin(actor, asked.username)
        server, is_new = await userpods.start(
            Order(
                request=asked,
                actor=actor.name,
                peer=peer_of(request),
                may_tell_source=actor.may_tell_source,
                key=idempotency_key or None,
                confirm=confirm,
            )
        )
        response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        response.headers["Location"] = f"{request.url.path.rstrip('/')}/{server.username}"
        return server

    @router.patch("/userpod/")
    async def change(
        asked: UserPodChange,
        actor: Annotated[Actor, Depends(access.actor)],
        username: Name = None,
        podname: Name = None,
    ) -> UserServer:
        """Change a server: its life and description at once, its resources at its next start."""
        owner = whose(actor, username, asked.username)
        return await userpods.change(owner, podname or asked.podname, asked, actor=actor.name)

    @router.delete("/userpod/", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    async def stop(
        actor: Annotated[Actor, Depends(access.actor)],
        asked: UserPodName | None = None,
        username: Name = None,
        podname: Name = None,
    ) -> Response:
        """Stop a server, named by the query or the body."""
        owner = whose(actor, username, asked.username if asked else None)
        wanted = podname or (asked.podname if asked else None) or DEFAULT_SERVER
        await userpods.stop(owner, wanted, actor=actor.name)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    @router.get("/userpod/{username}")
    def listed(username: str, actor: Annotated[Actor, Depends(access.actor)]) -> list[UserServer]:
        """List the servers that a person has now; for that person and for admins."""
        access.check_self_or_admin(actor, username)
        return userpods.listed(username)

    return router
