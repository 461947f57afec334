"""Routes of what changed: the history of a dataset, the audit, and the event stream."""

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import AwareDatetime
from sse_starlette import EventSourceResponse, ServerSentEvent

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.history import Sought
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import ChangePage, Scope
from beamtorch_catalogue.wire.changes import LARGEST
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.errors import BeamtorchError
from beamtorch_service.caller import HubUnreachableError

MOST_PER_PAGE = 1000
_SEND_SECONDS = 60
"""How long a listener may take nothing of what is sent."""
_FAREWELL_SECONDS = 1.0
"""How long a stream may take to end when the process is told to."""
_NO_PING = 0
"""The stream tells its place in every silence, which does the same."""

Place = Annotated[int | None, Query(ge=0, le=LARGEST)]
Limit = Annotated[int, Query(ge=1, le=MOST_PER_PAGE)]


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["changes"], responses=PROBLEMS)
    ask = asking(factory)
    Asking = Annotated[Reader, Depends(ask)]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/datasets/{dataset}/history")
    def history(reader: Asking, dataset: DatasetId, after: Place = None, limit: Limit = 100) -> ChangePage:
        """Tell who changed a dataset and when, newest first, with the values that were replaced."""
        return factory.telling.history.of_dataset(reader, dataset, after=after, limit=limit)

    @routes.get("/changes")
    def changes(  # noqa: PLR0917 - FastAPI calls it by name
        reader: Annotated[Reader, Depends(asking(factory, Scope.ADMIN))],
        subject: Annotated[Plain | None, Query(description="kind of thing, e.g. dataset")] = None,
        subject_id: Annotated[Plain | None, Query(description="which one")] = None,
        by: Annotated[Plain | None, Query(description="user name, or name of a service")] = None,
        action: Plain | None = None,
        since: AwareDatetime | None = None,
        after: Place = None,
        limit: Limit = 100,
        newest_first: bool = False,  # noqa: FBT001, FBT002 - FastAPI calls it by name
    ) -> ChangePage:
        """Tell what changed: everything to facility admins, of their beamlines' beamtimes to beamline staff."""
        sought = Sought(
            subject=subject,
            subject_id=subject_id,
            by=by,
            action=action,
            since=since,
            after=after,
            limit=limit,
            newest_first=newest_first,
        )
        return factory.telling.history.changes(reader, sought)

    @routes.get(
        "/events",
        response_class=EventSourceResponse,
        responses={200: {"content": {"text/event-stream": {}}}, 429: {"description": "too many open streams"}},
    )
    async def events(
        request: Request,
        reader: Asking,
        after: Annotated[int | None, Query(ge=0, le=LARGEST, description="the last change that was seen")] = None,
        last_event_id: Annotated[int | None, Header(ge=0, le=LARGEST, description="goes before `after`")] = None,
    ) -> EventSourceResponse:
        """Stream committed changes that the caller may know of, as server-sent events.

        The id of an event is the number of its change: with the last one in `Last-Event-ID` nothing is missed. An event
        without data tells the place alone. `event` is the action, `data` the change without its values.
        """
        place = await factory.telling.events.begin(reader, last_event_id if last_event_id is not None else after)

        over = anyio.Event()

        async def again() -> Reader | None:
            try:
                return await ask(request)
            except HubUnreachableError:
                return reader
            except BeamtorchError:
                return None

        async def told() -> AsyncIterator[ServerSentEvent]:
            async for news in factory.telling.events.listen(reader, place, again, over):
                event = news.event
                yield ServerSentEvent(
                    id=str(news.place),
                    event=event.action if event else None,
                    data=event.model_dump_json() if event else None,
                    sep="\n",
                )

        return EventSourceResponse(
            told(),
            ping=_NO_PING,
            send_timeout=_SEND_SECONDS,
            shutdown_event=over,
            shutdown_grace_period=_FAREWELL_SECONDS,
            sep="\n",
        )

    return routes
