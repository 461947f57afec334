"""The stories can fail: without attach, the access function or the engine, the story that tells of it turns red.

A part is taken out from outside the product, by a `sitecustomize` on the path of every process of the platform. One of
the three runs each time, chosen by the seed; `./beamtorch test --deep` runs all and writes what it found.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.platform]

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "journeys-without-a-part.json"
DEEP = bool(os.environ.get("BEAMTORCH_DEEP"))
SEED = int(os.environ.get("BEAMTORCH_SEED", "7"))

ON_IMPORT = """
import importlib.abc, importlib.machinery, sys

class TakenOut(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != {module!r}:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            exec({change!r}, vars(module))
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, TakenOut())
"""


@dataclass(frozen=True)
class Part:
    """A part of the platform, how it is taken out, and the story that must notice."""

    name: str
    module: str
    change: str
    story: str


PARTS = (
    Part(
        "attach",
        "beamtorch_catalogue.attach",
        "def _make_link(folder, dataset): return folder / dataset.name, False",
        "test_a_scientist_reconstructs_a_slice.py::test_a_scientist_reconstructs_a_slice",
    ),
    Part(
        "access",
        "beamtorch_catalogue.services.access",
        "def readable(reader): return true()",
        "test_another_group_sees_nothing.py::test_the_rest_api_neither_finds_nor_opens_it",
    ),
    Part(
        "engine",
        "beamtorch_apps.ct.reconstruction",
        "import finufft, numpy\n"
        "class _Empty(finufft.Plan):\n"
        "    def execute(self, *given, **named): return numpy.zeros_like(super().execute(*given, **named))\n"
        "finufft.Plan = _Empty",
        "test_a_scientist_reconstructs_a_slice.py::test_a_scientist_reconstructs_a_slice",
    ),
)


@pytest.mark.parametrize("part", PARTS if DEEP else [PARTS[SEED % len(PARTS)]], ids=lambda part: part.name)
def test_without_this_part_its_story_turns_red(part, open_folder):
    # Labs and the catalogue are other users than the one who runs the tests.
    place = open_folder / part.name
    place.mkdir()
    (place / "sitecustomize.py").write_text(ON_IMPORT.format(module=part.module, change=part.change), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-q",
            f"tests/journeys/{part.story}[the demo facility]",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(place), "BEAMTORCH_PATIENCE": "15", "BEAMTORCH_PICTURES": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.strip().splitlines()[-1]
    if DEEP:
        keep(part.name, part.story, last)
    assert done.returncode == 1, done.stdout[-3000:]
    assert "1 failed" in last
    assert "error" not in last


def keep(part: str, story: str, outcome: str) -> None:
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    known[part] = {"story": story, "outcome": outcome}
    RESULTS.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
