"""Routes of datasets: search, one, its picture, registration and ingest."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.query import LONGEST
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.wire import Dataset, DatasetPage, DatasetRecord, IngestResult
from beamtorch_facility.dataset import DatasetId, DatasetKind

MOST_PER_PAGE = 200
MOST_PER_BATCH = 1000
_PICTURE_SECONDS = 300


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["datasets"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/datasets")
    def search(  # noqa: PLR0917 - FastAPI calls it by name
        reader: Asking,
        q: Annotated[Plain, Query(description=f"words and one range, up to {LONGEST} characters")] = "",
        kind: DatasetKind | None = None,
        technique: Plain | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 25,
        after: Annotated[Plain | None, Query(description="“next” of the page before")] = None,
    ) -> DatasetPage:
        """Find datasets, newest first: all words match, and a range such as `energy 12..13 keV` holds."""
        return factory.search.page(reader, Wish(q=q, kind=kind, technique=technique, limit=limit, after=after))

    @routes.get("/datasets/{dataset}")
    def one(reader: Asking, dataset: DatasetId) -> Dataset:
        """Return everything about one dataset."""
        return factory.datasets.dataset(reader, dataset)

    @routes.get(
        "/datasets/{dataset}/thumbnail.png",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}, 404: {"description": "no picture"}},
    )
    async def thumbnail(reader: Asking, dataset: DatasetId) -> Response:
        """Return a small grey picture of a dataset, made of files that the caller can read."""
        picture = await factory.thumbnails.png(reader, dataset)
        return Response(
            picture, media_type="image/png", headers={"Cache-Control": f"private, max-age={_PICTURE_SECONDS}"}
        )

    @routes.post("/datasets")
    async def register(reader: Asking, record: DatasetRecord) -> Dataset:
        """Add a result to a beamtime of the caller; the same `source_id` again updates it."""
        return await factory.registration.register(reader, record)

    @routes.post("/datasets:bulk")
    def bulk(
        reader: Asking, records: Annotated[list[DatasetRecord], Body(min_length=1, max_length=MOST_PER_BATCH)]
    ) -> list[IngestResult]:
        """Take in what a beamline measured, for ingestors; answers come in the order of the records."""
        return factory.ingest.bulk(reader, records)

    return routes
