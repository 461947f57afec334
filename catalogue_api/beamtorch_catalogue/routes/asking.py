"""Who asks: the token in the header, else the cookie of a signed-in browser, becomes a reader."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Request
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.services.readers import Reader

Plain = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4096)]
"""A text of a query string; no database keeps NUL."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no token, or one that the hub does not know (problem document)"},
    403: {"description": "the caller may not do this (problem document)"},
    422: {"description": "the request makes no sense; says where and why (problem document)"},
}
"""What every route may answer beside its result."""


def asking(factory: Factory) -> Callable[[Request], Awaitable[Reader]]:
    """Return the dependency that gives a route its reader, or refuses."""

    async def reader(request: Request) -> Reader:
        caller = await factory.login.by_header(request)
        return await run_in_threadpool(factory.readers.reader, caller)

    return reader
