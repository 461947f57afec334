"""The spawner service as one application: its parts, its routes, and what happens when it starts and stops."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from beamtorch_service import create_service
from beamtorch_spawner.factory import Parts, build
from beamtorch_spawner.routes.admissions import admissions_router
from beamtorch_spawner.routes.leases import leases_router
from beamtorch_spawner.routes.operations import operations_router
from beamtorch_spawner.routes.quotas import quotas_router
from beamtorch_spawner.routes.refresh import refresh_router
from beamtorch_spawner.routes.ssh import ssh_router
from beamtorch_spawner.routes.terminals import terminals_router
from beamtorch_spawner.routes.userpod import userpod_router
from beamtorch_spawner.routes.users import users_router
from beamtorch_spawner.settings import SpawnerSettings


def create_app(settings: SpawnerSettings) -> FastAPI:
    """Return the application; its database is brought up to date when it starts, not before."""
    parts = build(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(parts.database.upgrade)
        parts.workers.start()
        yield
        await parts.workers.stop()
        for background in parts.backgrounds:
            await background.aclose()
        await parts.stream.aclose()
        await parts.http.aclose()
        if parts.cluster is not None:
            await parts.cluster.aclose()
        parts.database.close()

    app = create_service(
        title="Beamtorch spawner", version=version("beamtorch"), prefix=settings.hub.prefix, lifespan=lifespan
    )
    for router in _routers(parts):
        app.include_router(router, prefix=settings.hub.prefix.rstrip("/"))
    return app


def _routers(parts: Parts) -> tuple[APIRouter, ...]:
    access = parts.access
    return (
        admissions_router(
            access=access,
            admissions=parts.admissions,
            starts=parts.starts,
            leases=parts.leases,
            declarations=parts.declarations,
        ),
        leases_router(access=access, leases=parts.leases, endings=parts.endings),
        userpod_router(access=access, userpods=parts.userpods),
        users_router(access=access, people=parts.people),
        terminals_router(access=access, terminals=parts.terminals, sessions=parts.sessions),
        quotas_router(access=access, quotas=parts.quotas, usage=parts.usage),
        ssh_router(access=access, door=parts.ssh),
        refresh_router(access=access, reconciler=parts.reconciler),
        operations_router(access=access, story=parts.story, stream=parts.stream, metrics=parts.metrics),
    )
