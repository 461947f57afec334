"""A Hub for tests: keeps tokens and sign-ins, answers as JupyterHub's REST API does."""

from beamtorch_service.testing.fake_hub import FakeHub
from beamtorch_service.testing.served import served

__all__ = ["FakeHub", "served"]
