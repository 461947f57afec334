"""A reader as a process, and data with rights on the disk."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from beamtorch_facility.directory import dump_people
from beamtorch_identity.reader.testing import PEOPLE, TASKS, Site, new_site, running_reader


@contextmanager
def running(site: Site, *options: str) -> Iterator[Site]:
    with running_reader(
        socket=site.socket, root=site.root, directory=site.directory, options=[*TASKS, *options], log=site.log
    ) as site.process:
        yield site


@pytest.fixture(scope="module")
def shared_site() -> Iterator[Site]:
    """One reader for a module; not below pytest's folder, which is closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix="reader-") as place, running(new_site(Path(place))) as site:
        yield site


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The module's site with nobody's files and the usual people."""
    shutil.rmtree(shared_site.root)
    shared_site.root.mkdir(mode=0o755)
    shared_site.directory.write_text(dump_people(PEOPLE), encoding="utf-8")
    return shared_site


@pytest.fixture
def start() -> Iterator[Callable[..., Site]]:
    """Return a function that starts a reader of its own with options."""
    with ExitStack() as stack:

        def begin(*options: str, before: Callable[[Site], object] = lambda _: None) -> Site:
            place = stack.enter_context(tempfile.TemporaryDirectory(prefix="reader-"))
            site = new_site(Path(place))
            before(site)
            return stack.enter_context(running(site, *options))

        yield begin
