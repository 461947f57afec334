"""What can be said of a record before the database is asked, so that writers wait for each other but little."""

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Self

import xxhash

from beamtorch_catalogue.services.describing import own_tokens
from beamtorch_catalogue.services.record_rows import (
    FILE_COLUMNS,
    PARAMETER_COLUMNS,
    Row,
    Values,
    common_folder,
    file_values,
    parameter_values,
)
from beamtorch_catalogue.wire import DatasetRecord, DatasetState
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.words import Words

_PATH, _TEXT = FILE_COLUMNS.index("path"), PARAMETER_COLUMNS.index("text")

_BYTES = 10
"""Sixteen letters of base 32."""
_OF_BEAMTIME, _OF_SOURCE = 4, 12
"""Letters of a name: sixty bits tell apart what was measured in one beamtime."""


class Prepared(NamedTuple):
    """A record as the rows and tokens that it becomes; a tuple, because thousands travel between processes."""

    dataset: DatasetId
    source_id: str
    kind: DatasetKind
    beamtime: BeamtimeId
    sample: str | None
    parents: tuple[DatasetId, ...]
    models: Mapping[str, dict[str, Any]]
    state: DatasetState
    problem: Words | None
    fingerprint: str
    """Of all that the record says: the same record again changes nothing."""
    row: Row
    """What the dataset's row has from the record alone."""
    files: Values
    file_count: int
    parameters: Values
    missing: tuple[str, ...]
    """Paths of files that the record itself calls missing."""
    size: int
    tokens: str
    """Of what it says of itself, the texts among its parameters with it."""

    @classmethod
    def of(cls, record: DatasetRecord) -> Self:
        """Prepare a record."""
        dataset = dataset_id(record)
        paths = [file.path for file in record.files]
        parameters = parameter_values(record.parameters)
        fingerprint = xxhash.xxh3_128_hexdigest(record.__pydantic_serializer__.to_json(record))
        return cls(
            dataset=dataset,
            source_id=record.source_id,
            kind=record.kind,
            beamtime=record.beamtime,
            sample=record.sample,
            parents=record.parents,
            models=record.models,
            state=record.state,
            problem=record.problem,
            fingerprint=fingerprint,
            row={
                "id": dataset,
                "source_id": record.source_id,
                "name": record.name,
                "kind": record.kind.value,
                "beamtime": record.beamtime,
                "technique": record.technique,
                "measured_at": record.measured_at,
                "folder": common_folder(paths),
                "software": record.software,
                "recipe": record.recipe,
                "fingerprint": fingerprint,
            },
            files=file_values(record.files),
            file_count=len(paths),
            parameters=parameters,
            missing=tuple(file.path for file in record.files if file.state is DatasetState.MISSING),
            size=sum(file.size for file in record.files),
            tokens=own_tokens(
                record.name, dataset, record.kind.value, record.software, paths=paths, texts=texts_of(parameters)
            ),
        )

    @property
    def paths(self) -> list[str]:
        """The paths of its files."""
        return self.files[_PATH :: len(FILE_COLUMNS)]

    def tokens_with(self, parameters: Values) -> str:
        """Return its tokens if it has other parameters than it says, since documents have brought theirs."""
        own = self.row
        return own_tokens(
            own["name"],
            self.dataset,
            self.kind.value,
            own["software"],
            paths=self.paths,
            texts=texts_of(parameters),
        )


def texts_of(parameters: Values) -> list[str]:
    """Return the texts among parameters."""
    return list(filter(None, parameters[_TEXT :: len(PARAMETER_COLUMNS)]))


def dataset_id(record: DatasetRecord) -> DatasetId:
    """Return the stable name of a dataset: the same source gives the same name in a catalogue built anew.

    It begins with letters of its beamtime. What comes together is of few beamtimes, and so changes few pages of the
    indexes of names, where names at random would each change one of their own.
    """
    of_source = _letters(f"{record.beamtime}\n{record.source_id}")
    return DatasetId(f"ds-{_letters(record.beamtime)[:_OF_BEAMTIME]}{of_source[:_OF_SOURCE]}")


@lru_cache(maxsize=4000)
def _letters(text: str) -> str:
    return base64.b32encode(xxhash.xxh3_128_digest(text.encode())[:_BYTES]).decode().lower()
