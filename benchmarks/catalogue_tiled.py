"""Tiled beside the catalogue: the same records, one node each, and the same kind of range query over HTTP.

Tiled is installed into an environment of its own, since its requirements are not ours. It takes one node per request
and knows no units, so energies are given to it in keV.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from answering import wait_until_it_answers
from catalogue_answers import Question

from beamtorch_catalogue.synthetic import Synthetic

TILED = "tiled[server,client]==0.2.20"
ENVIRONMENT = Path(__file__).parents[1] / ".venv.tiled"
CLIENT = Path(__file__).with_name("tiled_client.py")
KEY = "benchmark"


def measure_tiled(made: Synthetic, nodes: int, asked: list[Question], port: int) -> dict[str, Any]:
    """Fill a Tiled server with the first records and ask it for their ranges of energy."""
    programs = _installed()
    records = list(islice(made.datasets(nodes), nodes))
    ranges = [q.limits[1:3] for q in asked if q.limits and q.limits[0] == "energy" and not q.words]
    given = {"records": [_node(index, one) for index, one in enumerate(records)], "ranges": ranges}
    with tempfile.TemporaryDirectory() as place, _served(programs, Path(place), port) as address:
        told = subprocess.run(
            [str(programs / "python"), str(CLIENT), address],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
        )
    done = json.loads(told.stdout.splitlines()[-1])
    energies = [_keV(one["parameters"]["energy"]) for one in records]
    expected = [sum(low <= energy <= high for energy in energies) for low, high in ranges]
    return {
        "nodes": nodes,
        "nodes_per_s": round(nodes / done["ingest_seconds"], 1),
        "range_seconds": done["range_seconds"],
        "answers_right": sum(a == b for a, b in zip(done["totals"], expected, strict=True)),
        "answers": len(expected),
    }


def _node(index: int, one: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: value["value"] if isinstance(value, dict) else value for name, value in one["parameters"].items()}
    numbers["energy"] = _keV(one["parameters"]["energy"])
    return {"key": f"n{index}", "metadata": {**one, "parameters": numbers}}


def _keV(given: dict[str, Any]) -> float:  # noqa: N802 - a unit
    return float(given["value"] / 1000 if given["unit"] == "eV" else given["value"])


def _installed() -> Path:
    programs = ENVIRONMENT / "bin"
    if not (programs / "tiled").exists():
        print(f"installing {TILED} into {ENVIRONMENT.name} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([str(programs / "python"), "-m", "pip", "install", "-q", TILED], check=True)
    return programs


@contextmanager
def _served(programs: Path, place: Path, port: int) -> Iterator[str]:
    words = ["serve", "catalog", str(place / "catalog.db"), "--init", "--write", str(place / "data")]
    words += ["--api-key", KEY, "--port", str(port)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(place)}
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([str(programs / "tiled"), *words], env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(f"{address}/healthz")
        yield address
    finally:
        server.terminate()
        server.wait(30)
