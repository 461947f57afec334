"""Who asks: the token or key in the header, else the cookie of a signed-in browser, becomes a reader."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Request
from pydantic import StringConstraints
from starlette.concurrency import run_in_threadpool

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.services.keys import PREFIX as KEY_PREFIX
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import Scope
from beamtorch_facility.words import Words
from beamtorch_service.login import token_of

Plain = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4096)]
"""A text of a query string; no database keeps NUL."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"description": "no token, or one that the hub does not know (problem document)"},
    403: {"description": "the caller may not do this (problem document)"},
    422: {"description": "the request makes no sense; says where and why (problem document)"},
}
"""What every route may answer beside its result."""


READING = frozenset({"GET", "HEAD"})


class NotWithAKeyError(CatalogueError):
    """Something that a key must not do, whatever its scopes."""

    code = "not-with-a-key"
    status = 403
    title = Words(en="Not with a key", zh="密钥不能执行此操作")


def asking(
    factory: Factory, scope: Scope | None = None, *, keys: bool = True
) -> Callable[[Request], Awaitable[Reader]]:
    """Return the dependency that gives a route its reader, or refuses: the one place that looks at tokens and keys.

    Parameters
    ----------
    scope
        What a key has to be for; None: `Scope.READ` for GET and HEAD, else `Scope.EDIT`.
    keys
        Whether a key will do at all. It does not where it could make something that outlives it.
    """

    async def reader(request: Request) -> Reader:
        token = token_of(request)
        if not token.startswith(KEY_PREFIX):
            caller = await factory.login.by_header(request)
            return await run_in_threadpool(factory.readers.reader, caller)
        asker = await run_in_threadpool(factory.telling.keys.reader, token)
        if not keys:
            raise NotWithAKeyError(
                Words(
                    en="A key must not do this: what it makes would outlive it. Use a token of the hub; "
                    "“beamtorch token” makes one.",
                    zh="密钥不能执行此操作，其结果会比密钥更长久。请使用登录中心的令牌（beamtorch token 可生成）。",
                )
            )
        asker.need(scope or (Scope.READ if request.method in READING else Scope.EDIT))
        return asker

    return reader
