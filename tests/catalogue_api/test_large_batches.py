"""Large batches are read by a process of its own; what becomes of them when it ends, or when the catalogue does."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil
import pytest

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.process import CatalogueProcess

SECONDS = 30.0
LARGE, SMALL = 100, 2


class Running(NamedTuple):
    """A catalogue with a synthetic facility, and what to send it."""

    process: CatalogueProcess
    token: str
    made: Synthetic

    def send(self, count: int, first: int) -> httpx.Response:
        """Send some datasets."""
        return self.post(next(self.made.batches(count, count, first)))

    def post(self, body: bytes) -> httpx.Response:
        """Send a body to the door of the ingest."""
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        url = f"{self.process.url}datasets:bulk"
        return httpx.post(url, content=body, headers=headers, timeout=SECONDS, trust_env=False)

    def readers(self) -> list[psutil.Process]:
        """Return the processes that the catalogue started."""
        return psutil.Process(self.process.pid).children()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with fake_hub() as hub, CatalogueProcess(tmp_path, hub, f"sqlite:///{tmp_path}/catalogue.sqlite") as process:
        token = hub.service("ingest")
        made = Synthetic(proposals=5, root=str(process.data_root))
        with CatalogueClient(process.url, token) as client:
            client.import_facility(made.facility())
        yield Running(process, token, made)


def outcomes(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 200, answer.text
    return {one["outcome"] for one in answer.json()}


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_large_batch_is_taken_again_when_the_process_that_reads_it_was_ended(running: Running):
    assert outcomes(running.send(LARGE, 0)) == {"created"}
    (reader,) = running.readers()
    reader.kill()

    assert outcomes(running.send(LARGE, LARGE)) == {"created"}
    assert outcomes(running.send(LARGE, LARGE)) == {"unchanged"}


def test_small_batches_start_no_process(running: Running):
    assert outcomes(running.send(SMALL, 0)) == {"created"}
    assert running.readers() == []


def test_the_process_that_reads_ends_with_a_catalogue_that_is_killed(running: Running):
    assert outcomes(running.send(LARGE, 0)) == {"created"}
    (reader,) = running.readers()
    running.process.kill()

    until = time.monotonic() + SECONDS
    while not ended(reader) and time.monotonic() < until:
        time.sleep(0.05)
    assert ended(reader)


def test_what_is_wrong_with_a_large_batch_is_told_as_of_a_small_one(running: Running):
    body = next(running.made.batches(LARGE, LARGE)).replace(b'"kind": "raw"', b'"kind": "rare"', 1)
    answer = running.post(body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "kind" in answer.text
    assert "Traceback" not in running.process.log
