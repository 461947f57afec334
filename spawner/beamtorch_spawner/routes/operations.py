"""Doors to what happened and happens: the audit, the event stream, the metrics."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import AwareDatetime
from sse_starlette import EventSourceResponse, ServerSentEvent

from beamtorch_facility.errors import BeamtorchError
from beamtorch_service.caller import HubUnreachableError
from beamtorch_spawner.metrics import Metrics
from beamtorch_spawner.routes.access import Access, Actor
from beamtorch_spawner.services.story import Story
from beamtorch_spawner.services.stream import Stream
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.wire import AuditEntry

HEARTBEAT_SECONDS = 15


def operations_router(*, access: Access, story: Story, stream: Stream, metrics: Metrics) -> APIRouter:
    """Return the routes, bound to their services."""
    router = APIRouter(tags=["operations"])

    @router.get("/audit")
    def audit(
        actor: Annotated[Actor, Depends(access.actor)],
        *,
        username: Annotated[str | None, Query(max_length=200)] = None,
        terminal: Annotated[str | None, Query(max_length=45)] = None,
        lease: Annotated[str | None, Query(max_length=64)] = None,
        action: Annotated[str | None, Query(max_length=40)] = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the last row of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> list[AuditEntry]:
        """Tell who did what, newest first: about oneself, and everything for an admin."""
        if not actor.is_admin:
            username = actor.name
        return story.told(
            AuditSought(
                username=username,
                terminal=terminal,
                lease=lease,
                action=action,
                since=since,
                until=until,
                before=before,
                limit=limit,
            )
        )

    @router.get("/events", response_class=EventSourceResponse)
    async def events(
        request: Request,
        actor: Annotated[Actor, Depends(access.actor)],
        *,
        everybody: Annotated[bool, Query(alias="all", description="everybody's, for admins")] = False,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> EventSourceResponse:
        """Stream what concerns oneself (server-sent events); Last-Event-ID goes on where a stream broke."""
        username = None if everybody and actor.is_admin else actor.name
        after = int(last_event_id) if last_event_id and last_event_id.isdecimal() and len(last_event_id) < 16 else None  # noqa: PLR2004
        stream.check_room(actor.name)

        async def may_go_on() -> bool:
            try:
                now = await access.actor(request)
            except HubUnreachableError:
                return True
            except BeamtorchError:
                return False
            return (now.name, now.is_admin) == (actor.name, actor.is_admin)

        async def told() -> AsyncIterator[ServerSentEvent]:
            heard = stream.listen(caller=actor.name, username=username, after=after, may_go_on=may_go_on)
            async for event in heard:
                yield ServerSentEvent(data=event.model_dump_json(), event=event.kind.value, id=str(event.id), sep="\n")

        return EventSourceResponse(told(), ping=HEARTBEAT_SECONDS, sep="\n")

    @router.get("/metrics", dependencies=[Depends(access.observer)], response_class=Response)
    def numbers() -> Response:
        """Give the metrics in Prometheus' text format."""
        text, content_type = metrics.text()
        return Response(text, media_type=content_type)

    return router
