"""Routes of keys for programs. A key makes no keys, and withdraws none."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.routes.asking import PROBLEMS, asking
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import KeyRecord, KeyRequest, NewKey
from beamtorch_catalogue.wire.changes import LARGEST


def router(factory: Factory) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["keys"], responses=PROBLEMS, prefix="/keys")
    Person = Annotated[Reader, Depends(asking(factory, keys=False))]  # noqa: N806 - a type that holds the factory

    @routes.get("")
    def keys(reader: Person) -> list[KeyRecord]:
        """List the caller's keys, newest first; everybody's for facility admins."""
        return factory.telling.keys.keys(reader)

    @routes.post("", status_code=201)
    def make(reader: Person, wish: KeyRequest) -> NewKey:
        """Make a key that acts in the caller's name, within its scopes; its text is in this answer alone."""
        return factory.telling.keys.make(reader, wish)

    @routes.delete("/{number}", status_code=204)
    def withdraw(reader: Person, number: Annotated[int, Path(ge=1, le=LARGEST)]) -> None:
        """Withdraw a key; it counts no longer from the next request on."""
        factory.telling.keys.withdraw(reader, number)

    return routes
