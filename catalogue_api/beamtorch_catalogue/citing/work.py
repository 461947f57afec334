"""What can be cited, with as much as may be told about it."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from beamtorch_catalogue.wire.publications import Creator
from beamtorch_facility.words import Words

_HANDLE = re.compile(r"\d+(\.[A-Za-z0-9]+)+")
SPDX = "https://spdx.org/licenses/"
LICENCES = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "CC-BY-NC-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
}


class Stage(StrEnum):
    """How far something is open."""

    WITHHELD = "withheld"
    """Under embargo, or closed for good: that it exists is all that is told."""
    REGISTERED = "registered"
    """Everybody may know of it; whoever is registered may have it."""
    WORLD = "world"


class Relation(StrEnum):
    """How two works hang together; the words of DataCite."""

    HAS_PART = "HasPart"
    IS_PART_OF = "IsPartOf"
    IS_DERIVED_FROM = "IsDerivedFrom"


@dataclass(frozen=True)
class Related:
    """Another work."""

    relation: Relation
    pid: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Work:
    """A dataset or a publication. What is withheld has neither title nor creators."""

    pid: str
    url: str
    stage: Stage
    is_collection: bool = False
    title: Words | None
    creators: tuple[Creator, ...] = ()
    publisher: Words
    instrument: Words | None = None
    year: int
    """Of the release (DataCite: “use the date when the embargo period ends”), else of the measurement."""
    available_at: datetime | None = None
    """When it opens or opened; None: it does not."""
    measured_at: datetime | None = None
    abstract: Words | None = None
    licence: str | None = None
    subjects: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    size: int | None = None
    file_count: int | None = None
    local_id: str | None = None
    related: tuple[Related, ...] = ()

    @property
    def licence_url(self) -> str | None:
        """Where the licence can be read."""
        return None if self.licence is None else LICENCES.get(self.licence, f"{SPDX}{self.licence}.html")


def identifier_type(pid: str) -> str:
    """Return what kind of identifier this is: a DOI, another handle (RFC 3651), or one that only we know."""
    prefix = pid.partition("/")[0]
    if prefix.startswith("10."):
        return "DOI"
    return "Handle" if _HANDLE.fullmatch(prefix) else "Local"
