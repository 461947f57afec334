"""What the lab's server finds wrong by itself; all else is the catalogue's own words, passed on."""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class LabExtensionError(BeamtorchError):
    """The base of what this package reports."""

    code = "lab-extension-error"


class MalformedRequestError(LabExtensionError):
    """The page asked for something that cannot be meant."""

    code = "malformed-request"
    status = 422
    title = Words(en="The request was not understood", zh="无法理解该请求")
