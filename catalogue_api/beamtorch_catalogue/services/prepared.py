"""What can be said of a record before the database is asked, so that writers wait for each other but little."""

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import xxhash

from beamtorch_catalogue.services.describing import own_tokens
from beamtorch_catalogue.services.record_rows import Row, file_row, parameter_rows
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility.dataset import DatasetId

_NO_NUMBER = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record with its rows and tokens."""

    record: DatasetRecord
    dataset: DatasetId
    fingerprint: str
    """Of all that the record says: the same record again changes nothing."""
    files: list[Row]
    parameters: list[Row]
    """Rows of a dataset that has no number yet (`numbered`)."""
    tokens: list[str]

    @classmethod
    def of(cls, record: DatasetRecord) -> Self:
        """Prepare a record."""
        dataset = dataset_id(record)
        paths = [file.path for file in record.files]
        return cls(
            record=record,
            dataset=dataset,
            fingerprint=xxhash.xxh3_128_hexdigest(record.__pydantic_serializer__.to_json(record)),
            files=[file_row(_NO_NUMBER, position, file) for position, file in enumerate(record.files)],
            parameters=parameter_rows(_NO_NUMBER, record.parameters),
            tokens=own_tokens(record.name, dataset, record.kind.value, record.software, paths),
        )


def numbered(rows: list[Row], dataset: int) -> list[Row]:
    """Give rows the number of their dataset."""
    for row in rows:
        row["dataset"] = dataset
    return rows


def dataset_id(record: DatasetRecord) -> DatasetId:
    """Return the stable name of a dataset: the same source gives the same name in a catalogue built anew."""
    return _named(record.beamtime, record.source_id)


@lru_cache(maxsize=4000)
def _named(beamtime: str, source_id: str) -> DatasetId:
    digest = xxhash.xxh3_128_digest(f"{beamtime}\n{source_id}".encode())
    return DatasetId("ds-" + base64.b32encode(digest).decode().rstrip("=").lower()[:16])
