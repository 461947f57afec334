"""What the tests of CT stand on: the command, the real tooth, and scans with known truth."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from beamtorch_hub.command import main

TOOTH = Path(__file__).parents[1] / "data" / "ct" / "tooth.h5"
DIAD = Path(__file__).parents[3] / "shared" / "data" / "ct" / "k11-diad"


@dataclass(frozen=True)
class Said:
    """What a call of the command said."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        """The JSON that it printed."""
        return json.loads(self.out)


@pytest.fixture
def ct(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Return the `beamtorch ct` command, called in this process through its front door."""

    def call(*words: object) -> Said:
        capsys.readouterr()
        code = main(["ct", *(str(word) for word in words)])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return call


def command(*words: object, **how: Any) -> subprocess.CompletedProcess[str]:
    """Call `beamtorch ct` in a process of its own."""
    line = [sys.executable, "-m", "beamtorch_hub", "ct", *(str(word) for word in words)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False, env=environment, **how)


@pytest.fixture
def apart() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return the command as a process of its own."""
    return command


@pytest.fixture(scope="session")
def tooth() -> Path:
    """The real scan that the project ships."""
    return TOOTH


@pytest.fixture(scope="session")
def diad() -> Path:
    """A real scan of the DIAD beamline with links to other files, where it is at hand."""
    if not DIAD.is_dir():
        pytest.skip("the DIAD scan is not shipped and not at hand (../shared/data/ct/k11-diad)")
    return DIAD / "k11-18014.nxs"


@pytest.fixture(scope="session")
def grains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated NXtomo scan: 9 rows of 128 columns, axis at 61.7."""
    path = tmp_path_factory.mktemp("scans") / "grains.nxs"
    words = ("--seed", 7, "--size", 128, "--rows", 9, "--projections", 150, "--axis", 61.7, "--name", "grains 7")
    assert main(["ct", "simulate", str(path), *map(str, words), "--pixel-size", "1.5", "--flats", "both"]) == 0
    return path
