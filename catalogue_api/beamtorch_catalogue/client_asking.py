"""One request to the catalogue and its typed answer: what every part of the client stands on."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from beamtorch_catalogue.client_errors import CatalogueUnreachableError, refusal
from beamtorch_catalogue.wire import DatasetEdit
from beamtorch_facility.words import Words

TIMEOUT_SECONDS = 60.0
"""How long one answer may take; the largest bulk request needs a few seconds."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_Answer = TypeVar("_Answer")
Params = Mapping[str, str | list[str]]
Body = BaseModel | list[Any] | bytes


class Asking:
    """A connection over which questions go."""

    _http: httpx.Client

    def _ask(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        *,
        params: Params | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        return answered(self._send(method, path, params=params, body=body, headers=headers), answer)

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            response = self._http.request(**self.request(method, path, params=params, body=body, headers=headers))
        except httpx.HTTPError as error:
            raise unreachable(self._http.base_url) from error
        if response.is_success:
            return response
        raise refusal(response)

    @staticmethod
    def request(
        method: str, path: str, *, params: Params | None, body: Body | None, headers: Mapping[str, str] | None
    ) -> dict[str, Any]:
        """Return what httpx is to send."""
        return {
            "method": method,
            # Without the slash “datasets:bulk” would be a scheme; httpx puts it below the base all the same.
            "url": f"/{path}",
            "params": params,
            "content": None if body is None else _as_json(body),
            "headers": {"Content-Type": "application/json", **(headers or {})},
        }


def connection(url: str, token: str) -> dict[str, Any]:
    """Return how httpx reaches a catalogue."""
    address = httpx.URL(url.rstrip("/") + "/")
    return {
        "base_url": address,
        "headers": {"Authorization": f"token {token}"},
        "timeout": TIMEOUT_SECONDS,
        # A proxy of the site cannot reach this machine's own loopback; half of all facilities set one.
        "trust_env": address.host not in _LOOPBACK,
        # Reading all certificates takes longer than a search, and plain HTTP has none.
        "verify": address.scheme == "https",
    }


def answered(response: httpx.Response, answer: type[_Answer]) -> _Answer:
    """Return what a catalogue answered."""
    try:
        return TypeAdapter(answer).validate_json(response.content)
    except ValidationError as error:
        raise CatalogueUnreachableError(
            Words(
                en="What answers there is not a catalogue, or one of another version. Check the address.",
                zh="该地址不是数据目录，或版本不同。请检查地址。",
            )
        ) from error


def unreachable(address: httpx.URL) -> CatalogueUnreachableError:
    """Say that nobody answers."""
    return CatalogueUnreachableError(
        Words(
            en=f"The catalogue at {address} does not answer. It is usually back within a minute; "
            "try again. “beamtorch status” tells more.",
            zh=f"{address} 的数据目录没有响应。通常一分钟内恢复，请稍后重试；beamtorch status 可查看详情。",
        )
    )


def _as_json(body: Body) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, DatasetEdit):
        # What is left out stays as it is, so it must not travel as a default.
        return body.model_dump_json(exclude_unset=True).encode()
    return TypeAdapter(type(body)).dump_json(body)
