"""A catalogue whose facility has the two example models, on each kind of database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from beamtorch_catalogue.testing.laboratory import Laboratory
from beamtorch_catalogue.testing.world import World

EXAMPLES = Path(__file__).parents[2] / "data" / "models"


def prepared(world: World, folder: Path) -> Laboratory:
    folder.mkdir()
    for path in EXAMPLES.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return Laboratory(world, folder)


@pytest.fixture
def laboratory(world: World, tmp_path: Path) -> Iterator[Laboratory]:
    """A facility with the example models, not running yet."""
    made = prepared(world, tmp_path / "models")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def shared_laboratory(shared_world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """The same, running, for all tests of a module."""
    made = prepared(shared_world, tmp_path_factory.mktemp("laboratory") / "models")
    with made.started():
        yield made
    made.store.close()


@pytest.fixture
def running(shared_laboratory: Laboratory, world: World) -> Laboratory:  # noqa: ARG001 - begins again with no data
    """The same, running and without data."""
    return shared_laboratory
