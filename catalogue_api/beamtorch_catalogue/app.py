"""The catalogue as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from beamtorch_catalogue import routes
from beamtorch_catalogue.body_limit import BodyLimit
from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.portal import Landing, Portal, portal_router
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_facility.clock import Clock, SystemClock
from beamtorch_service.frame import create_service

TITLE = "Beamtorch catalogue"


def create_app(settings: CatalogueSettings, *, clock: Clock | None = None) -> FastAPI:
    """Return the application; its tables are brought up to date when it starts.

    Parameters
    ----------
    clock
        Tells when an embargo is over; None: the machine's own.
    """
    factory = Factory.build(settings, clock=clock or SystemClock())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - the signature of a lifespan
        factory.database.upgrade()
        factory.modelling.migration.start()
        factory.telling.deliveries.start()
        factory.publishing.announcing.start()
        try:
            yield
        finally:
            await factory.close()

    prefix = settings.hub.prefix.rstrip("/")
    app = create_service(title=TITLE, version=version("beamtorch"), prefix=prefix, lifespan=lifespan)
    app.add_middleware(BodyLimit)
    app.include_router(routes.router(factory), prefix=prefix)
    app.include_router(factory.login.router(), prefix=prefix)
    pages = Portal.of(factory)
    landing = Landing(factory.publishing.landings, factory.clock)
    app.include_router(
        portal_router(portal=pages, readers=factory.readers, login=factory.login, landing=landing), prefix=prefix
    )
    return app
