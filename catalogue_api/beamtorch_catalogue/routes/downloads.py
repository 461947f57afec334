"""Routes of downloads: a file of a dataset, for whom the file system lets read it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.sending import OpenFileResponse
from beamtorch_catalogue.services.readers import Reader
from beamtorch_facility.dataset import DatasetId

_ANSWERS = {
    **PROBLEMS,
    200: {"content": {"application/octet-stream": {}}, "description": "the whole file"},
    206: {"content": {"application/octet-stream": {}}, "description": "the part that “Range” names"},
    304: {"description": "“If-None-Match” names what the file still is"},
    403: {"description": "the file system does not let the caller read the file (problem document)"},
    404: {"description": "no such dataset for the caller, or no such file (problem document)"},
    412: {"description": "“If-Match” names what the file is no longer"},
    416: {"description": "“Range” lies outside of the file"},
    503: {"description": "files cannot be opened now (problem document)"},
}


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["datasets"], responses=_ANSWERS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/datasets/{dataset}/files/{path:path}", response_class=Response)
    async def download(request: Request, reader: Asking, dataset: DatasetId, path: str) -> Response:
        """Send a file, opened in the caller's name; `path` is below the dataset's folder."""
        opened = await factory.downloads.open(reader, dataset, path)
        return OpenFileResponse(opened.file, opened.name, request.headers)

    @routes.head("/datasets/{dataset}/files/{path:path}", response_class=Response)
    async def download_head(request: Request, reader: Asking, dataset: DatasetId, path: str) -> Response:
        """Tell size and tag of a file."""
        return await download(request, reader, dataset, path)

    return routes
