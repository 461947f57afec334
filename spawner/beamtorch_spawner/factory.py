"""Builds the objects of the spawner service, once, from its settings."""

from dataclasses import dataclass

import httpx

from beamtorch_facility.directory import Directory, YamlDirectory
from beamtorch_service import HubLogin
from beamtorch_spawner.clock import SystemClock
from beamtorch_spawner.routes.access import Access
from beamtorch_spawner.services.admissions import Admissions
from beamtorch_spawner.services.grants import Facts
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.settings import SpawnerSettings
from beamtorch_spawner.stores.database import Database

HUB_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The objects that the application is made of."""

    database: Database
    hub: httpx.AsyncClient
    directory: Directory
    access: Access
    admissions: Admissions
    leases: LeaseBook


def build(settings: SpawnerSettings) -> Parts:
    """Return the objects for some settings; nothing is opened or asked yet."""
    clock = SystemClock()
    database = Database(settings.database)
    # The Hub is on this machine or in this cluster; a proxy for the internet must not get its tokens.
    hub = httpx.AsyncClient(timeout=HUB_SECONDS, trust_env=False)
    directory = YamlDirectory(settings.directory)
    facts = Facts(public_url=settings.public_url, data_root=settings.data_root, homes=settings.homes)
    return Parts(
        database=database,
        hub=hub,
        directory=directory,
        access=Access(login=HubLogin(settings.hub, hub), directory=directory),
        admissions=Admissions(
            database=database, directory=directory, environments=settings.environments, facts=facts, clock=clock
        ),
        leases=LeaseBook(database=database, clock=clock),
    )
