"""Cataloguing data where they lie: read here, sent in batches, and what is gone is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, Field

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract.folder import Candidate, find_candidates, to_record
from beamtorch_catalogue.wire import DatasetRecord, DatasetState, FileState, KnownFile
from beamtorch_facility.data_layout import DataLayout
from beamtorch_facility.words import Words

BATCH = 200
_STATES = 2000
_BEAMLINE_ABOVE_DATA = 2
"""Folders between the root and ``Data`` in a path of a beamtime."""


class NoDataRootError(CatalogueError):
    """Nobody said where the beamtime folders begin, and the path does not tell."""

    code = "no-data-root"
    exit_code = 2
    title = Words(en="Where do the data begin?", zh="未指定数据根目录")


class Told(BaseModel):
    """Something about a dataset that a person should read."""

    name: str
    problem: Words


class IngestReport(BaseModel):
    """What an ingest did."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    registered: int = Field(default=0, description="results that an app or a person has registered already")
    broken: list[Told] = []
    refused: list[Told] = []
    unreadable: list[Told] = []
    missing: list[str] = Field(default=[], description="catalogued files that are gone")
    returned: list[str] = Field(default=[], description="files that were gone and are back")


def layout_of(given: Path | None, paths: Sequence[Path], environment: Mapping[str, str]) -> DataLayout:
    """Return the layout: as told, as the environment says, or as the first path shows."""
    if given is not None:
        return DataLayout(given)
    if named := environment.get("BEAMTORCH_DATA_ROOT"):
        return DataLayout(Path(named))
    parts = paths[0].absolute().parts
    if "Data" in parts[_BEAMLINE_ABOVE_DATA + 1 :]:
        at = len(parts) - 1 - parts[::-1].index("Data")
        return DataLayout(Path(*parts[: at - _BEAMLINE_ABOVE_DATA]))
    raise NoDataRootError(
        Words(
            en="Say with --data-root where the beamtime folders begin, or set BEAMTORCH_DATA_ROOT.",
            zh="请用 --data-root 指明机时目录的根目录，或设置 BEAMTORCH_DATA_ROOT。",
        )
    )


def ingest(client: CatalogueClient, layout: DataLayout, paths: Iterable[Path]) -> IngestReport:
    """Catalogue everything at some paths; the same again changes nothing.

    Raises
    ------
    NothingThereError, OutsideDataError
        If a path does not exist or lies elsewhere.
    CatalogueRefusedError, CatalogueUnreachableError
        If the catalogue says no, or nothing; what was sent before stays.
    """
    report = IngestReport()
    for path in paths:
        known = _known_files(client, layout, path)
        if known and not path.exists():
            _tell_states(client, known, report)
            continue
        by_file = {file.path: file.source_id for file in known}
        found = (_record(candidate, layout, report) for candidate in find_candidates(path, layout, _noting(report)))
        records = (record for record in found if record is not None and not _is_registered(record, by_file, report))
        while batch := list(islice(records, BATCH)):
            _send(client, batch, report)
        _tell_states(client, known, report)
    return report


def _noting(report: IngestReport) -> Callable[[str, CatalogueError], None]:
    def note(name: str, error: CatalogueError) -> None:
        report.unreadable.append(Told(name=name, problem=error.detail))

    return note


def _record(candidate: Candidate, layout: DataLayout, report: IngestReport) -> DatasetRecord | None:
    try:
        return to_record(candidate, layout)
    except OSError as error:
        reason = error.strerror or str(error)
        problem = Words(
            en=f"It could not be read: {reason}. Check its permissions, then ingest again.",
            zh=f"无法读取：{reason}。请检查权限后重新采集。",
        )
        report.unreadable.append(Told(name=candidate.source_id, problem=problem))
        return None


def _is_registered(record: DatasetRecord, by_file: Mapping[str, str], report: IngestReport) -> bool:
    """Tell whether somebody has registered these files under another name; their own word is the better one."""
    is_registered = any(by_file.get(file.path, record.source_id) != record.source_id for file in record.files)
    report.registered += is_registered
    return is_registered


def _send(client: CatalogueClient, batch: Sequence[DatasetRecord], report: IngestReport) -> None:
    for record, result in zip(batch, client.ingest(batch), strict=True):
        if result.outcome == "refused":
            problem = result.problem or Words(en="The catalogue gave no reason.", zh="未说明原因。")
            report.refused.append(Told(name=record.name, problem=problem))
            continue
        setattr(report, result.outcome, getattr(report, result.outcome) + 1)
        if record.problem is not None:
            report.broken.append(Told(name=record.name, problem=record.problem))


def _known_files(client: CatalogueClient, layout: DataLayout, path: Path) -> list[KnownFile]:
    root = layout.root.resolve()
    real = path.resolve()
    below = str(layout.root.absolute() / real.relative_to(root)) if real.is_relative_to(root) else str(real)
    files: list[KnownFile] = []
    after = None
    while True:
        page = client.known_files(below, after=after)
        files += page.files
        after = page.next
        if after is None:
            return files


def _tell_states(client: CatalogueClient, known: Sequence[KnownFile], report: IngestReport) -> None:
    """Tell the catalogue which files it knew before are gone or back."""
    states = list(_states(known))
    report.missing = [*report.missing, *(state.path for state in states if state.state is DatasetState.MISSING)]
    report.returned = [*report.returned, *(state.path for state in states if state.state is DatasetState.COMPLETE)]
    for start in range(0, len(states), _STATES):
        client.report_files(states[start : start + _STATES])


def _states(known: Iterable[KnownFile]) -> Iterator[FileState]:
    for file in known:
        is_there = Path(file.path).is_file()
        if not is_there and file.state is not DatasetState.MISSING:
            yield FileState(dataset=file.dataset, path=file.path, state=DatasetState.MISSING)
        elif is_there and file.state is DatasetState.MISSING:
            yield FileState(dataset=file.dataset, path=file.path, state=DatasetState.COMPLETE)
