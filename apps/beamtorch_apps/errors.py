"""What can be expected to go wrong in an app; each app adds its own below."""

from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words


class AppError(BeamtorchError):
    """The base of every expected failure of an app."""

    code = "app-error"
    title = Words(en="The app could not do this", zh="应用未能完成此操作")
