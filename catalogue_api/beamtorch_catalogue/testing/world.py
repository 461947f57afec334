"""A small facility with two teams, and a catalogue that runs for it: where tests of its callers start."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Base
from beamtorch_catalogue.tasks import OPTIONS
from beamtorch_catalogue.testing.fake_hub import CatalogueHub, fake_hub
from beamtorch_catalogue.testing.running import running_catalogue
from beamtorch_catalogue.wire import DatasetRecord, FacilityRecords, FileRecord
from beamtorch_facility.clock import Clock
from beamtorch_facility.data_layout import DataLayout
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.quantity import Quantity
from beamtorch_identity.reader.testing import running_reader

PEOPLE = (
    ("ada", "Ada Okafor", "阿达·奥卡福", ("proposal-P1",)),
    ("chen", "Chen Wei", "陈伟", ("proposal-P2",)),
    ("sam", "Sam Staff", "山姆", ("staff-BL1",)),
    ("root", "Rita Root", "丽塔", ("facility-admin",)),
    ("eve", "Eve Nobody", "伊芙", ()),
)


def facility_records() -> FacilityRecords:
    """Return two beamlines, two proposals, two beamtimes and two samples."""
    return FacilityRecords.model_validate(
        {
            "name": {"en": "Test Source", "zh": "测试光源"},
            "instruments": [
                {"beamline": "BL1", "name": {"en": "Imaging", "zh": "成像线站"}, "technique": "tomography"},
                {"beamline": "BL2", "name": {"en": "Scattering", "zh": "散射线站"}, "technique": "total scattering"},
            ],
            "proposals": [
                {"proposal": "P1", "title": {"en": "Old teeth", "zh": "古代牙齿"}, "principal_investigator": "ada"},
                {"proposal": "P2", "title": {"en": "Batteries", "zh": "电池"}, "principal_investigator": "chen"},
            ],
            "beamtimes": [
                {"beamtime": "BT-1", "proposal": "P1", "beamline": "BL1", "start": "2026-10-05", "end": "2026-10-07"},
                {"beamtime": "BT-2", "proposal": "P2", "beamline": "BL2", "start": "2026-10-05", "end": "2026-10-07"},
            ],
            "samples": [
                {"sample": "molar", "proposal": "P1", "description": {"en": "A human molar", "zh": "人类臼齿样品"}},
                {
                    "sample": "cathode",
                    "proposal": "P2",
                    "description": {"en": "A cathode", "zh": "正极"},
                    "formula": "LiFePO4",
                },
            ],
        }
    )


@dataclass
class World:
    """One running catalogue with its facility."""

    url: str
    hub: CatalogueHub
    layout: DataLayout
    directory: Path
    database: str
    cache: Path
    tokens: dict[str, str]
    clients: dict[str, CatalogueClient] = field(default_factory=dict)

    def client(self, role: str) -> CatalogueClient:
        """Return the client of a role, such as ``team`` or ``ingest``."""
        if role not in self.clients:
            self.clients[role] = CatalogueClient(self.url, self.tokens[role])
        return self.clients[role]

    def close(self) -> None:
        """Give all connections back."""
        for client in self.clients.values():
            client.close()

    def begin_again(self) -> None:
        """Forget all data and put the facility's records back, so that tests can share a running catalogue."""
        for place in (self.layout.root, self.cache):
            shutil.rmtree(place, ignore_errors=True)
        self.layout.root.mkdir()
        write_people(self.directory)
        database = Database(self.database)
        with database.writing() as session:
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(table.delete())
        database.close()
        self.client("ingest").import_facility(facility_records())

    def folder(self, beamtime: str = "BT-1", area: str = "raw") -> Path:
        """Return a folder of one of the two beamtimes."""
        beamline = {"BT-1": "BL1", "BT-2": "BL2"}[beamtime]
        return self.layout.root / beamline / "202610" / "Data" / beamtime / area

    def scan(self, name: str, beamtime: str = "BT-1", *, energy: str = "12.5 keV", sample: str = "molar") -> Path:
        """Write a folder with one small scan."""
        folder = self.folder(beamtime) / name
        folder.mkdir(parents=True)
        write_scan(folder / f"{name}.h5")
        (folder / "dataset.yaml").write_text(yaml.safe_dump({"sample": sample, "parameters": {"energy": energy}}))
        return folder

    def record(self, name: str, beamtime: str = "BT-1", **changes: Any) -> DatasetRecord:
        """Return a record whose one file exists."""
        path = self.folder(beamtime) / name / f"{name}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"data")
        record = DatasetRecord(
            source_id=str(path.parent),
            name=name,
            kind=DatasetKind.RAW,
            beamtime=BeamtimeId(beamtime),
            files=(FileRecord(path=str(path), size=4, format="HDF5"),),
        )
        return record.model_copy(update=changes)

    def result(self, name: str, beamtime: str = "BT-1", **changes: Any) -> DatasetRecord:
        """Return a processed record whose one file exists."""
        path = self.folder(beamtime, "processed") / name / "volume.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"volume")
        record = DatasetRecord(
            source_id=str(path),
            name=name,
            kind=DatasetKind.PROCESSED,
            beamtime=BeamtimeId(beamtime),
            files=(FileRecord(path=str(path), size=6, format="NXtomoproc"),),
        )
        return record.model_copy(update=changes)


def write_scan(path: Path) -> None:
    """Write a small scan in the layout of Data Exchange."""
    with h5py.File(path, "w") as file:
        file["exchange/data"] = np.random.default_rng(1).random((20, 24, 32), dtype=np.float32)
        file["exchange/data_white"] = np.ones((3, 24, 32), dtype=np.float32)
        file["exchange/data_dark"] = np.zeros((2, 24, 32), dtype=np.float32)
        file["exchange/theta"] = np.linspace(0, 180, 20)
        file["exchange/theta"].attrs["units"] = "degrees"


def energy(value: float, unit: str = "keV") -> dict[str, Quantity]:
    """Return the parameters of a record with an energy."""
    return {"energy": Quantity(value=value, unit=unit)}


def write_people(directory: Path) -> None:
    """Write the five people of the small facility."""
    people = [
        Identity.model_validate(
            {"username": name, "full_name": {"en": en, "zh": zh}, "uid": 2000 + i, "gid": 2000, "groups": groups}
        )
        for i, (name, en, zh, groups) in enumerate(PEOPLE)
    ]
    directory.write_text(dump_people(people), encoding="utf-8")


@contextmanager
def small_world(folder: Path, database: str, *, own_rights: bool = True, clock: Clock | None = None) -> Iterator[World]:
    """Run a catalogue for the small facility, with everything below a folder.

    Parameters
    ----------
    own_rights
        Whether files are read with the rights of whoever runs the test, to whom they belong; else each in the name of
        the person who asks, which only root can.
    clock
        What the catalogue goes by; None: the machine's own.
    """
    directory = folder / "directory.yaml"
    write_people(directory)
    layout, cache = DataLayout(folder / "data"), folder / "thumbnails"
    with ExitStack() as stack:
        hub = stack.enter_context(fake_hub())
        options, reader = [*OPTIONS, *(["--own-rights"] if own_rights else [])], folder / "reader" / "socket"
        log = folder / "reader.log"
        stack.enter_context(
            running_reader(socket=reader, root=layout.root, directory=directory, options=options, log=log)
        )
        url = stack.enter_context(
            running_catalogue(
                hub_api_url=hub.api_url,
                database=database,
                directory=directory,
                data_root=layout.root,
                cache=cache,
                reader=reader,
                clock=clock,
            )
        )
        tokens = {
            "nobody": "token-of-nobody",
            "team": hub.user("ada"),
            "other team": hub.user("chen"),
            "staff": hub.user("sam"),
            "admin": hub.user("root"),
            "stranger": hub.user("eve"),
            "unlisted": hub.user("ghost"),
            "without scope": hub.user("ada", scopes=()),
            "ingest": hub.service("ingest"),
            "other service": hub.service("torch"),
        }
        world = World(
            url=url, hub=hub, layout=layout, directory=directory, database=database, cache=cache, tokens=tokens
        )
        stack.callback(world.close)
        world.begin_again()
        yield world
