"""Reading batches of records, which takes as long as writing them: a large one in a process of its own."""

import gc
import logging
import pickle
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from anyio import BrokenWorkerProcess, CapacityLimiter, to_process, to_thread
from pydantic import Field, TypeAdapter, ValidationError

from beamtorch_catalogue.services.placement import Homes, Placement
from beamtorch_catalogue.services.prepared import Prepared
from beamtorch_catalogue.wire import DatasetRecord
from beamtorch_facility.data_layout import DataLayout

log = logging.getLogger(__name__)

MOST_PER_BATCH = 1000
Batch = list[tuple[Prepared, Homes]]
_RECORDS = TypeAdapter(Annotated[list[DatasetRecord], Field(min_length=1, max_length=MOST_PER_BATCH)])
_LARGE_BYTES = 64 * 1024
"""Less is read in the time in which it could be given to somebody else."""
_PROCESSES = 1
"""One reads as fast as the one writer of SQLite writes; it ends when it was idle for minutes, or with this process."""


@dataclass(frozen=True)
class Invalid:
    """What is wrong with a request that is no list of records, as pydantic tells it."""

    errors: list[dict[str, Any]]


class Preparing:
    """Turns requests into batches."""

    def __init__(self, layout: DataLayout) -> None:
        self._layout = layout
        self._limiter = CapacityLimiter(_PROCESSES)

    async def read(self, body: bytes) -> Batch | Invalid:
        """Return the records of a request, or what is wrong with it."""
        if len(body) >= _LARGE_BYTES:
            try:
                pickled = await to_process.run_sync(_read_pickled, body, self._layout, limiter=self._limiter)
            except BrokenWorkerProcess:
                log.warning("the process that reads batches ended; this one reads the batch itself")
            else:
                # In a thread, since what takes milliseconds keeps the event loop from everybody else.
                return await to_thread.run_sync(_unpickled, pickled)
        return await to_thread.run_sync(_read, body, self._layout)

    def of(self, records: Iterable[DatasetRecord]) -> Batch:
        """Return the batch of records that are there already."""
        return _prepared(records, self._layout)


def _prepared(records: Iterable[DatasetRecord], layout: DataLayout) -> Batch:
    placement = Placement(layout)
    return [(Prepared.of(record), placement.homes(record)) for record in records]


def _read(body: bytes, layout: DataLayout) -> Batch | Invalid:
    try:
        records = _RECORDS.validate_json(body)
    except ValidationError as error:
        return Invalid([dict(one) for one in error.errors(include_url=False, include_context=False)])
    return _prepared(records, layout)


def _read_pickled(body: bytes, layout: DataLayout) -> bytes:
    # A batch is thousands of objects that live as long as it does; to look through them for rings takes long, and there
    # are none.
    gc.disable()
    try:
        return pickle.dumps(_read(body, layout), pickle.HIGHEST_PROTOCOL)
    finally:
        gc.enable()


def _unpickled(pickled: bytes) -> Batch | Invalid:
    read: Batch | Invalid = pickle.loads(pickled)  # noqa: S301 - of a process that this one started
    return read
