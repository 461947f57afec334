"""A catalogue with a small facility, on SQLite and on PostgreSQL."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from beamtorch_catalogue.testing.world import World, small_world

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own on a socket in a temporary folder; gives a URL without a database."""
    if not POSTGRES:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed; CI may not do without (apt-get install postgresql)")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # A path of a socket has at most 107 characters, which pytest's own folders exceed.
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if as_other:
        os.chown(place, 65534, 65534)
    tools = POSTGRES[-1].parent
    data = place / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_other, *command], check=True, capture_output=True, cwd=place, timeout=60)

    run(str(tools / "initdb"), "-D", str(data), "-U", "catalogue", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-F -c listen_addresses= -c unix_socket_directories={place}"
    run(str(tools / "pg_ctl"), "-D", str(data), "-l", str(place / "log"), "-w", "-o", settings, "start")
    try:
        yield f"postgresql+psycopg://catalogue@/{{name}}?host={place}"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


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
    server = request.getfixturevalue("postgres")
    name = f"t_{abs(hash(place)):x}"
    host = server.partition("host=")[2]
    with psycopg.connect(f"host={host} user=catalogue dbname=postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.format(name=name)
