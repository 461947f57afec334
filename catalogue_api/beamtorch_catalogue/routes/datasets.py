"""Routes of datasets: search, one, its picture, registration and ingest."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import StringConstraints, TypeAdapter

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.query import LONGEST
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.editions import etag
from beamtorch_catalogue.services.ingest import require_ingestor
from beamtorch_catalogue.services.preparing import MOST_PER_BATCH, Batch, Invalid
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.search import Wish
from beamtorch_catalogue.wire import (
    Count,
    Dataset,
    DatasetEdit,
    DatasetPage,
    DatasetRecord,
    Facets,
    FilePage,
    IngestResult,
    Order,
    Scope,
)
from beamtorch_facility.dataset import DatasetId, DatasetKind

MOST_PER_PAGE = 200
MOST_FILES = 1000
_RESULTS = TypeAdapter(list[IngestResult])
_BULK_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": MOST_PER_BATCH,
                    "items": {"$ref": "#/components/schemas/DatasetRecord"},
                }
            }
        },
    }
}
IfMatch = Annotated[str | None, Header(max_length=1000, description="the ETag that the change was made of")]
Value = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Several = Annotated[list[Value] | None, Query(description="one of these", max_length=20)]
_PICTURE_SECONDS = 300


async def _wish(  # noqa: PLR0917 - FastAPI calls it by name, and what waits for nothing without a thread
    q: Annotated[Plain, Query(description=f"terms of the query language, up to {LONGEST} characters")] = "",
    kind: DatasetKind | None = None,
    technique: Plain | None = None,
    beamline: Several = None,
    proposal: Several = None,
    beamtime: Several = None,
    state: Several = None,
    year: Several = None,
    sample_name: Several = None,
    limit: Annotated[int, Query(ge=1, le=MOST_PER_PAGE)] = 25,
    after: Annotated[Plain | None, Query(description="“next” of the page before")] = None,
    sort: Annotated[Order, Query(description="which come first, by when they were measured")] = Order.NEWEST,
) -> Wish:
    """Return what a query string asks for."""
    given = {
        "beamline": beamline,
        "proposal": proposal,
        "beamtime": beamtime,
        "state": state,
        "year": year,
        "sample_name": sample_name,
    }
    filters = {name: values for name, values in given.items() if values}
    return Wish(q=q, kind=kind, technique=technique, filters=filters, limit=limit, after=after, order=sort)


Wishing = Annotated[Wish, Depends(_wish)]


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["datasets"], responses=PROBLEMS)
    # Types, made here because they hold the factory.
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806
    Registering = Annotated[Reader, Depends(asking(factory, Scope.REGISTER))]  # noqa: N806
    Ingesting = Annotated[Reader, Depends(asking(factory, Scope.INGEST))]  # noqa: N806

    @routes.get("/datasets")
    def search(reader: Asking, wish: Wishing) -> DatasetPage:
        """Find datasets, newest or oldest first: every term of the query holds, and of each filter one value."""
        return factory.search.page(reader, wish)

    @routes.get("/datasets/count")
    def count(reader: Asking, wish: Wishing) -> Count:
        """Count what a search finds: exactly where only filters decide, else up to a cap."""
        return factory.search.count(reader, wish)

    @routes.get("/datasets/facets")
    def facets(reader: Asking, wish: Wishing) -> Facets:
        """Count by which values a search can be narrowed."""
        return factory.search.facets(reader, wish)

    @routes.get("/datasets/{dataset}")
    def one(reader: Asking, dataset: DatasetId, response: Response) -> Dataset:
        """Return everything about one dataset; the ETag is its version."""
        found = factory.datasets.dataset(reader, dataset)
        response.headers["ETag"] = etag(found.version)
        return found

    @routes.patch(
        "/datasets/{dataset}", responses={409: {"description": "“If-Match” is not the present version, which is told"}}
    )
    def edit(
        reader: Asking, dataset: DatasetId, change: DatasetEdit, response: Response, if_match: IfMatch = None
    ) -> Dataset:
        """Correct a dataset, as the team of its proposal or the staff of its beamline; all old values are kept."""
        found = factory.edits.edit(reader, dataset, change, if_match)
        response.headers["ETag"] = etag(found.version)
        return found

    @routes.get("/datasets/{dataset}/files")
    def files(
        reader: Asking,
        dataset: DatasetId,
        limit: Annotated[int, Query(ge=1, le=MOST_FILES)] = MOST_FILES,
        after: Annotated[Plain | None, Query(description="“next” of the page before")] = None,
    ) -> FilePage:
        """List the files of a dataset, page by page."""
        return factory.datasets.files(reader, dataset, after, limit)

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
    async def register(reader: Registering, record: DatasetRecord) -> Dataset:
        """Add a result to a beamtime of the caller; the same `source_id` again updates it."""
        return await factory.registration.register(reader, record)

    @routes.post("/datasets:bulk", openapi_extra=_BULK_BODY, response_model=list[IngestResult])
    async def bulk(reader: Ingesting, request: Request) -> Response:
        """Take in what a beamline measured, for ingestors; answers come in the order of the records."""
        require_ingestor(reader)
        batch = await _batch(factory, await request.body())
        return Response(await to_thread.run_sync(_take_in, factory, reader, batch), media_type="application/json")

    return routes


async def _batch(factory: Factory, body: bytes) -> Batch:
    batch = await factory.preparing.read(body)
    if isinstance(batch, Invalid):
        raise RequestValidationError(batch.errors)
    return batch


def _take_in(factory: Factory, reader: Reader, batch: Batch) -> bytes:
    """Take in a batch and answer in bytes: by way of Python's own objects it takes longer."""
    return _RESULTS.dump_json(factory.ingest.bulk(reader, batch))
