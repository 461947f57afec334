"""The catalogue is killed at random moments while records come in: every dataset exactly once, the outbox complete."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from sqlalchemy import select

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.ingesting.report import IngestReport
from beamtorch_catalogue.ingesting.sender import Sender
from beamtorch_catalogue.spool import Batch, Spool
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Change, DatasetRow, FileRow, ParameterRow
from beamtorch_catalogue.testing.fake_hub import fake_hub
from beamtorch_catalogue.testing.process import CatalogueProcess
from beamtorch_catalogue.testing.world import facility_records
from beamtorch_catalogue.wire import DatasetRecord, FileRecord
from beamtorch_facility import DatasetKind, Quantity
from beamtorch_facility.proposal import BeamtimeId

KILLS = 200 if os.environ.get("BEAMTORCH_DEEP") else 12
SEED = 20261121
LONGEST_LIFE = 0.6
"""Seconds after which a catalogue that answers is killed; a batch takes a tenth of that."""
EACH, FILES = 40, 3


def records(raw: Path) -> Iterator[DatasetRecord]:
    """Yield one synthetic record after the other, all different."""
    for number in count():
        folder = raw / f"scan{number:06}"
        yield DatasetRecord(
            source_id=str(folder),
            name=f"scan{number:06}",
            kind=DatasetKind.RAW,
            beamtime=BeamtimeId("BT-1"),
            sample=f"sample {number % 7}",
            files=tuple(
                FileRecord(path=str(folder / f"{i}.h5"), size=number + i, format="NXtomo") for i in range(FILES)
            ),
            parameters={
                "energy": Quantity(value=5 + number % 20, unit="keV"),
                "temperature": Quantity(value=number % 300, unit="K"),
                "operator": f"person {number % 5}",
            },
        )


class Acquisition(threading.Thread):
    """Sends batch after batch through a spool, as the command does, until it is told that it is enough."""

    def __init__(self, process: CatalogueProcess, token: str, spool: Spool) -> None:
        super().__init__(daemon=True)
        self._process, self._token, self._spool = process, token, spool
        self.sent: list[str] = []
        self.trouble: BaseException | None = None
        self.is_enough = threading.Event()

    def run(self) -> None:
        """Send until it is enough, then all that is left."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - told by the test, which would wait for ever
            self.trouble = error

    def _run(self) -> None:
        raw = self._process.data_root / "BL1" / "202610" / "Data" / "BT-1" / "raw"
        source = records(raw)
        with CatalogueClient(self._process.url, self._token) as client:
            sender = Sender(client, self._spool, IngestReport())
            while not self.is_enough.is_set():
                some = tuple(next(source) for _ in range(EACH))
                self.sent += [record.source_id for record in some]
                self._spool.put(Batch(below=str(raw), records=some))
                while self._spool.waiting():
                    sender.drain()
                    time.sleep(0.005)


def test_a_catalogue_that_is_killed_again_and_again_has_each_dataset_exactly_once(
    database: str, tmp_path: Path, keep_result: Callable[..., None]
):
    chance = random.Random(SEED)
    with fake_hub() as hub, CatalogueProcess(tmp_path, hub, database) as process:
        token = hub.service("ingest")
        with CatalogueClient(process.url, token) as client:
            client.import_facility(facility_records())
        acquisition = Acquisition(process, token, Spool(tmp_path / "spool"))
        acquisition.start()
        for _ in range(KILLS):
            time.sleep(chance.random() * LONGEST_LIFE)
            process.kill()
            process.start()
        acquisition.is_enough.set()
        acquisition.join(timeout=60)
        assert (acquisition.is_alive(), acquisition.trouble) == (False, None)
        with CatalogueClient(process.url, token) as client:
            for name in chance.sample([Path(one).name for one in acquisition.sent], 5):
                assert [one.name for one in client.search(name).datasets] == [name]
    assert len(acquisition.sent) > EACH * KILLS / 4, "too little was sent for a kill to hit anything"
    there = check(database, acquisition.sent)
    keep_result("killed-while-ingesting", kills=KILLS, seed=SEED, sent=len(acquisition.sent), there=there)


def check(url: str, sent: list[str]) -> int:
    """Compare the tables with what was sent; return how many datasets there are."""
    database = Database(url)
    with closing(database), database.reading() as session:
        datasets = dict(map(tuple, session.execute(select(DatasetRow.number, DatasetRow.source_id))))
        names = Counter(session.scalars(select(DatasetRow.id)))
        files = Counter(session.scalars(select(FileRow.dataset)))
        values = Counter(session.scalars(select(ParameterRow.dataset)))
        told = Counter(
            session.scalars(select(Change.subject_id).where(Change.subject == "dataset", Change.action == "created"))
        )
        others = session.scalars(select(Change.action).where(Change.subject == "dataset", Change.action != "created"))
        assert others.all() == []
    assert sorted(datasets.values()) == sorted(sent)
    assert set(files) == set(values) == set(datasets)
    assert (set(files.values()), set(values.values())) == ({FILES}, {3})
    assert told == names
    return len(datasets)
