"""The frame of a service: prefix, offline API pages, health, and every error as a problem document (RFC 9457)."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

log = logging.getLogger(__name__)

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_PLAIN = {
    404: Words(
        en="There is nothing at this address. The API's pages are at docs.", zh="此地址没有内容。接口说明见 docs。"
    ),
    405: Words(en="This address does not take that method. See docs.", zh="此地址不支持该方法，见 docs。"),
}
_FAULT = Words(
    en="Something broke here, and it is written to the service's log. Try again; if it stays, tell the facility.",
    zh="服务内部出错，已记入日志。请重试；若仍出现，请告知设施人员。",
)


class _PlainError(BeamtorchError):
    code = "http"
    title = Words(en="The request cannot be answered", zh="无法处理请求")


def create_service(*, title: str, version: str, prefix: str, lifespan: Lifespan | None = None) -> FastAPI:
    """Return an empty service below a prefix, with docs, health and problem documents."""
    base = prefix.rstrip("/")

    @asynccontextmanager
    async def nothing(_: FastAPI) -> AsyncIterator[None]:
        yield

    app: FastAPI = FastAPIOffline(
        title=title,
        version=version,
        docs_url=f"{base}/docs",
        redoc_url=None,
        openapi_url=f"{base}/openapi.json",
        swagger_ui_oauth2_redirect_url=f"{base}/docs/oauth2-redirect",
        static_url=f"{base}/docs-assets",
        lifespan=lifespan or nothing,
    )

    @app.get(f"{base}/health", tags=["service"])
    async def health() -> dict[str, str]:
        """Tell that the service answers; open to everybody."""
        return {"status": "ok", "service": title, "version": version}

    app.add_exception_handler(BeamtorchError, _expected)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _fault)
    return app


def problem_response(error: BeamtorchError, status: int | None = None) -> JSONResponse:
    """Return an error as ``application/problem+json``."""
    body = error.problem()
    body["status"] = status or error.status
    return JSONResponse(body, status_code=body["status"], media_type="application/problem+json")


async def _expected(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BeamtorchError)  # noqa: S101 - registered for this type alone
    return problem_response(error)


async def _malformed(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    places = [{"place": ".".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors()]
    first = places[0] if places else {"place": "request", "message": ""}
    said = Words(
        en=f"{first['place']}: {first['message']}. See docs for what this address takes.",
        zh=f"{first['place']}：{first['message']}。可接受的内容见 docs。",
    )
    return problem_response(_PlainError(said, errors=places), HTTPStatus.UNPROCESSABLE_ENTITY)


async def _plain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    said = _PLAIN.get(error.status_code, Words(en=str(error.detail), zh=str(error.detail)))
    return problem_response(_PlainError(said), error.status_code)


async def _fault(request: Request, error: Exception) -> JSONResponse:
    log.error("fault at %s %s", request.method, request.url.path, exc_info=error)
    return problem_response(_PlainError(_FAULT), HTTPStatus.INTERNAL_SERVER_ERROR)
