"""A Hub for tests that starts and stops servers, and asks the spawner service for admission as the real one does."""

from beamtorch_spawner.testing.fake_hub_api import FakeJupyterHub, Lab

__all__ = ["FakeJupyterHub", "Lab"]
