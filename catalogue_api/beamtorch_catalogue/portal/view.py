"""From what the services answer to what the pages show. Blocking, so the doors call it in a thread."""

from dataclasses import dataclass
from typing import Self

from beamtorch_catalogue.factory import Factory
from beamtorch_catalogue.portal.finding import Finding
from beamtorch_catalogue.portal.showing import Showing
from beamtorch_catalogue.services.downloads import Downloads
from beamtorch_catalogue.services.facility import FacilityOffice
from beamtorch_catalogue.vocabulary import FacilityVocabulary


@dataclass(frozen=True, kw_only=True)
class Portal:
    """What the pages ask; every answer comes from the services, so that nothing passes by the access function."""

    finding: Finding
    showing: Showing
    facility: FacilityOffice
    downloads: Downloads
    vocabulary: FacilityVocabulary

    @classmethod
    def of(cls, factory: Factory) -> Self:
        """Return the portal of a catalogue."""
        vocabulary = factory.modelling.vocabulary
        return cls(
            finding=Finding(search=factory.search, vocabulary=vocabulary),
            showing=Showing(
                datasets=factory.datasets,
                landings=factory.publishing.landings,
                history=factory.telling.history,
                vocabulary=vocabulary,
            ),
            facility=factory.facility,
            downloads=factory.downloads,
            vocabulary=vocabulary,
        )
