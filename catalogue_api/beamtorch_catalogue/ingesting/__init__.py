"""Cataloguing data where they lie: read here, sent in batches, and what is gone is told."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from beamtorch_catalogue.client import CatalogueClient, CatalogueUnreachableError
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract.folder import Candidate, find_candidates, permitted_for, to_record
from beamtorch_catalogue.extract.path_lists import Extraction
from beamtorch_catalogue.extract.walk import walk
from beamtorch_catalogue.ingesting.report import IngestReport, Told
from beamtorch_catalogue.ingesting.sender import Sender, below_of
from beamtorch_catalogue.ingesting.walked import Walked, can_be_walked
from beamtorch_catalogue.ingesting.where import NoDataRootError, NotInABeamtimeError, check_inside, layout_of
from beamtorch_catalogue.spool import Batch, Spool
from beamtorch_catalogue.wire import DatasetRecord, DatasetState, FileState, KnownFile
from beamtorch_facility.data_layout import DataLayout
from beamtorch_facility.words import Words

__all__ = [
    "IngestReport",
    "Ingesting",
    "NoDataRootError",
    "NotInABeamtimeError",
    "Told",
    "ingest",
    "layout_of",
    "send_waiting",
]

BATCH = 200
_MOST_FILES = 20_000
"""Of a batch: the catalogue takes a request of some megabytes."""
_STATES = 2000
_LOWEST_PRIORITY = 19


@dataclass(frozen=True, kw_only=True)
class Ingesting:
    """How an ingest is done."""

    extraction: Extraction = field(default_factory=Extraction)
    """The facility's path lists."""
    spool: Spool | None = None
    """Where batches wait if the catalogue is away; None: then it is an error."""
    walks: bool = False
    """Whether all files are walked through afterwards, at low priority."""

    @property
    def walked(self) -> Walked | None:
        """What was found by walks before."""
        return None if self.spool is None else Walked(self.spool.folder / "walked")


def ingest(
    client: CatalogueClient,
    layout: DataLayout,
    paths: Iterable[Path],
    how: Ingesting | None = None,
    report: IngestReport | None = None,
) -> IngestReport:
    """Catalogue everything at some paths; the same again changes nothing.

    Parameters
    ----------
    client
        The catalogue.
    layout
        Knows the beamtime folders.
    paths
        Datasets, beamtimes or the data root.
    how
        Path lists, spool and more; None: shipped path lists, no spool.
    report
        What was done before, such as copying; it is completed.

    Raises
    ------
    NothingThereError, OutsideDataError, NotInABeamtimeError
        If a path does not exist or lies elsewhere.
    CatalogueRefusedError
        If the catalogue says no; what was sent before stays, and what waits in the spool, too.
    CatalogueUnreachableError
        If it says nothing and there is no spool.
    """
    how, report = how or Ingesting(), report or IngestReport()
    sender, chosen = Sender(client, how.spool, report), list(paths)
    for path in chosen:
        check_inside(layout, path)
    sender.drain()
    for path in chosen:
        _ingest_one(client, layout, path, how=how, sender=sender, report=report)
    if how.walks:
        os.nice(_LOWEST_PRIORITY)
        for path in chosen:
            for batch in _batches(below_of(layout.root, path), _walks(layout, path, how, report)):
                sender.take(batch)
    sender.drain()
    sender.count_waiting()
    return report


def send_waiting(client: CatalogueClient, spool: Spool) -> IngestReport:
    """Send what waits in the spool, without reading any data."""
    report = IngestReport()
    sender = Sender(client, spool, report)
    sender.drain()
    sender.count_waiting()
    return report


def _ingest_one(
    client: CatalogueClient, layout: DataLayout, path: Path, *, how: Ingesting, sender: Sender, report: IngestReport
) -> None:
    below = below_of(layout.root, path)
    known = sender.known(below)
    if not (known and not path.exists()):
        for batch in _batches(below, _records(layout, path, how, report)):
            sender.take(batch)
    if known is None:
        return
    try:
        _tell_states(client, known, report)
    except CatalogueUnreachableError:
        if how.spool is None:
            raise
        # The next ingest looks again, and tells then.


def _records(layout: DataLayout, path: Path, how: Ingesting, report: IngestReport) -> Iterator[DatasetRecord]:
    for candidate in find_candidates(path, layout, _noting(report)):
        record = _record(candidate, layout, how, report)
        if record is not None:
            yield record if how.walked is None else how.walked.added_to(record, candidate.files)


def _walks(layout: DataLayout, path: Path, how: Ingesting, report: IngestReport) -> Iterator[DatasetRecord]:
    """Walk through what was not walked through since it changed; whoever is interrupted goes on there."""
    for candidate in find_candidates(path, layout, lambda *_: None):
        if not can_be_walked(candidate.files):
            continue
        if how.walked is not None and how.walked.of(candidate.source_id, candidate.files) is not None:
            continue
        found = walk(candidate.files, permitted_for(candidate.beamtime, layout))
        if how.walked is not None:
            how.walked.keep(candidate.source_id, candidate.files, found)
        record = _record(candidate, layout, how, IngestReport())
        if record is not None:
            report.walked += 1
            yield found.added_to(record)


def _batches(below: str, records: Iterable[DatasetRecord]) -> Iterator[Batch]:
    """Gather records until they make a request of a good size."""
    gathered: list[DatasetRecord] = []
    files = 0
    for record in records:
        if gathered and files + len(record.files) > _MOST_FILES:
            yield Batch(below=below, records=tuple(gathered))
            gathered, files = [], 0
        gathered.append(record)
        files += len(record.files)
        if len(gathered) >= BATCH:
            yield Batch(below=below, records=tuple(gathered))
            gathered, files = [], 0
    if gathered:
        yield Batch(below=below, records=tuple(gathered))


def _noting(report: IngestReport) -> Callable[[str, CatalogueError], None]:
    def note(name: str, error: CatalogueError) -> None:
        report.unreadable.append(Told(name=name, problem=error.detail))

    return note


def _record(candidate: Candidate, layout: DataLayout, how: Ingesting, report: IngestReport) -> DatasetRecord | None:
    try:
        return to_record(candidate, layout, how.extraction)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Words(
            en=f"It could not be read: {reason}. Check its permissions, then ingest again.",
            zh=f"无法读取：{reason}。请检查权限后重新采集。",
        )
        report.unreadable.append(Told(name=candidate.source_id, problem=problem))
        return None


def _tell_states(client: CatalogueClient, known: Sequence[KnownFile], report: IngestReport) -> None:
    """Tell the catalogue which files it knew before are gone or back."""
    states = list(_states(known))
    for start in range(0, len(states), _STATES):
        client.report_files(states[start : start + _STATES])
    report.missing = [*report.missing, *(state.path for state in states if state.state is DatasetState.MISSING)]
    report.returned = [*report.returned, *(state.path for state in states if state.state is DatasetState.COMPLETE)]


def _states(known: Iterable[KnownFile]) -> Iterator[FileState]:
    for file in known:
        is_there = Path(file.path).is_file()
        if not is_there and file.state is not DatasetState.MISSING:
            yield FileState(dataset=file.dataset, path=file.path, state=DatasetState.MISSING)
        elif is_there and file.state is DatasetState.MISSING:
            yield FileState(dataset=file.dataset, path=file.path, state=DatasetState.COMPLETE)
