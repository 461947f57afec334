"""Two catalogue processes deliver while one or the other is killed: exactly the committed changes arrive, in order."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import select

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Change
from beamtorch_catalogue.testing.fake_hub import CatalogueHub, fake_hub
from beamtorch_catalogue.testing.receiver import Receiver, receiver
from beamtorch_catalogue.testing.world import facility_records, write_people
from beamtorch_catalogue.webhooks import verify
from beamtorch_catalogue.wire import ChangeEvent, DatasetRecord, FileRecord
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.proposal import BeamtimeId

KILLS = 100 if os.environ.get("BEAMTORCH_DEEP") else 4
START_SECONDS = 60


@dataclass
class Process:
    """One catalogue process at an address of its own, which it keeps."""

    folder: Path
    hub: CatalogueHub
    database: str
    port: int = 0
    running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/catalogue/"

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "JUPYTERHUB_SERVICE_NAME": "catalogue",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/catalogue/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}",
            "JUPYTERHUB_API_URL": self.hub.api_url,
            "JUPYTERHUB_API_TOKEN": "own-secret-token",
            "BEAMTORCH_CATALOGUE_DATABASE": self.database,
            "BEAMTORCH_DIRECTORY": str(self.folder / "directory.yaml"),
            "BEAMTORCH_DATA_ROOT": str(self.folder / "data"),
            "BEAMTORCH_CATALOGUE_CACHE": str(self.folder / "cache"),
            "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1:1/",
            "BEAMTORCH_WEBHOOK_HTTP": "yes",
            "BEAMTORCH_WEBHOOK_NETWORKS": "127.0.0.0/8",
            "BEAMTORCH_WEBHOOK_SECONDS": "1",
        }
        with (self.folder / f"log-{self.port}").open("wb") as log:
            command = [sys.executable, "-m", "beamtorch_catalogue"]
            self.running = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        until = time.monotonic() + START_SECONDS
        while not self.answers():
            assert time.monotonic() < until, (self.folder / f"log-{self.port}").read_text()
            assert self.running.poll() is None, (self.folder / f"log-{self.port}").read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait()


@dataclass
class Writers:
    """Change things without a pause, through the processes and beside them; some of it is rolled back."""

    processes: list[Process]
    admin: str
    ingest: str
    store: Database
    root: Path
    stop: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> None:
        for work in (self._beside, self._keys, self._bulk):
            self.threads.append(threading.Thread(target=self._again, args=(work,), daemon=True))
            self.threads[-1].start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=60)
            assert not thread.is_alive()

    def _again(self, work: Callable[[int], None]) -> None:
        step = 0
        while not self.stop.is_set():
            # A process that was killed in the middle refuses, or hangs up; what it committed is in the table.
            with contextlib.suppress(CatalogueError, InterruptedError):
                work(step)
            step += 1
            time.sleep(0.05)

    def _beside(self, step: int) -> None:
        with self.store.writing() as session:
            is_kept = step % 3 != 0
            noted = Noted(
                subject="dataset", subject_id=f"ds-{step % 4}", action="edited" if is_kept else "never", version=step
            )
            note(session, [noted], by="ada", at=datetime.now(UTC))
            if not is_kept:
                raise InterruptedError

    def _keys(self, step: int) -> None:
        with CatalogueClient(self.processes[step % len(self.processes)].url, self.admin) as client:
            made = client.make_key(["read"], expires_at=datetime.now(UTC) + timedelta(days=1), note=str(step))
            client.withdraw_key(made.number)

    def _bulk(self, step: int) -> None:
        with CatalogueClient(self.processes[step % len(self.processes)].url, self.ingest) as client:
            client.ingest([self._record(f"scan{number}", step) for number in range(5)])

    def _record(self, name: str, step: int) -> DatasetRecord:
        path = self.root / "BL1" / "202610" / "Data" / "BT-1" / "raw" / name / f"{name}.h5"
        return DatasetRecord(
            source_id=str(path.parent),
            name=f"{name} as of {step}",
            kind=DatasetKind.RAW,
            beamtime=BeamtimeId("BT-1"),
            files=(FileRecord(path=str(path), size=4, format="HDF5"),),
        )


def test_exactly_the_committed_changes_arrive_in_order_whatever_is_killed(
    database: str, tmp_path: Path, eventually, keep_result
):
    chance = random.Random(6)
    write_people(tmp_path / "directory.yaml")
    with fake_hub() as hub, receiver() as told, processes(tmp_path, hub, database) as both:
        tokens = hub.user("root"), hub.service("ingest")
        with CatalogueClient(both[0].url, tokens[1]) as client:
            client.import_facility(facility_records())
        store = Database(database)
        with CatalogueClient(both[0].url, tokens[0]) as client:
            hook = client.make_webhook(told.url, after=0)
        with Writers(both, *tokens, store, tmp_path / "data"):
            for _ in range(KILLS):
                time.sleep(chance.uniform(0.2, 2.0))
                told.answers += [500] * (chance.random() < 0.3)
                victim = chance.choice(both)
                victim.kill()
                victim.start()
        committed = numbers(store)
        eventually(lambda: len(told.heard) >= len(committed), seconds=120)
        store.close()
        judge(told, committed, hook.secret)
    keep_result("killed-while-telling", kills=KILLS, committed=len(committed), heard=len(told.heard))


def test_a_process_that_is_told_to_end_does_so_although_somebody_listens(tmp_path: Path):
    write_people(tmp_path / "directory.yaml")
    with fake_hub() as hub:
        process = Process(tmp_path, hub, f"sqlite:///{tmp_path}/catalogue.sqlite")
        process.start()
        assert process.running is not None
        headers = {"Authorization": f"token {hub.user('root')}"}
        try:
            with httpx.stream("GET", f"{process.url}events", headers=headers, timeout=30, trust_env=False) as answer:
                lines = answer.iter_lines()
                assert next(lines) == "id: 0"
                process.running.send_signal(signal.SIGTERM)
                list(lines)
            assert process.running.wait(timeout=30) in {0, -signal.SIGTERM}
        finally:
            process.kill()
    said = (tmp_path / f"log-{process.port}").read_text()
    assert "Traceback" not in said


def judge(told: Receiver, committed: list[int], secret: str) -> None:
    heard = told.heard
    assert [event.id for event in heard] == committed
    assert len(committed) > 5 * KILLS
    assert not [event for event in heard if event.action == "never"]
    assert {event.subject for event in heard} >= {"dataset", "key", "webhook"}
    for subject in {(event.subject, event.subject_id) for event in heard}:
        versions = [event.version for event in heard if (event.subject, event.subject_id) == subject]
        assert versions == sorted(versions)
    first: dict[int, ChangeEvent] = {}
    for request in told.requests:
        for event in verify(request.body, request.signature, secret, tolerance=3600).events:
            assert first.setdefault(event.id, event) == event
    assert sorted(first) == committed


def numbers(store: Database) -> list[int]:
    with store.reading() as session:
        return list(session.scalars(select(Change.number).order_by(Change.number)))


@contextlib.contextmanager
def processes(folder: Path, hub: CatalogueHub, database: str) -> Iterator[list[Process]]:
    both = [Process(folder, hub, database) for _ in range(2)]
    try:
        for one in both:
            one.start()
        yield both
    finally:
        for one in both:
            one.kill()
