"""Ways to the user office: each gives the same records, whatever the office keeps them in."""

from beamtorch_catalogue.office.opening import open_office
from beamtorch_catalogue.office.protocol import OfficeError, UserOffice

__all__ = ["OfficeError", "UserOffice", "open_office"]
