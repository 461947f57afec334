"""A lab's server as a process of its own, beside a small catalogue."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from beamtorch_catalogue.wire import Dataset, FileRecord
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words
from beamtorch_labextensions.testing.fake_catalogue import FakeCatalogue, fake_catalogue

LAB_TOKEN = "lab-token"
OTHERS = dict.fromkeys(("jupyter_lsp", "jupyterlab", "notebook_shim", "voila.server_extension"), False)
"""What else is installed; it only costs time."""


def make_dataset(name: str, *files: Path | str, **changes: Any) -> Dataset:
    """Describe a dataset as the catalogue would."""
    paths = [Path(file) for file in files]
    record = {
        "id": f"ds-{name.lower().replace(' ', '-')}",
        "name": name,
        "kind": "raw",
        "technique": "tomography",
        "beamline": "BL-B7",
        "beamline_name": Words(en="B7 imaging", zh="B7 成像线站"),
        "proposal": "2026-1417",
        "beamtime": "BT-26-0417",
        "sample": "molar",
        "sample_description": Words(en="Human molar", zh="人磨牙"),
        "measured_at": datetime(2026, 11, 3, 4, 12, tzinfo=UTC),
        "size": 12_600_000_000,
        "file_count": len(paths),
        "energy": Quantity(value=25, unit="keV"),
        "state": "complete",
        "problem": None,
        "folder": str(paths[0].parent),
        "files": [FileRecord(path=str(path), size=1000, format=changes.pop("format", "")) for path in paths],
        "parameters": {"energy": Quantity(value=25, unit="keV"), "projections": Quantity(value=181)},
        "proposal_title": Words(en="Enamel under heat", zh="受热牙釉质"),
        "principal_investigator": "emarsh",
        "parents": [],
        "children": [],
        "software": None,
        "readers": [Words(en="team 2026-1417", zh="课题组 2026-1417")],
    }
    return Dataset.model_validate(record | changes)


@dataclass(frozen=True)
class Lab:
    """A running lab's server."""

    url: str
    home: Path

    def ask(self, method: str, path: str, *, token: str = LAB_TOKEN, **how: Any) -> httpx.Response:
        """Ask a door below /beamtorch/."""
        headers = {"Authorization": f"token {token}"} if token else {}
        return httpx.request(method, f"{self.url}beamtorch/{path}", headers=headers, timeout=20, trust_env=False, **how)


@contextmanager
def running_lab(
    folder: Path, environment: dict[str, str], eventually: Callable[..., None], module: str = "jupyter_server"
) -> Iterator[Lab]:
    """Run a Jupyter server with our extension until the end of the block."""
    home, runtime = folder / "home", folder / "runtime"
    home.mkdir(parents=True)
    variables = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    extensions = OTHERS | {"beamtorch_labextensions": True, module: True}
    command = [
        sys.executable,
        "-m",
        module,
        "--allow-root",
        "--no-browser",
        "--port=0",
        f"--IdentityProvider.token={LAB_TOKEN}",
    ]
    command += [f"--ServerApp.jpserver_extensions={extensions}", f"--ServerApp.root_dir={home}"]
    with (folder / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, env=variables | environment, stdout=log, stderr=log)
    try:
        told = runtime / f"jpserver-{process.pid}.json"
        eventually(lambda: process.poll() is not None or _answers(told), seconds=60)
        assert process.poll() is None, (folder / "lab.log").read_text()
        yield Lab(json.loads(told.read_text())["url"], home)
    finally:
        process.terminate()
        process.wait(20)


def _answers(told: Path) -> bool:
    try:
        return httpx.get(json.loads(told.read_text())["url"] + "api", trust_env=False).is_success
    except (OSError, ValueError, httpx.HTTPError):
        return False


@pytest.fixture
def catalogue(the_catalogue: FakeCatalogue) -> Iterator[FakeCatalogue]:
    """An empty catalogue."""
    yield the_catalogue
    the_catalogue.datasets.clear()
    the_catalogue.attachments.clear()
    the_catalogue.thumbnails.clear()
    the_catalogue.trouble = None
    the_catalogue.gate.set()


@pytest.fixture(scope="module")
def the_catalogue() -> Iterator[FakeCatalogue]:
    with fake_catalogue() as catalogue:
        yield catalogue


@pytest.fixture(scope="module")
def lab(
    the_catalogue: FakeCatalogue, tmp_path_factory: pytest.TempPathFactory, eventually: Callable[..., None]
) -> Iterator[Lab]:
    """A lab that knows the catalogue."""
    with running_lab(tmp_path_factory.mktemp("lab"), the_catalogue.environment, eventually) as lab:
        yield lab


@pytest.fixture
def dataset_of() -> Callable[..., Dataset]:
    """Return the function that describes datasets."""
    return make_dataset


@pytest.fixture
def start_lab() -> Callable[..., Any]:
    """Return the function that runs a lab."""
    return running_lab
