"""A running catalogue whose clock a test sets, on both databases, and ways to look at what was noted."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Change
from beamtorch_catalogue.testing.world import World, small_world
from beamtorch_spawner.testing.set_clock import SetClock

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
START = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPENS = datetime(2029, 10, 8, tzinfo=UTC)
"""36 months after both beamtimes of the small world."""


@dataclass
class Archive:
    """The catalogue, its clock and its database."""

    world: World
    clock: SetClock
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def at(self, moment: datetime) -> None:
        """Set the clock."""
        self.clock.wall = moment

    def ask(self, role: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request as somebody; `nobody` sends no token."""
        headers = {} if role == "nobody" else {"Authorization": f"token {self.world.tokens[role]}"}
        if role not in self.clients:
            self.clients[role] = httpx.Client(base_url=self.world.url, headers=headers, timeout=60)
        return self.clients[role].request(method, path, **more)

    def add(self, name: str, beamtime: str = "BT-1", **changes: Any) -> str:
        """Catalogue a dataset and return its name."""
        (made,) = self.world.client("ingest").ingest([self.world.record(name, beamtime, **changes)])
        assert made.dataset is not None, made
        return str(made.dataset)

    def pid(self, dataset: str) -> str:
        """Return the identifier of a dataset."""
        return str(self.ask("ingest", "GET", f"datasets/{dataset}").json()["pid"])

    def noted(self, *actions: str) -> list[tuple[str, str, str, Any, Any]]:
        """Return what was noted, oldest first: subject, its name, action, before and after."""
        database = Database(self.world.database)
        with database.reading() as session:
            rows = session.scalars(select(Change).where(Change.action.in_(actions)).order_by(Change.number)).all()
            found = [(r.subject, r.subject_id, r.action, _read(r.before), _read(r.after)) for r in rows]
        database.close()
        return found

    def close(self) -> None:
        """Give all connections back."""
        for client in self.clients.values():
            client.close()


def _read(text: str | None) -> Any:
    return None if text is None else json.loads(text)


@pytest.fixture(scope="session", params=KINDS)
def shared_archive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """One running catalogue with a set clock for each kind of database."""
    place = tmp_path_factory.mktemp("archive")
    if request.param == "sqlite":
        database = f"sqlite:///{place}/catalogue.sqlite"
    else:
        database = request.getfixturevalue("new_postgres_database")()
    clock = SetClock()
    with small_world(place, database, clock=clock) as world:
        archive = Archive(world, clock)
        yield archive
        archive.close()


@pytest.fixture
def opens() -> datetime:
    """When the data of both beamtimes open, unless somebody decides otherwise."""
    return OPENS


@pytest.fixture
def archive(shared_archive: Archive) -> Archive:
    """A running catalogue with a facility and no data, in November 2026."""
    shared_archive.at(START)
    shared_archive.world.begin_again()
    return shared_archive
