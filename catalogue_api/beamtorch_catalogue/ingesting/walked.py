"""What walks through files have found, kept on this machine: an ingest without a walk shall not take it away again."""

from collections.abc import Sequence
from pathlib import Path

import xxhash
from pydantic import BaseModel, ValidationError

from beamtorch_catalogue.extract.hdf5 import Hdf5
from beamtorch_catalogue.extract.walk import Walk
from beamtorch_catalogue.wire import DatasetRecord, FileValue
from beamtorch_facility.quantity import Quantity


class _Kept(BaseModel):
    seen: str
    parameters: dict[str, Quantity | str]
    metadata: dict[str, dict[str, FileValue]]


class Walked:
    """One small file for each dataset that was walked; it counts as long as the dataset's files stay as they were.

    Parameters
    ----------
    folder
        Where they are kept; if it is lost, the next walk begins anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, source_id: str, files: Sequence[Path]) -> Walk | None:
        """Return what a walk found, or None if there was none since the files changed."""
        try:
            kept = _Kept.model_validate_json(self._place(source_id).read_bytes())
        except (OSError, ValidationError):
            return None
        return Walk(kept.parameters, kept.metadata) if kept.seen == _look(files) else None

    def keep(self, source_id: str, files: Sequence[Path], found: Walk) -> None:
        """Keep what a walk found; whole or not at all."""
        place = self._place(source_id)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        kept = _Kept(seen=_look(files), parameters=found.parameters, metadata=found.metadata)
        part.write_text(kept.model_dump_json(), encoding="utf-8")
        part.rename(place)

    def added_to(self, record: DatasetRecord, files: Sequence[Path]) -> DatasetRecord:
        """Return a record with what a walk found before."""
        found = self.of(record.source_id, files)
        return record if found is None else found.added_to(record)

    def _place(self, source_id: str) -> Path:
        name = xxhash.xxh3_128_hexdigest(source_id.encode())
        return self._folder / name[:2] / f"{name}.json"


def can_be_walked(files: Sequence[Path]) -> bool:
    """Tell whether there is an HDF5 file among them."""
    return any(file.suffix.lower() in Hdf5.suffixes for file in files)


def _look(files: Sequence[Path]) -> str:
    """Return what changes whenever one of the files does."""
    digest = xxhash.xxh3_64()
    for path in files:
        try:
            found = path.stat()
        except OSError:
            continue
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return str(digest.hexdigest())
