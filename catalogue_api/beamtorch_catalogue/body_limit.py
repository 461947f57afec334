"""A limit for what a request may bring, held while it arrives, so that nobody fills the memory."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words
from beamtorch_service.frame import problem_response

MOST_BYTES = 32 * 1024**2


class BodyTooLargeError(CatalogueError):
    """A request that brings too much at once."""

    code = "body-too-large"
    status = 413
    title = Words(en="Too much at once", zh="请求内容过大")

    def __init__(self) -> None:
        limit = MOST_BYTES // 1024**2
        super().__init__(
            Words(
                en=f"A request may bring {limit} MiB. Send fewer records at a time.",
                zh=f"单次请求最多 {limit} MiB。请减少每次发送的记录数。",
            )
        )


class BodyLimit:
    """ASGI middleware that ends a request whose body is too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _promised(scope) > MOST_BYTES:
            await problem_response(BodyTooLargeError())(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                raise BodyTooLargeError
            return message

        await self._app(scope, counted, send)


def _promised(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
