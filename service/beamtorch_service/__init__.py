"""What every HTTP service of the platform shares: who is calling (the Hub says), problem documents, the app's frame."""

from beamtorch_service.caller import Caller, HubUnreachableError, NotSignedInError, NotYourServiceError
from beamtorch_service.frame import create_service
from beamtorch_service.login import HubLogin
from beamtorch_service.settings import HubSettings

__all__ = [
    "Caller",
    "HubLogin",
    "HubSettings",
    "HubUnreachableError",
    "NotSignedInError",
    "NotYourServiceError",
    "create_service",
]
