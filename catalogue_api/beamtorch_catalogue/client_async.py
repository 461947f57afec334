"""The catalogue for programs that wait for many things at once: the same questions, awaited."""

from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel

from beamtorch_catalogue.client_asking import Asking, answered, connection, unreachable
from beamtorch_catalogue.client_datasets import Filters, wish
from beamtorch_catalogue.client_errors import refusal
from beamtorch_catalogue.wire import (
    Count,
    Dataset,
    DatasetEdit,
    DatasetPage,
    DatasetRecord,
    DatasetSummary,
    Facets,
    FilePage,
    FileRecord,
    IngestResult,
    Order,
)
from beamtorch_facility.dataset import DatasetId, DatasetKind

_Answer = TypeVar("_Answer")


class AsyncCatalogueClient:
    """A connection to one catalogue in one person's name; use it as an asynchronous context manager.

    Parameters
    ----------
    url
        The catalogue's address.
    token
        A token of the Hub that may use the catalogue, or a key of the catalogue.
    transport
        What carries the requests; none: the network.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(**connection(url, token), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def search(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        filters: Filters | None = None,
        limit: int = 25,
        after: str | None = None,
        sort: Order | str = Order.NEWEST,
    ) -> DatasetPage:
        """Return one page of what matches, newest or oldest first."""
        asked = {**wish(q, kind, technique, filters, limit, after), "sort": sort}
        return await self._ask("GET", "datasets", DatasetPage, params=asked)

    async def all(self, q: str = "", *, filters: Filters | None = None) -> AsyncIterator[DatasetSummary]:
        """Yield everything that matches, newest first, asked for page by page."""
        after = None
        while True:
            page = await self.search(q, filters=filters, limit=200, after=after)
            for dataset in page.datasets:
                yield dataset
            after = page.next
            if after is None:
                return

    async def count(self, q: str = "", *, filters: Filters | None = None) -> Count:
        """Return how many datasets match, exactly or up to a cap."""
        return await self._ask("GET", "datasets/count", Count, params=wish(q, filters=filters))

    async def facets(self, q: str = "", *, filters: Filters | None = None) -> Facets:
        """Return counts by which a search can be narrowed."""
        return await self._ask("GET", "datasets/facets", Facets, params=wish(q, filters=filters))

    async def dataset(self, dataset: DatasetId | str) -> Dataset:
        """Return everything about one dataset; of its files the first ones."""
        return await self._ask("GET", f"datasets/{DatasetId(dataset)}", Dataset)

    async def files(self, dataset: DatasetId | str) -> AsyncIterator[FileRecord]:
        """Yield all files of a dataset, asked for page by page."""
        after: str | None = None
        while True:
            params = {"after": after} if after else None
            page = await self._ask("GET", f"datasets/{DatasetId(dataset)}/files", FilePage, params=params)
            for file in page.files:
                yield file
            after = page.next
            if after is None:
                return

    async def edit(self, dataset: DatasetId | str, change: DatasetEdit, *, version: int | None = None) -> Dataset:
        """Correct a dataset; with a `version`, only if nobody has changed it since."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return await self._ask("PATCH", f"datasets/{DatasetId(dataset)}", Dataset, body=change, headers=headers)

    async def register(self, record: DatasetRecord) -> Dataset:
        """Put a result into the catalogue; the same again updates."""
        return await self._ask("POST", "datasets", Dataset, body=record)

    async def ingest(self, records: Iterable[DatasetRecord]) -> list[IngestResult]:
        """Send what an ingestor found, in one transaction."""
        return await self._ask("POST", "datasets:bulk", list[IngestResult], body=list(records))

    async def _ask(
        self,
        method: str,
        path: str,
        answer: type[_Answer],
        *,
        params: Mapping[str, str | list[str]] | None = None,
        body: BaseModel | list[Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _Answer:
        request = Asking.request(method, path, params=params, body=body, headers=headers)
        try:
            response = await self._http.request(**request)
        except httpx.HTTPError as error:
            raise unreachable(self._http.base_url) from error
        if not response.is_success:
            raise refusal(response)
        return answered(response, answer)
