"""Doors to the registered control-room addresses, with the path of an existing console."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.routes.peer import peer_of
from beamtorch_spawner.services.sessions import Sessions
from beamtorch_spawner.services.terminal_book import TerminalBook
from beamtorch_spawner.wire import EndedSession, HereNow, HereRequest, Terminal, TerminalInfo


def terminals_router(*, access: Access, terminals: TerminalBook, sessions: Sessions) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["terminals"])

    @router.get("/uniqueipinfo/", dependencies=[Depends(access.admin)])
    def listed() -> list[Terminal]:
        """List the terminals with what they hold."""
        return terminals.listed()

    @router.post("/uniqueipinfo/", status_code=status.HTTP_201_CREATED)
    def add(info: TerminalInfo, actor: Annotated[Actor, Depends(access.admin)]) -> Terminal:
        """Register an address."""
        return terminals.add(info, actor=actor.name)

    @router.put("/uniqueipinfo/")
    def change(info: TerminalInfo, actor: Annotated[Actor, Depends(access.admin)]) -> Terminal:
        """Register an address, or change what is registered for it."""
        return terminals.change(info, actor=actor.name)

    @router.get("/uniqueipinfo/here")
    def here(request: Request, actor: Annotated[Actor, Depends(access.actor)]) -> HereNow:
        """Tell what a start from where this request comes from would mean."""
        return terminals.here(peer_of(request), username=actor.name)

    @router.post("/uniqueipinfo/here", dependencies=[Depends(access.hub_spawner)])
    def there(asked: HereRequest) -> HereNow:
        """Tell the same for somebody who looks at the Hub's start page."""
        return terminals.here(asked.peer, username=asked.username)

    @router.delete("/uniqueipinfo/{ip}", status_code=status.HTTP_204_NO_CONTENT, response_class=Response)
    def remove(ip: Annotated[str, Path(max_length=100)], actor: Annotated[Actor, Depends(access.admin)]) -> Response:
        """Remove an address; what was started there goes on."""
        terminals.remove(ip, actor=actor.name)
        return Response(status_code=status.HTTP_204_NO_CONTENT)

    @router.get("/sessions/ended", dependencies=[Depends(access.hub_spawner)])
    def ended(after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0) -> list[EndedSession]:
        """List browser sessions that ended with a release; the Hub signs those browsers out."""
        return sessions.ended_after(after)

    return router
