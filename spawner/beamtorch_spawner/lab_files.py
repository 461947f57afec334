"""What the platform's folder says about labs: a record of each that runs, and the log of each that ran."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.lab_process import LabProcess

TAIL_BYTES = 8192
TAIL_LINES = 15


class LabRecord(BaseModel):
    """One lab that was started, enough to find it again; it holds no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pid: int
    create_time: float
    user: str
    server: str
    environment: str
    lease: str
    port: int

    @property
    def process(self) -> LabProcess:
        """The first process of the lab."""
        return LabProcess(self.pid, self.create_time, self.lease)


class LabFiles:
    """The record and the log of one server of one user."""

    def __init__(self, home: Path, user: str, server: str) -> None:
        # A server's name holds no double hyphen, so two servers never share a file.
        name = "--".join(quote(part, safe="") for part in (user, server or DEFAULT_SERVER))
        self.record_path = home / "run" / "labs" / f"{name}.json"
        self.log_path = home / "logs" / "labs" / f"{name}.log"

    def record(self) -> LabRecord | None:
        """Return the record, or None if there is none that can be read."""
        with contextlib.suppress(OSError, ValidationError):
            return LabRecord.model_validate_json(self.record_path.read_bytes())
        return None

    def write(self, record: LabRecord) -> None:
        """Write the record, whole or not at all."""
        self.record_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, part = tempfile.mkstemp(dir=self.record_path.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(record.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        Path(part).replace(self.record_path)

    def forget(self, lease: str) -> None:
        """Remove the record of a lease, and of no other."""
        record = self.record()
        if record is not None and record.lease == lease:
            self.record_path.unlink(missing_ok=True)

    @contextmanager
    def new_log(self) -> Iterator[IO[bytes]]:
        """Open an empty log for the owner alone; the one before is kept beside it."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError):
            self.log_path.replace(self.log_path.with_suffix(".log.1"))
        handle = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            yield file

    def last_words(self) -> str:
        """Return the last lines of the log."""
        with contextlib.suppress(OSError):
            tail = self.log_path.read_bytes()[-TAIL_BYTES:]
            return "\n".join(tail.decode(errors="replace").splitlines()[-TAIL_LINES:])
        return ""
