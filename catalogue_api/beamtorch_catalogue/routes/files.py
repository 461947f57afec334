"""Routes of files, for ingestors: what is known below a folder, and news about it."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import FileState, KnownFilePage, Scope

MOST_STATES = 5000


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["files"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory, Scope.INGEST))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/files")
    def known(reader: Asking, below: Plain, after: Plain | None = None) -> KnownFilePage:
        """List the catalogued files in a folder, dataset by dataset."""
        return factory.known_files.page(reader, below, after)

    @routes.post("/files:state")
    def report(reader: Asking, states: Annotated[list[FileState], Body(min_length=1, max_length=MOST_STATES)]) -> int:
        """Tell which files are gone or back; return how many changed."""
        return factory.known_files.report(reader, states)

    return routes
