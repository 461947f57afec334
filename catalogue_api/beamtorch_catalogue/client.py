"""The catalogue as a program of a user sees it: one method per question, typed answers, errors in words."""

import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from beamtorch_catalogue.client_changes import ChangesClient
from beamtorch_catalogue.client_datasets import DatasetsClient
from beamtorch_catalogue.client_errors import CatalogueRefusedError, CatalogueUnreachableError, refusal
from beamtorch_catalogue.client_office import OfficeClient
from beamtorch_catalogue.client_publishing import PublishingClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import (
    Attachment,
    AttachmentRequest,
    DatasetEdit,
    FileState,
    KnownFilePage,
)
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

__all__ = ["CatalogueClient", "CatalogueNotConfiguredError", "CatalogueRefusedError", "CatalogueUnreachableError"]

TIMEOUT_SECONDS = 60.0
"""How long one answer may take; the largest bulk request needs a few seconds."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_Answer = TypeVar("_Answer")
Params = Mapping[str, str | list[str]]
Body = BaseModel | list[Any] | bytes


class CatalogueNotConfiguredError(CatalogueError):
    """Nobody said where the catalogue is, or who asks."""

    code = "catalogue-not-configured"
    exit_code = 2
    title = Words(en="Where is the catalogue?", zh="未指定数据目录")


class CatalogueClient(DatasetsClient, ChangesClient, OfficeClient, PublishingClient):
    """A connection to one catalogue in one person's name; use it as a context manager.

    Parameters
    ----------
    url
        The catalogue's address, such as ``http://127.0.0.1:8000/services/catalogue/``.
    token
        A token of the Hub that may use the catalogue, or a key of the catalogue.
    transport
        What carries the requests; none: the network.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(**connection(url, token), transport=transport)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Connect as the lab or app that runs this, by ``BEAMTORCH_CATALOGUE_URL`` and ``JUPYTERHUB_API_TOKEN``."""
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
        return cls(url, token)

    @property
    def address(self) -> str:
        """Where the catalogue is."""
        return str(self._http.base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    # -- files, for ingestors --------------------------------------------------------------------

    def known_files(self, below: str, *, after: str | None = None) -> KnownFilePage:
        """Return one page of the catalogued files in a folder, by path."""
        parameters = {"below": below} | ({"after": after} if after else {})
        return self._ask("GET", "files", KnownFilePage, params=parameters)

    def report_files(self, states: Iterable[FileState]) -> int:
        """Tell which catalogued files are gone or back; return how many changed."""
        return self._ask("POST", "files:state", int, body=list(states))

    # -- attachments -----------------------------------------------------------------------------

    def attachments(self) -> list[Attachment]:
        """Return what the caller attached."""
        return self._ask("GET", "attachments", list[Attachment])

    def record_attachment(self, dataset: DatasetId | str, path: str) -> Attachment:
        """Note that the caller linked a dataset at a path such as ``~/datasets/tooth``."""
        return self._ask(
            "POST", "attachments", Attachment, body=AttachmentRequest(dataset=DatasetId(dataset), path=path)
        )

    def forget_attachment(self, dataset: DatasetId | str) -> None:
        """Note that the caller's link is gone."""
        self._send("DELETE", f"attachments/{DatasetId(dataset)}")

    # -- one request -----------------------------------------------------------------------------

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
