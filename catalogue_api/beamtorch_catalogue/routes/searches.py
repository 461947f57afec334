"""Routes of saved searches: the caller's own."""

from typing import Annotated

from fastapi import APIRouter, Depends

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, Plain, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import SavedSearch


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["searches"], responses=PROBLEMS)
    Asking = Annotated[Reader, Depends(asking(factory))]  # noqa: N806 - a type, made here because it holds the factory

    @routes.get("/searches")
    def mine(reader: Asking) -> list[SavedSearch]:
        """List the caller's saved searches."""
        return factory.searches.of(reader)

    @routes.put("/searches")
    def save(reader: Asking, search: SavedSearch) -> SavedSearch:
        """Keep a search by a name; one of the same name is replaced."""
        return factory.searches.save(reader, search)

    @routes.delete("/searches", status_code=204)
    def forget(reader: Asking, name: Plain) -> None:
        """Forget a saved search; one that is not there is fine."""
        factory.searches.forget(reader, name)

    return routes
