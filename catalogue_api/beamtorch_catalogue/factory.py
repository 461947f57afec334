"""Builds everything that one catalogue process needs, from its settings. The only place where parts meet."""

from dataclasses import dataclass
from typing import Self

import httpx

from beamtorch_catalogue.services.attachments import Attachments
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.downloads import Downloads
from beamtorch_catalogue.services.facility import FacilityOffice
from beamtorch_catalogue.services.ingest import Ingest
from beamtorch_catalogue.services.readers import Readers
from beamtorch_catalogue.services.registration import Registration
from beamtorch_catalogue.services.search import Search
from beamtorch_catalogue.services.thumbnails import Thumbnails
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import full_text
from beamtorch_facility.data_layout import DataLayout
from beamtorch_identity.opening import open_directory
from beamtorch_identity.reader.client import NoReader, ReaderClient
from beamtorch_service.login import HubLogin

_HUB_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Factory:
    """The parts of a catalogue process."""

    settings: CatalogueSettings
    database: Database
    http: httpx.AsyncClient
    login: HubLogin
    readers: Readers
    search: Search
    datasets: Datasets
    thumbnails: Thumbnails
    downloads: Downloads
    attachments: Attachments
    registration: Registration
    ingest: Ingest
    facility: FacilityOffice

    @classmethod
    def build(cls, settings: CatalogueSettings) -> Self:
        """Build the parts; nothing is opened or asked yet."""
        database = Database(settings.database)
        words = full_text(is_sqlite=database.is_sqlite)
        directory = open_directory(settings.directory, for_pages=True)
        layout = DataLayout(settings.data_root)
        datasets = Datasets(database=database, directory=directory)
        files = NoReader() if settings.reader is None else ReaderClient(settings.reader)
        # The Hub is asked inside the machine or the cluster; a proxy of the site does not know it.
        http = httpx.AsyncClient(timeout=_HUB_SECONDS, trust_env=False)
        return cls(
            settings=settings,
            database=database,
            http=http,
            login=HubLogin(settings.hub, http),
            readers=Readers(directory=directory),
            search=Search(database=database, full_text=words),
            datasets=datasets,
            thumbnails=Thumbnails(datasets=datasets, files=files, cache=settings.cache),
            downloads=Downloads(datasets=datasets, layout=layout, files=files),
            attachments=Attachments(database=database),
            registration=Registration(
                database=database,
                full_text=words,
                directory=directory,
                layout=layout,
                datasets=datasets,
                files=files,
            ),
            ingest=Ingest(database=database, full_text=words, directory=directory, layout=layout),
            facility=FacilityOffice(database=database, full_text=words, directory=directory),
        )

    async def close(self) -> None:
        """Give everything back."""
        await self.http.aclose()
        self.database.close()
