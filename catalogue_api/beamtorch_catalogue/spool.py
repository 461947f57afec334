"""What is to be sent to the catalogue, kept on this machine until it has arrived.

A batch is written beside its name, brought to the disk, renamed, and removed once the catalogue has answered. So a
batch is there whole or not at all, whenever a process or the machine ends; and one that was sent and not yet removed
is sent again, which changes nothing, since the catalogue knows a dataset by its source.
"""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Self

import platformdirs
import xxhash
from pydantic import ValidationError

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import DatasetRecord, Wire
from beamtorch_facility.words import Words

VARIABLE = "BEAMTORCH_SPOOL"
_BATCH, _PART, _UNREADABLE = ".batch.json", ".part", ".unreadable"
_STALE_SECONDS = 3600.0
"""After so long a file that is still being written belongs to nobody."""


class SpoolError(CatalogueError):
    """The spool cannot be written or read."""

    code = "spool"
    exit_code = 5
    title = Words(en="The spool cannot be used", zh="无法使用暂存目录")


class Batch(Wire):
    """Records on their way, and the path that they were found at."""

    below: str
    records: tuple[DatasetRecord, ...]


class Spool:
    """The batches that wait for one catalogue; any number of processes may use it at once.

    Parameters
    ----------
    folder
        Where they wait; made if need be, readable by its owner alone.
    """

    _numbers = count()

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def from_environment(cls, url: str, environment: Mapping[str, str]) -> Self:
        """Return the spool for a catalogue: below ``BEAMTORCH_SPOOL``, else below the user's cache."""
        named = environment.get(VARIABLE)
        base = Path(named) if named else Path(platformdirs.user_cache_dir("beamtorch")) / "spool"
        return cls(base / xxhash.xxh3_64_hexdigest(url.rstrip("/").encode()))

    def put(self, batch: Batch) -> Path:
        """Keep a batch; when this returns, it survives whatever happens to process or machine.

        Raises
        ------
        SpoolError
            If it cannot be written, for example since the disk is full.
        """
        # In the order of their names they were made, also by several processes.
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(self._numbers)}{_BATCH}"
        path = self.folder / name
        part = path.with_name(name + _PART)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(batch.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            _sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):
                part.unlink()
            raise _unusable(self.folder, error) from error
        return path

    def waiting(self) -> list[Path]:
        """Return the batches that wait, oldest first."""
        return sorted(self.folder.glob(f"*{_BATCH}"))

    def read(self, path: Path) -> Batch | None:
        """Return a batch; None, and put aside, if it is none, for example of a version that is to come."""
        try:
            return Batch.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None  # somebody else sent it
        except ValidationError:
            path.rename(path.with_name(path.name + _UNREADABLE))
            return None
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def remove(self, path: Path) -> None:
        """Forget a batch that has arrived."""
        path.unlink(missing_ok=True)

    def put_aside(self) -> list[Path]:
        """Return the files that were no batches."""
        return sorted(self.folder.glob(f"*{_UNREADABLE}"))

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Let one process send at a time: an older word about a dataset must not come after a newer one."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._sweep()
            yield
        finally:
            os.close(lock)

    def _sweep(self) -> None:
        """Remove what processes left that were killed while they wrote; their data are read again."""
        for part in self.folder.glob(f"*{_PART}"):
            try:
                if time.time() - part.stat().st_mtime > _STALE_SECONDS:
                    part.unlink()
            except FileNotFoundError:
                continue


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk (fsync(2): the entry in the directory needs a call of its own)."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(folder: Path, error: OSError) -> SpoolError:
    reason = error.strerror or str(error)
    return SpoolError(
        Words(
            en=f"The spool {folder} cannot be used ({reason}). Make room or name another folder with {VARIABLE}, then "
            "ingest again.",
            zh=f"无法使用暂存目录 {folder}（{reason}）。请腾出空间或用 {VARIABLE} 指定其他目录，然后重新采集。",
        )
    )
