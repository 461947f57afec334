"""A catalogue with a small facility, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from beamtorch_catalogue.testing.world import World, small_world

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of one kind and of the other."""
    return empty_database(request, tmp_path)


@pytest.fixture(scope="session", params=KINDS)
def shared_world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One running catalogue for each kind of database."""
    place = tmp_path_factory.mktemp("world")
    with small_world(place, empty_database(request, place)) as world:
        yield world


@pytest.fixture
def world(shared_world: World) -> World:
    """A running catalogue with a facility and no data, on each kind of database."""
    shared_world.begin_again()
    return shared_world


@pytest.fixture(scope="module")
def light_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A running catalogue on SQLite that the tests of a module share, for what no database can change."""
    place = tmp_path_factory.mktemp("world")
    with small_world(place, f"sqlite:///{place}/catalogue.sqlite") as world:
        yield world


def empty_database(request: pytest.FixtureRequest, place: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{place}/catalogue.sqlite"
    made: str = request.getfixturevalue("new_postgres_database")()
    return made
