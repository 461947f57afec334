"""Facilities for the tests of the demo: a whole one, made once, and small ones that need no simulation."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from beamtorch_hub.demo import DemoSpec, load_spec, make
from beamtorch_hub.demo.recipe import SimulatedCt
from beamtorch_hub.demo.spec import dump_spec
from beamtorch_hub.home import PlatformHome


@pytest.fixture(scope="session")
def spec() -> DemoSpec:
    return load_spec()


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> PlatformHome:
    """Return a home with the whole default facility; nobody may change it."""
    home = PlatformHome(tmp_path_factory.mktemp("platform"))
    make(home)
    return home


@pytest.fixture
def small_file(tmp_path, spec) -> Path:
    """Return the description of the default facility without simulated scans, made in a blink."""
    small = spec.model_copy(update={"datasets": tuple(d for d in spec.datasets if not is_simulated(d))})
    file = tmp_path / "small.yaml"
    file.write_text(dump_spec(small), encoding="utf-8")
    return file


@pytest.fixture
def home(tmp_path) -> PlatformHome:
    return PlatformHome(tmp_path / "home of 平台")


@pytest.fixture
def make_in_process() -> Callable[..., subprocess.Popen[str]]:
    """Return a function that makes a facility in a process of its own, which a test may kill."""
    program = (
        "import sys; from pathlib import Path; from beamtorch_hub.demo import make; "
        "from beamtorch_hub.home import PlatformHome; "
        "make(PlatformHome(Path(sys.argv[1])), Path(sys.argv[2]), say=lambda line: print(line, flush=True))"
    )

    def start(home: PlatformHome, file: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(home.root), str(file)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "error"},
        )

    return start


def is_simulated(dataset) -> bool:
    return isinstance(dataset.recipe, SimulatedCt)


@pytest.fixture
def tree() -> Callable[[Path], dict[str, bytes | None]]:
    """Return a function that gives every path below a folder with its content."""

    def read(root: Path) -> dict[str, bytes | None]:
        paths = sorted(root.rglob("*"))
        return {str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in paths}

    return read
