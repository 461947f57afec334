"""A request to the catalogue and its typed answer, as they are whether somebody waits for them or awaits them."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from beamtorch_catalogue.client.errors import CatalogueNotConfiguredError, CatalogueUnreachableError
from beamtorch_catalogue.wire import DatasetEdit
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

TIMEOUT_SECONDS = 60.0
"""How long one answer may take; the largest bulk request needs a few seconds."""
PER_PAGE = 1000
"""The most records of the user office that the catalogue gives at once."""
SILENCE_SECONDS = 45.0
"""The stream of changes tells its place every 15 s; after three times that the connection is dead."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_Answer = TypeVar("_Answer")
Params = Mapping[str, str | list[str]]
Body = BaseModel | list[Any] | bytes
Filters = Mapping[str, Sequence[str]]
"""Values by the name of a filter, such as ``{"beamline": ["BL-B7"], "year": ["2026"]}``; of each one is enough."""


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


def place_and_token(environment: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Return where the catalogue is, and in whose name a lab or app asks it."""
    given = os.environ if environment is None else environment
    url, token = given.get("BEAMTORCH_CATALOGUE_URL", ""), given.get("JUPYTERHUB_API_TOKEN", "")
    if not url or not token:
        missing = "JUPYTERHUB_API_TOKEN" if url else "BEAMTORCH_CATALOGUE_URL"
        raise CatalogueNotConfiguredError(
            Words(
                en=f"{missing} is not set. Run this in a lab of the platform, or give the address and a token "
                "yourself (“beamtorch token” makes one).",
                zh=f"未设置 {missing}。请在平台的环境中运行，或自行给出地址和令牌（beamtorch token 可生成令牌）。",
            )
        )
    return url, token


def request(
    method: str,
    path: str,
    *,
    params: Params | None = None,
    body: Body | None = None,
    headers: Mapping[str, str] | None = None,
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


def asked(**values: str | int | None) -> dict[str, str]:
    """Return the query string of what was given."""
    return {name: str(value) for name, value in values.items() if value is not None}


def wish(  # noqa: PLR0917 - what a search consists of, in the order of the signatures of the client
    q: str,
    kind: DatasetKind | str | None = None,
    technique: str | None = None,
    filters: Filters | None = None,
    limit: int | None = None,
    after: str | None = None,
) -> dict[str, str | list[str]]:
    """Return the query string of a search."""
    several = {name: list(values) for name, values in (filters or {}).items() if values}
    return asked(q=q or None, kind=kind or None, technique=technique or None, limit=limit, after=after) | several


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
