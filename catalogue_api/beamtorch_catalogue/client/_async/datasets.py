"""Datasets, for the client: search, one, its files, corrections, registration and ingest."""

from collections.abc import AsyncIterator, Iterable

from beamtorch_catalogue.client._async.asking import Asking
from beamtorch_catalogue.client.asking import Filters, wish
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
    SavedSearch,
)
from beamtorch_facility.dataset import DatasetId, DatasetKind


class DatasetsClient(Asking):
    """What the client can ask about datasets; a part of `CatalogueClient`."""

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
        """Return one page of what matches, newest or oldest first; ``page.next`` as `after` gives the next one."""
        asked = {**wish(q, kind=kind, technique=technique, filters=filters, limit=limit, after=after), "sort": sort}
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

    async def count(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        filters: Filters | None = None,
    ) -> Count:
        """Return how many datasets match, exactly or up to a cap."""
        return await self._ask("GET", "datasets/count", Count, params=wish(q, kind, technique, filters))

    async def facets(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        filters: Filters | None = None,
    ) -> Facets:
        """Return counts by which a search can be narrowed."""
        return await self._ask("GET", "datasets/facets", Facets, params=wish(q, kind, technique, filters))

    async def dataset(self, dataset: DatasetId | str) -> Dataset:
        """Return everything about one dataset; of its files the first ones."""
        return await self._ask("GET", f"datasets/{DatasetId(dataset)}", Dataset)

    async def file_page(self, dataset: DatasetId | str, *, after: str | None = None) -> FilePage:
        """Return one page of the files of a dataset."""
        return await self._ask(
            "GET", f"datasets/{DatasetId(dataset)}/files", FilePage, params={"after": after} if after else None
        )

    async def files(self, dataset: DatasetId | str) -> AsyncIterator[FileRecord]:
        """Yield all files of a dataset, asked for page by page."""
        after = None
        while True:
            page = await self.file_page(dataset, after=after)
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
        """Put a result into the catalogue, in a beamtime that the caller belongs to; the same again updates."""
        return await self._ask("POST", "datasets", Dataset, body=record)

    async def ingest(self, records: Iterable[DatasetRecord]) -> list[IngestResult]:
        """Send what an ingestor found, in one transaction; answers come in the order of the records."""
        return await self._ask("POST", "datasets:bulk", list[IngestResult], body=list(records))

    async def ingest_json(self, body: bytes) -> list[IngestResult]:
        """Send a batch that is JSON already, as `ingest` does."""
        return await self._ask("POST", "datasets:bulk", list[IngestResult], body=body)

    async def thumbnail(self, dataset: DatasetId | str) -> bytes:
        """Return the small picture of a dataset (PNG)."""
        answer = await self._send("GET", f"datasets/{DatasetId(dataset)}/thumbnail.png")
        return answer.content

    async def searches(self) -> list[SavedSearch]:
        """Return the caller's saved searches."""
        return await self._ask("GET", "searches", list[SavedSearch])

    async def save_search(self, name: str, query: str) -> SavedSearch:
        """Keep a search by a name; one of the same name is replaced."""
        return await self._ask("PUT", "searches", SavedSearch, body=SavedSearch(name=name, query=query))

    async def forget_search(self, name: str) -> None:
        """Forget a saved search."""
        await self._send("DELETE", "searches", params={"name": name})
