"""Builds everything that one catalogue process needs, from its settings. The only place where parts meet."""

from dataclasses import dataclass
from typing import Self

import httpx

from beamtorch_catalogue.services.attachments import Attachments
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.downloads import Downloads
from beamtorch_catalogue.services.edits import Edits
from beamtorch_catalogue.services.facets import FacetCounter
from beamtorch_catalogue.services.facility import FacilityOffice
from beamtorch_catalogue.services.finding import Finder
from beamtorch_catalogue.services.identifiers import LocalHandles
from beamtorch_catalogue.services.ingest import Ingest
from beamtorch_catalogue.services.known_files import KnownFiles
from beamtorch_catalogue.services.modelling import Modelling
from beamtorch_catalogue.services.office.managing import OfficeBook
from beamtorch_catalogue.services.office.renewing import Renewal
from beamtorch_catalogue.services.preparing import Preparing
from beamtorch_catalogue.services.publishing import Publishing
from beamtorch_catalogue.services.readers import Readers
from beamtorch_catalogue.services.recordings import Recordings
from beamtorch_catalogue.services.registration import Registration
from beamtorch_catalogue.services.release_policy import Policy
from beamtorch_catalogue.services.releases import Releases
from beamtorch_catalogue.services.saved_searches import SavedSearches
from beamtorch_catalogue.services.search import Search
from beamtorch_catalogue.services.telling import Telling
from beamtorch_catalogue.services.thumbnails import Thumbnails
from beamtorch_catalogue.services.ways_postgresql import PostgresWays
from beamtorch_catalogue.services.ways_sqlite import SqliteWays
from beamtorch_catalogue.settings import CatalogueSettings
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import SqliteFullText, full_text
from beamtorch_facility.clock import Clock
from beamtorch_facility.data_layout import DataLayout
from beamtorch_identity.opening import open_directory
from beamtorch_identity.reader.client import NoReader, ReaderClient
from beamtorch_service.login import HubLogin

_HUB_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Factory:
    """The parts of a catalogue process."""

    settings: CatalogueSettings
    clock: Clock
    database: Database
    http: httpx.AsyncClient
    login: HubLogin
    readers: Readers
    search: Search
    datasets: Datasets
    edits: Edits
    searches: SavedSearches
    thumbnails: Thumbnails
    downloads: Downloads
    attachments: Attachments
    registration: Registration
    ingest: Ingest
    preparing: Preparing
    known_files: KnownFiles
    facility: FacilityOffice
    publishing: Publishing
    telling: Telling
    modelling: Modelling
    office_book: OfficeBook

    @classmethod
    def build(cls, settings: CatalogueSettings, *, clock: Clock) -> Self:
        """Build the parts; nothing is opened or asked yet."""
        database = Database(settings.database)
        words = full_text(is_sqlite=database.is_sqlite)
        directory = open_directory(settings.directory, for_pages=True)
        layout = DataLayout(settings.data_root)
        files = NoReader() if settings.reader is None else ReaderClient(settings.reader)
        # The Hub is asked inside the machine or the cluster; a proxy of the site does not know it.
        http = httpx.AsyncClient(timeout=_HUB_SECONDS, trust_env=False)
        modelling = Modelling.build(
            settings.models, database=database, full_text=words, directory=directory, clock=clock
        )
        datasets = Datasets(database=database, directory=directory, documents=modelling.documents)
        techniques, models = modelling.vocabulary.techniques, modelling.vocabulary.models
        minting = LocalHandles(settings.release.pid_prefix, catalogue=settings.catalogue_url)
        policy = Policy(settings.release.embargo_months, settings.release.released_to)
        follow = Releases(database=database, clock=clock, policy=policy).follow_again
        renewal = Renewal(full_text=words, directory=directory, follow=follow, documents=modelling.documents)
        recordings = Recordings(
            full_text=words,
            directory=directory,
            clock=clock,
            release=policy.release,
            naming=minting.pid,
            documents=modelling.documents,
        )
        readers = Readers(directory=directory, clock=clock)
        return cls(
            settings=settings,
            clock=clock,
            database=database,
            http=http,
            login=HubLogin(settings.hub, http),
            readers=readers,
            modelling=modelling,
            telling=Telling.build(database=database, readers=readers, clock=clock, settings=settings.changes),
            search=Search(
                database=database,
                finder=Finder(SqliteWays(words) if isinstance(words, SqliteFullText) else PostgresWays(words)),
                facets=FacetCounter(technique=techniques.label, texts=models.facets()),
                models=models,
                people=directory.people,
                technique=lambda text: sorted(techniques.narrower(techniques.technique_of(text) or text)),
            ),
            datasets=datasets,
            searches=SavedSearches(database=database, clock=clock, models=models),
            edits=Edits(
                database=database,
                full_text=words,
                directory=directory,
                clock=clock,
                datasets=datasets,
                documents=modelling.documents,
            ),
            thumbnails=Thumbnails(datasets=datasets, files=files, cache=settings.cache),
            downloads=Downloads(datasets=datasets, layout=layout, files=files),
            attachments=Attachments(database=database),
            publishing=Publishing.build(
                database=database, clock=clock, directory=directory, minting=minting, policy=policy
            ),
            registration=Registration(
                database=database, recordings=recordings, layout=layout, datasets=datasets, files=files
            ),
            ingest=Ingest(database=database, recordings=recordings),
            preparing=Preparing(layout),
            known_files=KnownFiles(database=database, clock=clock),
            facility=FacilityOffice(database=database, directory=directory, renewal=renewal),
            office_book=OfficeBook(database=database, directory=directory, renewal=renewal),
        )

    async def close(self) -> None:
        """Give everything back."""
        await self.modelling.aclose()
        await self.telling.aclose()
        await self.publishing.announcing.stop()
        await self.http.aclose()
        self.database.close()
