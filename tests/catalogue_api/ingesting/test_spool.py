"""The spool: what is read is sent once and only once, whoever is killed, and in whatever order they come back."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from beamtorch_catalogue.client import CatalogueClient, CatalogueRefusedError, CatalogueUnreachableError
from beamtorch_catalogue.ingesting import Ingesting, ingest, send_waiting
from beamtorch_catalogue.ingesting.report import IngestReport
from beamtorch_catalogue.ingesting.sender import Sender
from beamtorch_catalogue.spool import Batch, Spool, SpoolError
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.process import CatalogueProcess
from beamtorch_catalogue.testing.world import World, facility_records
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility import DataLayout, Words

SCANS = 450
"""More than two batches."""
ROUNDS = 20 if os.environ.get("BEAMTORCH_DEEP") else 4


@pytest.fixture
def away(database: str, tmp_path: Path) -> Iterator[tuple[CatalogueProcess, str]]:
    """A catalogue of its own that a test may kill, with its facility, and a token for it."""
    with fake_hub() as hub, CatalogueProcess(tmp_path, hub, database) as process:
        token = hub.service("ingest")
        with CatalogueClient(process.url, token) as client:
            client.import_facility(facility_records())
        raw = process.data_root / "BL1" / "202610" / "Data" / "BT-1" / "raw"
        raw.mkdir(parents=True)
        for i in range(SCANS):
            (raw / f"curve{i:04}.chi").write_text(f"1 2\n3 {i}\n")
        yield process, token


def command(process: CatalogueProcess, token: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "HOME": str(process.folder),
        "BEAMTORCH_CATALOGUE_URL": process.url,
        "JUPYTERHUB_API_TOKEN": token,
        "BEAMTORCH_SPOOL": str(process.folder / "spool"),
    }
    program = "import sys; from beamtorch_catalogue.command import main; sys.exit(main(sys.argv[1:]))"
    words = [sys.executable, "-c", program, "ingest", *arguments]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def said(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, _ = process.communicate(timeout=120)
    return process.returncode, out


def names(process: CatalogueProcess, token: str) -> Counter[str]:
    """Return how often each dataset is in the catalogue."""
    found: Counter[str] = Counter()
    after = None
    with CatalogueClient(process.url, token) as client:
        while True:
            page = client.search("", limit=200, after=after)
            found.update(dataset.name for dataset in page.datasets)
            after = page.next
            if after is None:
                return found


EVERYTHING = Counter({f"curve{i:04}": 1 for i in range(SCANS)})


def test_a_catalogue_that_is_away_costs_nothing_and_what_waits_is_sent_when_asked(away: tuple[CatalogueProcess, str]):
    process, token = away
    process.kill()
    code, out = said(command(process, token, str(process.data_root), "--data-root", str(process.data_root)))
    assert (code, f"{SCANS} datasets wait in {process.folder}/spool" in out) == (4, True)
    assert "beamtorch catalogue ingest --send" in out
    code, out = said(command(process, token, "--send"))
    assert (code, f"{SCANS} waiting" in out) == (4, True)
    process.start()
    code, out = said(command(process, token, "--send"))
    assert (code, out.splitlines()[0]) == (0, f"{SCANS} created, 0 updated, 0 unchanged, 0 broken")
    assert names(process, token) == EVERYTHING
    code, out = said(command(process, token, str(process.data_root), "--data-root", str(process.data_root)))
    assert (code, f"0 created, 0 updated, {SCANS} unchanged" in out) == (0, True)


def test_whoever_is_killed_and_however_often_each_dataset_is_there_once(away: tuple[CatalogueProcess, str]):
    process, token = away
    chance = random.Random(7)
    whole = ["--data-root", str(process.data_root), str(process.data_root)]
    for i in range(ROUNDS):
        running = command(process, token, *whole)
        time.sleep(1 + chance.random() * 3)
        if i % 2:
            process.kill()
            time.sleep(chance.random())
        running.kill()
        running.communicate()
        if i % 2:
            process.start()
    code, out = said(command(process, token, *whole))
    assert (code, "waiting" in out) == (0, False)
    assert names(process, token) == EVERYTHING
    assert not list((process.folder / "spool").rglob("*.batch.json"))


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "spool")


@pytest.fixture
def fresh(light_world: World) -> World:
    light_world.begin_again()
    return light_world


def batch(world: World, *records: DatasetRecord) -> Batch:
    return Batch(below=str(world.layout.root), records=records)


def test_the_next_ingest_sends_first_what_waits(fresh: World, spool: Spool):
    fresh.scan("new")
    spool.put(batch(fresh, fresh.record("older", sample="a")))
    report = ingest(fresh.client("ingest"), fresh.layout, [fresh.layout.root], Ingesting(spool=spool))
    assert (report.created, report.waiting, spool.waiting()) == (2, 0, [])


def test_of_two_words_about_a_dataset_the_later_one_stays(fresh: World, spool: Spool):
    for sample in ("first", "second", "third"):
        spool.put(batch(fresh, fresh.record("scan", sample=sample)))
    report = send_waiting(fresh.client("ingest"), spool)
    assert (report.created, report.updated) == (1, 2)
    (found,) = fresh.client("team").search("scan").datasets
    assert found.sample == "third"


def test_a_record_that_the_catalogue_will_never_take_holds_up_nobody(fresh: World, spool: Spool):
    huge = fresh.record("huge", parameters={f"note{i}": "x" * 1_000_000 for i in range(40)})
    spool.put(batch(fresh, fresh.record("a"), huge, fresh.record("b")))
    spool.put(batch(fresh, fresh.record("c")))
    report = send_waiting(fresh.client("ingest"), spool)
    assert (report.created, [told.name for told in report.refused], spool.waiting()) == (3, ["huge"], [])


def test_somebody_who_may_not_ingest_is_told_and_the_batch_stays(fresh: World, spool: Spool):
    spool.put(batch(fresh, fresh.record("a")))
    with pytest.raises(CatalogueRefusedError) as error:
        send_waiting(fresh.client("team"), spool)
    assert (error.value.code, len(spool.waiting())) == ("not-an-ingestor", 1)


def test_a_batch_that_cannot_be_understood_is_put_aside_and_told(fresh: World, spool: Spool):
    path = spool.put(batch(fresh, fresh.record("a")))
    path.write_text('{"of": "a version to come"}')
    spool.put(batch(fresh, fresh.record("b")))
    report = send_waiting(fresh.client("ingest"), spool)
    assert (report.created, spool.waiting()) == (1, [])
    assert [Path(told.name).name for told in report.unreadable] == [f"{path.name}.unreadable"]


def test_what_an_app_registered_in_the_meantime_is_not_doubled(fresh: World, spool: Spool):
    result = fresh.result("slices")
    spool.put(batch(fresh, result.model_copy(update={"source_id": "found by an ingest"})))
    fresh.client("team").register(result)
    report = send_waiting(fresh.client("ingest"), spool)
    assert (report.created, report.registered, spool.waiting()) == (0, 1, [])


def test_two_that_send_at_once_double_nothing(fresh: World, spool: Spool):
    for i in range(30):
        spool.put(batch(fresh, fresh.record(f"scan{i:02}")))
    reports: list[IngestReport] = []

    def send() -> None:
        with CatalogueClient(fresh.url, fresh.tokens["ingest"]) as client:
            reports.append(send_waiting(client, spool))

    senders = [threading.Thread(target=send) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert (sum(report.created for report in reports), spool.waiting()) == (30, [])


def test_a_file_that_a_killed_process_began_is_never_sent_and_goes_in_the_end(fresh: World, spool: Spool):
    path = spool.put(batch(fresh, fresh.record("a")))
    part = path.rename(path.with_name(path.name + ".part"))
    send_waiting(fresh.client("ingest"), spool)
    assert part.exists(), "somebody may still be writing it"
    os.utime(part, (1, 1))
    report = send_waiting(fresh.client("ingest"), spool)
    assert (report.created, part.exists()) == (0, False)


def test_a_catalogue_that_was_away_is_left_alone_for_a_while(fresh: World, spool: Spool):
    now, asked = [0.0], Counter[str]()

    class Flaky(CatalogueClient):
        def known_files(self, below: str, *, after: str | None = None):
            asked["asked"] += 1
            if now[0] < 10:
                raise CatalogueUnreachableError(Words(en="It is away.", zh="无响应。"))
            return super().known_files(below, after=after)

    with Flaky(fresh.url, fresh.tokens["ingest"]) as client:
        sender = Sender(client, spool, report := IngestReport(), now=lambda: now[0])
        for i in range(4):
            sender.take(batch(fresh, fresh.record(f"scan{i}")))
        assert (asked["asked"], len(spool.waiting())) == (1, 4)
        now[0] = 20
        sender.take(batch(fresh, fresh.record("last")))
    assert (report.created, spool.waiting()) == (5, [])


def test_without_a_spool_a_catalogue_that_is_away_is_an_error(tmp_path: Path):
    raw = tmp_path / "BL1" / "202610" / "Data" / "BT-1" / "raw"
    raw.mkdir(parents=True)
    with CatalogueClient("http://127.0.0.1:9/", "x") as client, pytest.raises(CatalogueUnreachableError):
        ingest(client, DataLayout(tmp_path), [raw])


def test_a_spool_that_cannot_be_written_is_said(fresh: World, tmp_path: Path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(SpoolError) as error:
        Spool(tmp_path / "file" / "spool").put(batch(fresh, fresh.record("a")))
    assert str(tmp_path / "file" / "spool") in error.value.detail.en


def test_batches_for_another_catalogue_wait_elsewhere(tmp_path: Path):
    given = {"BEAMTORCH_SPOOL": str(tmp_path)}
    one, same, other = (
        Spool.from_environment(url, given)
        for url in ("http://a/catalogue/", "http://a/catalogue", "http://b/catalogue/")
    )
    assert one.folder == same.folder != other.folder
    assert one.folder.parent == tmp_path
    assert "spool" in str(Spool.from_environment("http://a/", {}).folder)
