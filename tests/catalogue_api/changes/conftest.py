"""Changes written the way that everything writes them, and datasets to change."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.testing.receiver import Receiver, receiver
from beamtorch_catalogue.testing.world import World

Tell = Callable[..., None]


@pytest.fixture
def store(world: World) -> Iterator[Database]:
    """The database of the running catalogue, opened beside it as another process would."""
    database = Database(world.database)
    yield database
    database.close()


@pytest.fixture
def tell(store: Database) -> Tell:
    """Return a function that changes something: kind, name, action."""

    def tell(subject: str, name: str, action: str = "updated", *, by: str = "sam", **more: object) -> None:
        with store.writing() as session:
            noted = Noted(subject=subject, subject_id=name, action=action, **more)  # type: ignore[arg-type]
            note(session, [noted], by=by, at=datetime.now(UTC))

    return tell


@pytest.fixture
def mine(world: World) -> str:
    """A dataset of the team, at a beamline with staff."""
    return world.client("ingest").ingest([world.record("tooth")])[0].dataset


@pytest.fixture
def theirs(world: World) -> str:
    """A dataset of the other team, at another beamline."""
    return world.client("ingest").ingest([world.record("cathode", "BT-2")])[0].dataset


@pytest.fixture
def told() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiver() as running:
        yield running
