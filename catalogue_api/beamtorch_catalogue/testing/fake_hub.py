"""A Hub whose people and services may use the catalogue, unless their scopes say otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from beamtorch_service.testing import FakeHub, served

ACCESS = "access:services!service=catalogue"


@dataclass
class CatalogueHub(FakeHub):
    """The fake Hub, at an address."""

    api_url: str = ""

    def user(self, name: str, *, scopes: tuple[str, ...] = (ACCESS,)) -> str:
        """Let somebody have a token, and return it."""
        return self.issue(name, *scopes)

    def service(self, name: str, *, scopes: tuple[str, ...] = (ACCESS,)) -> str:
        """Let a service have a token, and return it."""
        return self.issue(name, *scopes, kind="service")


@contextmanager
def fake_hub() -> Iterator[CatalogueHub]:
    """Run a fake Hub on a free port of this machine."""
    hub = CatalogueHub()
    with served(hub) as hub.api_url:
        yield hub
