"""What can be expected to go wrong with the catalogue, on either side of the wire."""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class CatalogueError(BeamtorchError):
    """The base of the catalogue's expected errors."""

    code = "catalogue"
    title = Words(en="The catalogue cannot do this", zh="数据目录无法完成此操作")
