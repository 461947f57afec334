"""Datasets, for the client: search, one, its files, corrections, registration and ingest."""

from collections.abc import Iterable, Iterator

from beamtorch_catalogue.client._sync.asking import Asking
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

    def search(
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
        return self._ask("GET", "datasets", DatasetPage, params=asked)

    def all(self, q: str = "", *, filters: Filters | None = None) -> Iterator[DatasetSummary]:
        """Yield everything that matches, newest first, asked for page by page."""
        after = None
        while True:
            page = self.search(q, filters=filters, limit=200, after=after)
            yield from page.datasets
            after = page.next
            if after is None:
                return

    def count(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        filters: Filters | None = None,
    ) -> Count:
        """Return how many datasets match, exactly or up to a cap."""
        return self._ask("GET", "datasets/count", Count, params=wish(q, kind, technique, filters))

    def facets(
        self,
        q: str = "",
        *,
        kind: DatasetKind | str | None = None,
        technique: str | None = None,
        filters: Filters | None = None,
    ) -> Facets:
        """Return counts by which a search can be narrowed."""
        return self._ask("GET", "datasets/facets", Facets, params=wish(q, kind, technique, filters))

    def dataset(self, dataset: DatasetId | str) -> Dataset:
        """Return everything about one dataset; of its files the first ones."""
        return self._ask("GET", f"datasets/{DatasetId(dataset)}", Dataset)

    def file_page(self, dataset: DatasetId | str, *, after: str | None = None) -> FilePage:
        """Return one page of the files of a dataset."""
        return self._ask(
            "GET", f"datasets/{DatasetId(dataset)}/files", FilePage, params={"after": after} if after else None
        )

    def files(self, dataset: DatasetId | str) -> Iterator[FileRecord]:
        """Yield all files of a dataset, asked for page by page."""
        after = None
        while True:
            page = self.file_page(dataset, after=after)
            yield from page.files
            after = page.next
            if after is None:
                return

    def edit(self, dataset: DatasetId | str, change: DatasetEdit, *, version: int | None = None) -> Dataset:
        """Correct a dataset; with a `version`, only if nobody has changed it since."""
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        return self._ask("PATCH", f"datasets/{DatasetId(dataset)}", Dataset, body=change, headers=headers)

    def register(self, record: DatasetRecord) -> Dataset:
        """Put a result into the catalogue, in a beamtime that the caller belongs to; the same again updates."""
        return self._ask("POST", "datasets", Dataset, body=record)

    def ingest(self, records: Iterable[DatasetRecord]) -> list[IngestResult]:
        """Send what an ingestor found, in one transaction; answers come in the order of the records."""
        return self._ask("POST", "datasets:bulk", list[IngestResult], body=list(records))

    def ingest_json(self, body: bytes) -> list[IngestResult]:
        """Send a batch that is JSON already, as `ingest` does."""
        return self._ask("POST", "datasets:bulk", list[IngestResult], body=body)

    def thumbnail(self, dataset: DatasetId | str) -> bytes:
        """Return the small picture of a dataset (PNG)."""
        answer = self._send("GET", f"datasets/{DatasetId(dataset)}/thumbnail.png")
        return answer.content

    def searches(self) -> list[SavedSearch]:
        """Return the caller's saved searches."""
        return self._ask("GET", "searches", list[SavedSearch])

    def save_search(self, name: str, query: str) -> SavedSearch:
        """Keep a search by a name; one of the same name is replaced."""
        return self._ask("PUT", "searches", SavedSearch, body=SavedSearch(name=name, query=query))

    def forget_search(self, name: str) -> None:
        """Forget a saved search."""
        self._send("DELETE", "searches", params={"name": name})
