"""The catalogue as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from beamtorch_catalogue import routes
from beamtorch_catalogue.body_limit import BodyLimit
from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.portal import Portal, portal_router
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_service.frame import create_service

TITLE = "Beamtorch catalogue"


def create_app(settings: CatalogueSettings) -> FastAPI:
    """Return the application; its tables are brought up to date when it starts."""
    factory = Factory.build(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - the signature of a lifespan
        factory.database.upgrade()
        try:
            yield
        finally:
            await factory.close()

    prefix = settings.hub.prefix.rstrip("/")
    app = create_service(title=TITLE, version=version("beamtorch"), prefix=prefix, lifespan=lifespan)
    app.add_middleware(BodyLimit)
    app.include_router(routes.router(factory), prefix=prefix)
    app.include_router(factory.login.router(), prefix=prefix)
    pages = Portal(
        search=factory.search, datasets=factory.datasets, facility=factory.facility, downloads=factory.downloads
    )
    app.include_router(portal_router(portal=pages, readers=factory.readers, login=factory.login), prefix=prefix)
    return app
