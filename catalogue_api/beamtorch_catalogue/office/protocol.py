"""What a way to the user office is, so that a facility can bring its own."""

from pathlib import Path
from typing import Protocol

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.words import Words

GROUP = "beamtorch.user_offices"
"""The entry points of further ways; each is an `OfficeFactory`, called by its name (``--from NAME PLACE``)."""


class OfficeError(CatalogueError):
    """The user office's records cannot be had, or make no sense; nothing was sent to the catalogue."""

    code = "user-office"
    exit_code = 2
    title = Words(en="The user office's records cannot be read", zh="无法读取用户办公室信息")


class UserOffice(Protocol):
    """Gives everything that the user office knows, or as much of it as the catalogue is to know."""

    def records(self) -> FacilityRecords:
        """Return all records, checked; raise `OfficeError`, with every fault that can be told, if there is one."""
        ...


class OfficeFactory(Protocol):
    """Opens a user office at a place: a folder, or a file that says how to ask."""

    def __call__(self, place: Path) -> UserOffice:
        """Return it; nothing is asked yet."""
        ...
