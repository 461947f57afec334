"""Which scan to open: from the catalogue with the person's own rights, or by the path of a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beamtorch_facility.dataset import DatasetId  # noqa: TC001 - the class of a field
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_apps.ct.data import Scan
    from beamtorch_catalogue.wire import DatasetSummary

TECHNIQUE = "tomography"
KINDS = ("raw", "simulated")
"""What can be reconstructed; a result cannot be again."""
MOST = 25


@dataclass(frozen=True)
class Chosen:
    """What to open: a file, or a folder with a scan in it."""

    path: Path
    name: str
    dataset: DatasetId | None = None
    size: int = 0
    rights: Words | None = None

    def facts(self, scan: Scan) -> dict[str, Any]:
        """Return what the header shows."""
        return {
            "id": self.dataset,
            "name": self.name,
            "bytes": self.size or scan.size,
            "energy": str(scan.energy) if scan.energy else None,
            "pixel_size": str(scan.pixel_size) if scan.pixel_size else None,
        }


class Finder:
    """Asks the catalogue in the person's name; without one, only paths can be opened."""

    def __init__(self, *, has_catalogue: bool, home_page: str = "") -> None:
        self.has_catalogue = has_catalogue
        self.home_page = home_page

    @classmethod
    def from_environment(cls) -> Finder:
        """Use the catalogue if this process has an address and a token for it."""
        given = os.environ
        has = bool(given.get("BEAMTORCH_CATALOGUE_URL") and given.get("JUPYTERHUB_API_TOKEN"))
        hub = given.get("JUPYTERHUB_BASE_URL", "")
        return cls(has_catalogue=has, home_page=f"{hub}hub/home" if hub else "")

    def search(self, query: str) -> dict[str, Any]:
        """Return tomography scans that match; a query that the catalogue refuses comes back with its reason."""
        if not self.has_catalogue:
            return {"q": query, "items": []}
        from beamtorch_catalogue.client import CatalogueClient  # noqa: PLC0415 - CT runs without a catalogue

        try:
            with CatalogueClient.from_environment() as client:
                pages = [client.search(query, kind=kind, technique=TECHNIQUE, limit=MOST) for kind in KINDS]
        except BeamtorchError as error:
            return {"q": query, "items": [], "problem": error.detail.model_dump()}
        found = [_item(one) for page in pages for one in page.datasets]
        return {"q": query, "items": sorted(found, key=lambda item: str(item["when"]), reverse=True)}

    def dataset(self, dataset: str) -> Chosen:
        """Attach a dataset and return where it is.

        Raises
        ------
        BeamtorchError
            If the person may not read it, or its files are gone; the text says whom to ask.
        """
        from beamtorch_catalogue.attach import attach  # noqa: PLC0415 - CT runs without a catalogue
        from beamtorch_catalogue.client import CatalogueClient  # noqa: PLC0415

        with CatalogueClient.from_environment() as client:
            found = client.dataset(dataset)
            # What the scan links to and is not needed may be missing; the reader says what is.
            attach(client, found.id, Path.home(), even_if_incomplete=True)
        rights = Words(en="you can read these files", zh="您可读取这些文件")
        return Chosen(Path(found.folder), found.name, found.id, found.size, rights)

    @staticmethod
    def path(path: str) -> Chosen:
        """Return a file or folder by its path."""
        place = Path(path).expanduser()
        return Chosen(place, place.stem or str(place))


def _item(found: DatasetSummary) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "sample": found.sample,
        "energy": str(found.energy) if found.energy else None,
        "bytes": found.size,
        "when": f"{found.measured_at:%Y-%m-%d}" if found.measured_at else "",
        "problem": found.problem.model_dump() if found.problem else None,
    }
