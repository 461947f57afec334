"""The spawner service as one application: its parts, its routes, and what happens when it starts and stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from beamtorch_service import create_service
from beamtorch_spawner.factory import build
from beamtorch_spawner.routes.spawner import spawner_router
from beamtorch_spawner.settings import SpawnerSettings


def create_app(settings: SpawnerSettings) -> FastAPI:
    """Return the application; its database is brought up to date when it starts, not before."""
    parts = build(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(parts.database.upgrade)
        yield
        await parts.hub.aclose()
        parts.database.close()

    app = create_service(
        title="Beamtorch spawner", version=version("beamtorch"), prefix=settings.hub.prefix, lifespan=lifespan
    )
    router = spawner_router(
        access=parts.access, admissions=parts.admissions, leases=parts.leases, directory=parts.directory
    )
    app.include_router(router, prefix=settings.hub.prefix.rstrip("/"))
    return app
