"""From folders to datasets: one folder below ``raw`` or ``processed`` is one dataset, named after it.

Files that lie in ``raw`` itself are one dataset each, or one for each series of images.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract import Found, Permitted, extractor_of, extractors
from beamtorch_catalogue.extract.found import Unsaid, why_no_energy
from beamtorch_catalogue.extract.gaps import gaps
from beamtorch_catalogue.extract.path_lists import BeamlinePaths, Extraction
from beamtorch_catalogue.extract.sidecar import NAME, Sidecar, read_sidecar
from beamtorch_catalogue.wire import DatasetRecord, DatasetState, FileRecord
from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout, OutsideDataError
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

_KINDS = {Area.RAW: DatasetKind.RAW, Area.PROCESSED: DatasetKind.PROCESSED}
_UNFINISHED = (".part", ".tmp", ".partial", "~")
_SERIES_NUMBER = re.compile(r"[_\-.]?\d+$")
_MOST_TRIED = 50
"""How many files of a folder are opened in search of the main one."""


class NothingThereError(CatalogueError):
    """A path that does not exist, or holds no data."""

    code = "nothing-there"
    status = 404
    exit_code = 2
    title = Words(en="Nothing to catalogue", zh="没有可编目的数据")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What will be one dataset."""

    name: str
    source_id: str
    beamtime: BeamtimeFolder
    kind: DatasetKind
    files: tuple[Path, ...]
    sidecar: Sidecar


def find_candidates(
    path: Path, layout: DataLayout, note: Callable[[str, CatalogueError], None] | None = None
) -> Iterator[Candidate]:
    """Find the datasets at a path: the root, a beamtime, a folder of a dataset, or a file in one.

    Parameters
    ----------
    path
        Where to look.
    layout
        Knows the beamtime folders.
    note
        Gets name and error of a folder whose ``dataset.yaml`` cannot be understood; None: the error is raised.

    Raises
    ------
    NothingThereError
        If the path does not exist.
    OutsideDataError
        If it is not below the layout's root.
    SidecarError
        If a ``dataset.yaml`` cannot be understood.
    """
    for area in _areas(path, layout):
        yield from _in_area(area, path, layout, note)


def _areas(path: Path, layout: DataLayout) -> Iterable[Path]:
    """Return the folders ``raw`` and ``processed`` that a path lies in or holds."""
    real, root = path.resolve(), layout.root.resolve()
    if not real.exists():
        raise NothingThereError(
            Words(
                en=f"{path} does not exist. Check the path; data that were moved are marked when you ingest the folder "
                "above.",
                zh=f"{path} 不存在。请检查路径；对上级目录执行采集可标记已移走的数据。",
            )
        )
    if not real.is_relative_to(root):
        layout.locate(path)  # says so
    parts = real.relative_to(root).parts
    if len(parts) > _AREA_DEPTH:
        _, area = layout.locate(path)
        return [root.joinpath(*parts[: _AREA_DEPTH + 1])] if area in _KINDS else []
    pattern = "/".join(("*", "[0-9]" * 6, "Data", "*", "*")[len(parts) :])
    found = sorted(real.glob(pattern)) if pattern else [real]
    return [folder for folder in found if folder.name in {area.value for area in _KINDS} and folder.is_dir()]


_AREA_DEPTH = 4
"""Parts of a path before the area: beamline, month, Data, beamtime."""


def _in_area(
    area: Path, wanted: Path, layout: DataLayout, note: Callable[[str, CatalogueError], None] | None
) -> Iterator[Candidate]:
    beamtime, name = layout.locate(area)
    kind = _KINDS[name]
    inside = wanted.resolve().relative_to(area).parts if wanted.resolve().is_relative_to(area) else ()
    children = [area / inside[0]] if inside else sorted(area.iterdir())
    loose: list[Path] = []
    for child in children:
        if child.name.startswith("."):
            continue
        if child.is_dir():
            try:
                candidate = _folder(child, beamtime, kind, layout)
            except CatalogueError as error:
                if note is None:
                    raise
                note(str(child), error)
                continue
            if candidate is not None:
                yield candidate
        elif _counts(child):
            loose.append(_at_home(child, layout))
    for group in groups(loose):
        yield Candidate(
            name=group[0].stem if len(group) == 1 else series_name(group[0]),
            source_id=str(group[0] if len(group) == 1 else group[0].parent / series_name(group[0])),
            beamtime=beamtime,
            kind=kind,
            files=group,
            sidecar=Sidecar(),
        )


def _folder(folder: Path, beamtime: BeamtimeFolder, kind: DatasetKind, layout: DataLayout) -> Candidate | None:
    files = tuple(_at_home(file, layout) for file in sorted(data_files(folder)))
    if not files:
        return None
    sidecar = read_sidecar(folder)
    return Candidate(
        name=sidecar.name or folder.name,
        source_id=str(_at_home(folder, layout)),
        beamtime=beamtime,
        kind=sidecar.kind or kind,
        files=files,
        sidecar=sidecar,
    )


def data_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that count as data, also those further down."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in names if _counts(Path(place, name)))


def _counts(path: Path) -> bool:
    """Tell data from what is hidden, unfinished or ours; a name that is not UTF-8 cannot travel."""
    name = path.name
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not name.startswith(".") and name != NAME and not name.endswith(_UNFINISHED) and path.is_file()


def _at_home(path: Path, layout: DataLayout) -> Path:
    """Return a path below the root as everybody writes it, whatever links lead to the root here."""
    root = layout.root.resolve()
    return layout.root.absolute() / path.relative_to(root) if path.is_relative_to(root) else path


def groups(loose: list[Path]) -> Iterator[tuple[Path, ...]]:
    """Group files that lie loose: images of one series together, everything else alone; unknown formats not at all."""
    series: dict[str, list[Path]] = {}
    for path in loose:
        extractor = extractor_of(path)
        if extractor is None:
            continue
        key = f"{series_name(path)}{path.suffix}" if extractor.is_series else path.name
        series.setdefault(key, []).append(path)
    yield from (tuple(group) for group in series.values())


def series_name(path: Path) -> str:
    """Return the name that the images of a series share."""
    return _SERIES_NUMBER.sub("", path.stem) or path.stem


def to_record(candidate: Candidate, layout: DataLayout, extraction: Extraction | None = None) -> DatasetRecord:
    """Read the files of a candidate and return its record; broken files are part of what is said.

    Parameters
    ----------
    candidate
        The files of one dataset.
    layout
        Knows the beamtime folders.
    extraction
        The facility's path lists; None: the shipped ones alone.
    """
    permitted = permitted_for(candidate.beamtime, layout)
    paths = (extraction or Extraction()).of(candidate.beamtime.beamline)
    main, found = _main(candidate.files, permitted, paths)
    sidecar = candidate.sidecar
    parameters = dict(found.parameters) | sidecar.quantities()
    sample = (sidecar.sample or found.sample or "")[:200] or None
    measured_at = sidecar.measured_at or found.measured_at
    told: dict[Unsaid, bool] = {
        "start_time": measured_at is not None,
        "sample": sample is not None,
        "energy": why_no_energy(parameters, "") is None,
    }
    return DatasetRecord(
        source_id=candidate.source_id,
        name=candidate.name[:200],
        kind=candidate.kind,
        beamtime=candidate.beamtime.beamtime,
        technique=sidecar.technique or found.technique,
        sample=sample,
        measured_at=measured_at,
        files=_file_records(candidate.files, main, found, gaps(found, told)),
        parameters=parameters,
        software=sidecar.software,
        state=DatasetState.BROKEN if found.problem else DatasetState.COMPLETE,
        problem=found.problem,
    )


def permitted_for(beamtime: BeamtimeFolder, layout: DataLayout) -> Permitted:
    """Return what tells whether a file lies in a beamtime, and so may be opened for its data."""

    def permitted(path: Path) -> bool:
        try:
            folder, _ = layout.locate(path)
        except (OutsideDataError, OSError, ValueError, RuntimeError):
            return False
        return (folder.beamline, folder.beamtime) == (beamtime.beamline, beamtime.beamtime)

    return permitted


def _main(files: tuple[Path, ...], permitted: Permitted, paths: BeamlinePaths) -> tuple[Path, Found]:
    """Return the file that tells most, and what it tells: the first kind of file that is there."""
    for extractor in extractors():
        mine = sorted((f for f in files if f.suffix.lower() in extractor.suffixes), key=_rank)
        if not mine:
            continue
        if extractor.is_series:
            return mine[0], extractor.read(mine, permitted, paths)
        looks = [(path, extractor.read([path], permitted, paths)) for path in mine[:_MOST_TRIED]]
        # A file that links to others of the folder is the main one; else the one that tells most.
        main = max(looks, key=lambda look: (len(look[1].linked), len(look[1].parameters), look[1].problem is not None))
        return main[0], _completed(main[1], [found for _, found in looks])
    return files[0], Found(format=files[0].suffix[1:].lower())


def _completed(main: Found, others: list[Found]) -> Found:
    """Add what further files of the folder tell and the main one does not, such as the wavelength of a curve."""
    metadata = {path: own for found in others for path, own in found.metadata.items()}
    parameters = {} if main.linked else {name: value for found in others for name, value in found.parameters.items()}
    return replace(
        main,
        metadata=metadata,
        parameters=parameters | dict(main.parameters),
        sample=main.sample or next((found.sample for found in others if found.sample), None),
        measured_at=main.measured_at or min((f.measured_at for f in others if f.measured_at), default=None),
    )


def _rank(path: Path) -> tuple[int, int, str]:
    return (len(path.parts), path.suffix.lower() != ".nxs", path.name)


def _file_records(files: tuple[Path, ...], main: Path, found: Found, why: Mapping[str, str]) -> tuple[FileRecord, ...]:
    """Return the main file first, then the others by name, then linked ones that are not there."""
    problems = {linked.path: linked.problem for linked in found.linked}
    ordered = [main, *(path for path in files if path != main)]
    records = []
    for path in ordered:
        extractor, own = extractor_of(path), extractor_of(main)
        problem = found.problem if path == main and not found.linked else problems.get(path)
        metadata = dict(found.metadata.get(path, {})) | (dict(why) if path == main else {})
        records.append(
            FileRecord(
                path=str(path),
                size=path.stat().st_size,
                format=found.format if path == main or (extractor is own and own and own.is_series) else _format(path),
                state=DatasetState.BROKEN if problem else DatasetState.COMPLETE,
                problem=problem,
                metadata=metadata,
            )
        )
    known = set(ordered)
    for linked in found.linked:
        if linked.path not in known and linked.problem is not None and not linked.path.exists():
            gone = FileRecord(path=str(linked.path), size=0, state=DatasetState.MISSING, problem=linked.problem)
            records.append(gone)
    return tuple(records)


def _format(path: Path) -> str:
    suffix = path.suffix[1:].lower()
    return "HDF5" if suffix in {"h5", "hdf5", "hdf", "nxs"} else suffix
