"""A Hub for tests: keeps tokens and sign-ins, answers as JupyterHub's REST API does."""

from beamtorch_service.testing.fake_hub import FakeHub

__all__ = ["FakeHub"]
