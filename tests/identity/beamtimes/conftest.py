"""A data root that every user can reach, people of a directory, and processes that run as one of them."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout
from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.words import Words
from beamtorch_identity.beamtimes.founding import Beamtimes, folder_of
from beamtorch_identity.beamtimes.record import BeamtimeRecord
from beamtorch_identity.beamtimes.report import SyncReport
from beamtorch_identity.credentials import Credentials

DAY = date(2026, 11, 21)
TEAM, STAFF = {"proposal-2026-0988": 60988}, {"staff-BL-B7": 70007}
ACQUISITION = Credentials(53009, 63009)


def someone(name: str, uid: int, gids: dict[str, int]) -> Identity:
    return Identity(
        username=Username(name), full_name=Words(en=name, zh=name), uid=uid, gid=uid, groups=tuple(gids), gids=gids
    )


@dataclass
class World:
    """A beamtime with a team of two, one of the staff, and people who have nothing to do with it."""

    root: Path
    people: dict[str, Identity] = field(default_factory=dict)
    today: date = DAY
    record: BeamtimeRecord = field(
        default_factory=lambda: BeamtimeRecord(
            beamline=BeamlineId("BL-B7"),
            beamtime=BeamtimeId("BT-26-0417"),
            proposal=ProposalId("2026-0988"),
            start=DAY,
            embargo_until=date(2029, 11, 21),
            owner=ACQUISITION.uid,
            group=ACQUISITION.gid,
        )
    )

    def __post_init__(self) -> None:
        for name, uid, gids in (
            ("ada", 53001, TEAM),
            ("bo", 53002, TEAM),
            ("sam", 53003, STAFF),
            ("out", 53004, {"proposal-2026-1417": 61417}),
            ("new", 53005, {}),
        ):
            self.people[name] = someone(name, uid, gids)
        self.write_people()

    def joins(self, name: str) -> None:
        self.people[name] = someone(name, self.people[name].uid, TEAM)
        self.write_people()

    def leaves(self, name: str) -> None:
        self.people[name] = someone(name, self.people[name].uid, {})
        self.write_people()

    def write_people(self) -> None:
        self.directory.write_text(dump_people(self.people.values()), encoding="utf-8")

    @property
    def directory(self) -> Path:
        return self.root / "people.yaml"

    @property
    def layout(self) -> DataLayout:
        return DataLayout(self.root / "data")

    @property
    def folder(self) -> BeamtimeFolder:
        return folder_of(self.layout, self.record)

    def area(self, name: str) -> Path:
        return self.folder.area(Area(name))

    def beamtimes(self, **more: Any) -> Beamtimes:
        return Beamtimes(self.layout, today=lambda: self.today, **more)

    def create(self, **changed: Any) -> SyncReport | None:
        self.record = self.record.model_copy(update=changed)
        return self.beamtimes().create(self.record, self.people.values())

    def sync(self, **more: Any) -> SyncReport:
        return self.beamtimes(**more).sync(self.folder, self.people.values())

    def fill(self, files: int = 20) -> None:
        """Make the beamtime, and two files and two folders a number in each area, by those who write there."""
        self.create()
        script = f"for n in $(seq {files}); do mkdir -p $1/d$n/e; echo 1 > $1/d$n/f; echo 1 > $1/d$n/e/f; done"
        for name in ("processed", "scratch", "share"):
            assert self.can("ada", f"set -- {name}; {script}")
        assert self.can(ACQUISITION, f"set -- raw; {script}")

    def words(self, *words: str) -> list[str]:
        """Return the words of a command, with the places of this world."""
        return [*words, "--data", str(self.layout.root), "--directory", str(self.directory)]

    def run(self, who: str | Credentials, script: str, umask: str = "022") -> subprocess.CompletedProcess[str]:
        """Run a shell script in the beamtime's folder as somebody with nothing but their numbers."""
        person = who if isinstance(who, Credentials) else Credentials.of(self.people[who])
        words = person.command(("sh", "-ec", f"umask {umask}; cd '{self.folder.path}'; {script}"))
        return subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")

    def can(self, who: str | Credentials, script: str) -> bool:
        return self.run(who, script).returncode == 0

    def tree(self) -> str:
        """Everything that can be seen of the rights below the data root, with the times of change."""
        command = ["getfacl", "-RPpn", str(self.layout.root)]
        lists = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        times = [
            f"{path} {path.lstat().st_ctime_ns} {path.lstat().st_uid}" for path in sorted(self.layout.root.rglob("*"))
        ]
        return "\n".join([lists, *times])


@pytest.fixture
def world() -> Iterator[World]:
    """A data root without beamtimes; pytest's own folders are closed to all but their owner."""
    if os.geteuid() != 0:
        pytest.skip("rights of other people can be tried by root alone")
    if shutil.which("setfacl") is None:
        pytest.skip("setfacl is not installed (apt-get install acl)")
    folder = Path(tempfile.mkdtemp(prefix="bt-"))
    folder.chmod(0o755)
    if subprocess.run(["setfacl", "-m", "u:53001:r", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip(f"the file system of {folder} keeps no ACLs")
    subprocess.run(["setfacl", "-b", str(folder)], check=True)
    try:
        yield World(folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def acquisition() -> Credentials:
    return replace(ACQUISITION)
