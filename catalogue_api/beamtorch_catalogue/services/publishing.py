"""Everything about release, publication and provenance, built together."""

from dataclasses import dataclass
from typing import Self

from beamtorch_catalogue.services.announcing import Announcing
from beamtorch_catalogue.services.identifiers import Minting
from beamtorch_catalogue.services.landings import Landings
from beamtorch_catalogue.services.provenance import Provenances
from beamtorch_catalogue.services.publications import Publications
from beamtorch_catalogue.services.release_policy import Policy
from beamtorch_catalogue.services.releases import Releases
from beamtorch_catalogue.services.works import Works
from beamtorch_catalogue.stores.database import Database
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import Directory


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """The parts."""

    releases: Releases
    announcing: Announcing
    publications: Publications
    provenances: Provenances
    landings: Landings

    @classmethod
    def build(cls, *, database: Database, clock: Clock, directory: Directory, minting: Minting, policy: Policy) -> Self:
        """Build the parts; nothing is opened or asked yet."""
        works = Works(minting=minting, directory=directory)
        return cls(
            releases=Releases(database=database, clock=clock, policy=policy),
            announcing=Announcing(database=database, clock=clock),
            publications=Publications(database=database, clock=clock, minting=minting, works=works),
            provenances=Provenances(database=database),
            landings=Landings(database=database, clock=clock, works=works),
        )
