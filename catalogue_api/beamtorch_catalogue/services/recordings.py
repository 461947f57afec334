"""What every batch of records needs, held once."""

from sqlalchemy.orm import Session

from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.recording import Naming, Recording, Release
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import Directory


class Recordings:
    """Begins batches."""

    def __init__(
        self,
        *,
        full_text: FullText,
        directory: Directory,
        clock: Clock,
        release: Release,
        naming: Naming,
        documents: Documents,
    ) -> None:
        self._full_text, self._directory, self._clock = full_text, directory, clock
        self._release, self._naming, self.documents = release, naming, documents

    def begin(self, session: Session, reader: Reader) -> Recording:
        """Return a batch in somebody's name."""
        return Recording(
            session=session,
            full_text=self._full_text,
            people=self._directory.people(),
            by=reader.name,
            at=self._clock.now(),
            release=self._release,
            naming=self._naming,
            documents=self.documents,
        )
