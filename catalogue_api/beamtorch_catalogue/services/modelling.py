"""The parts that know the facility's techniques and metadata models, put together; one of each in a process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from anyio import to_thread

from beamtorch_catalogue.services.document_edits import DocumentEdits
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.model_cards import ModelCards
from beamtorch_catalogue.services.model_migration import ModelMigration
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.vocabulary import FacilityVocabulary
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import Directory


@dataclass(frozen=True, kw_only=True)
class Modelling:
    """Vocabulary, documents and their migration."""

    vocabulary: FacilityVocabulary
    documents: Documents
    edits: DocumentEdits
    cards: ModelCards
    migration: ModelMigration

    @classmethod
    def build(
        cls, folder: Path | None, *, database: Database, full_text: FullText, directory: Directory, clock: Clock
    ) -> Self:
        """Read the facility's folder and build the parts; nothing runs yet.

        Raises
        ------
        VocabularyFileError
            If a file of the folder cannot be used.
        """
        vocabulary = FacilityVocabulary.load(folder)
        documents = Documents(vocabulary.models)
        migration = ModelMigration(
            database=database, full_text=full_text, directory=directory, clock=clock, documents=documents
        )
        return cls(
            vocabulary=vocabulary,
            documents=documents,
            edits=DocumentEdits(
                database=database, full_text=full_text, directory=directory, clock=clock, documents=documents
            ),
            cards=ModelCards(database=database, vocabulary=vocabulary, migration=migration),
            migration=migration,
        )

    async def aclose(self) -> None:
        """Stop what runs."""
        await to_thread.run_sync(self.migration.stop)
