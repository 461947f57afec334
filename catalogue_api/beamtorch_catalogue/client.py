"""The catalogue as a program of a user sees it: one method per question, typed answers, errors in words."""

import os
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import (
    Attachment,
    AttachmentRequest,
    BeamtimeRecord,
    Dataset,
    DatasetPage,
    DatasetRecord,
    FacilityRecords,
    FileState,
    IngestResult,
    InstrumentRecord,
    KnownFilePage,
    ProposalRecord,
    SampleRecord,
)
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.words import Words

TIMEOUT_SECONDS = 60.0
"""How long one answer may take; the largest bulk request needs a few seconds."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_Answer = TypeVar("_Answer")


class CatalogueRefusedError(CatalogueError):
    """The catalogue answered with a problem document; `code`, `status` and `detail` are the server's own."""

    code = "catalogue-refused"

    def __init__(self, detail: Words, *, status: int, code: str, title: Words, **facts: Any) -> None:
        super().__init__(detail, **facts)
        # The document of the server is passed on unchanged, so the instance speaks with the server's names.
        self.status = status  # type: ignore[misc]
        self.code = code  # type: ignore[misc]
        self.title = title  # type: ignore[misc]


class CatalogueUnreachableError(CatalogueError):
    """The catalogue does not answer."""

    code = "catalogue-unreachable"
    status = 503
    exit_code = 4
    title = Words(en="The catalogue does not answer", zh="数据目录无响应")


class CatalogueNotConfiguredError(CatalogueError):
    """Nobody said where the catalogue is, or who asks."""

    code = "catalogue-not-configured"
    exit_code = 2
    title = Words(en="Where is the catalogue?", zh="未指定数据目录")


class CatalogueClient:
    """A connection to one catalogue in one person's name; use it as a context manager.

    Parameters
    ----------
    url
        The catalogue's address, such as ``http://127.0.0.1:8000/services/catalogue/``.
    token
        A token of the Hub that may use the catalogue.
    transport
        What carries the requests; none: the network.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        address = httpx.URL(url.rstrip("/") + "/")
        # A proxy of the site cannot reach this machine's own loopback; half of all facilities set one.
        self._http = httpx.Client(
            base_url=address,
            headers={"Authorization": f"token {token}"},
            timeout=TIMEOUT_SECONDS,
            trust_env=address.host not in _LOOPBACK,
            # Reading all certificates takes longer than a search, and plain HTTP has none.
            verify=address.scheme == "https",
            transport=transport,
        )

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    # -- datasets --------------------------------------------------------------------------------

    def search(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        limit: int = 25,
        after: str | None = None,
    ) -> DatasetPage:
        """Return one page of what matches, newest first; pass ``page.next`` as `after` for the next one."""
        asked = {"q": q, "kind": kind, "technique": technique, "limit": limit, "after": after}
        parameters = {name: str(value) for name, value in asked.items() if value not in {None, ""}}
        return self._ask("GET", "datasets", DatasetPage, params=parameters)

    def dataset(self, dataset: DatasetId | str) -> Dataset:
        """Return everything about one dataset."""
        return self._ask("GET", f"datasets/{DatasetId(dataset)}", Dataset)

    def register(self, record: DatasetRecord) -> Dataset:
        """Put a result into the catalogue, in a beamtime that the caller belongs to; the same again updates."""
        return self._ask("POST", "datasets", Dataset, body=record)

    def ingest(self, records: Iterable[DatasetRecord]) -> list[IngestResult]:
        """Send what an ingestor found, in one transaction; answers come in the order of the records."""
        return self._ask("POST", "datasets:bulk", list[IngestResult], body=list(records))

    def thumbnail(self, dataset: DatasetId | str) -> bytes:
        """Return the small picture of a dataset (PNG)."""
        return self._send("GET", f"datasets/{DatasetId(dataset)}/thumbnail.png").content

    # -- files, for ingestors --------------------------------------------------------------------

    def known_files(self, below: str, *, after: str | None = None) -> KnownFilePage:
        """Return one page of the catalogued files in a folder, by path."""
        parameters = {"below": below} | ({"after": after} if after else {})
        return self._ask("GET", "files", KnownFilePage, params=parameters)

    def report_files(self, states: Iterable[FileState]) -> int:
        """Tell which catalogued files are gone or back; return how many changed."""
        return self._ask("POST", "files:state", int, body=list(states))

    # -- the facility ----------------------------------------------------------------------------

    def import_facility(self, records: FacilityRecords) -> None:
        """Send the user office's records; importing the same again changes nothing."""
        self._send("PUT", "facility", body=records)

    def instruments(self) -> list[InstrumentRecord]:
        """Return the instruments of the facility."""
        return self._ask("GET", "instruments", list[InstrumentRecord])

    def proposals(self) -> list[ProposalRecord]:
        """Return the proposals that the caller may see."""
        return self._ask("GET", "proposals", list[ProposalRecord])

    def beamtimes(self) -> list[BeamtimeRecord]:
        """Return the beamtimes that the caller may see, newest first."""
        return self._ask("GET", "beamtimes", list[BeamtimeRecord])

    def samples(self) -> list[SampleRecord]:
        """Return the samples that the caller may see."""
        return self._ask("GET", "samples", list[SampleRecord])

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
        params: Mapping[str, str] | None = None,
        body: BaseModel | list[Any] | None = None,
    ) -> _Answer:
        response = self._send(method, path, params=params, body=body)
        try:
            return TypeAdapter(answer).validate_json(response.content)
        except ValidationError as error:
            raise CatalogueUnreachableError(
                Words(
                    en="What answers there is not a catalogue, or one of another version. Check the address.",
                    zh="该地址不是数据目录，或版本不同。请检查地址。",
                )
            ) from error

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: BaseModel | list[Any] | None = None,
    ) -> httpx.Response:
        content = None if body is None else TypeAdapter(type(body)).dump_json(body)
        try:
            response = self._http.request(
                # Without the slash “datasets:bulk” would be a scheme; httpx puts it below the base all the same.
                method,
                f"/{path}",
                params=params,
                content=content,
                headers={"Content-Type": "application/json"},
            )
        except httpx.HTTPError as error:
            raise CatalogueUnreachableError(
                Words(
                    en=f"The catalogue at {self._http.base_url} does not answer. It is usually back within a minute; "
                    "try again. “beamtorch status” tells more.",
                    zh=f"{self._http.base_url} 的数据目录没有响应。通常一分钟内恢复，请稍后重试；"
                    "beamtorch status 可查看详情。",
                )
            ) from error
        if response.is_success:
            return response
        raise _refusal(response)


def _refusal(response: httpx.Response) -> CatalogueError:
    try:
        problem = response.json()
        facts = {k: v for k, v in problem.items() if k not in _OF_EVERY_PROBLEM}
        return CatalogueRefusedError(
            Words(en=problem["detail"], zh=problem["detail_zh"]),
            status=response.status_code,
            code=str(problem["type"]).rpartition(":")[2],
            title=Words(en=problem["title"], zh=problem["title_zh"]),
            **facts,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        status = HTTPStatus(response.status_code).phrase if response.status_code in set(HTTPStatus) else "?"
        return CatalogueUnreachableError(
            Words(
                en=f"Something between here and the catalogue answered {response.status_code} ({status}). "
                "Check the address, or try again in a minute.",
                zh=f"通往数据目录的途中返回了 {response.status_code}（{status}）。请检查地址，或一分钟后重试。",
            )
        )


_OF_EVERY_PROBLEM = frozenset({"type", "title", "title_zh", "status", "detail", "detail_zh"})
