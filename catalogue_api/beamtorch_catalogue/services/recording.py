"""Putting one record into the tables: checked first, compared with what is there, then written."""

import base64
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import xxhash
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from beamtorch_catalogue.query import normal_name
from beamtorch_catalogue.services.people import team_of
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, FileRow, ParameterRow, Parentage, Sample
from beamtorch_catalogue.units import unit_of_parameter
from beamtorch_catalogue.wire import DatasetRecord, DatasetState, FileRecord
from beamtorch_facility.data_layout import DataLayout, OutsideDataError
from beamtorch_facility.dataset import DatasetId, DatasetKind
from beamtorch_facility.identity import Identity
from beamtorch_facility.proposal import BeamtimeId, ProposalId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_CHUNK = 500
"""SQLite takes at most 32766 values in one statement."""


@dataclass(frozen=True)
class Recorded:
    """What became of a record: its row and ``created``, ``updated`` or ``unchanged``."""

    row: DatasetRow
    outcome: str


@dataclass(frozen=True)
class _Changed:
    row: DatasetRow
    beamtime: Beamtime
    sample: Sample | None
    parents: frozenset[int]
    is_new: bool


def dataset_id(beamtime: BeamtimeId, source_id: str) -> DatasetId:
    """Return the stable name of a dataset: the same source gives the same name in a catalogue built anew."""
    digest = xxhash.xxh3_128_digest(f"{beamtime}\n{source_id}".encode())
    return DatasetId("ds-" + base64.b32encode(digest).decode().rstrip("=").lower()[:16])


def misplaced(layout: DataLayout, record: DatasetRecord, beamtime: Beamtime) -> Words | None:
    """Say which file does not lie in the folder of the record's beamtime, or None."""
    for file in record.files:
        path = Path(file.path)
        try:
            folder, _ = layout.locate(path)
        except (OutsideDataError, OSError, ValueError, RuntimeError):
            folder = None
        right = folder is not None and (folder.beamline, folder.beamtime) == (beamtime.beamline, beamtime.beamtime)
        if not path.is_absolute() or ".." in path.parts or not right:
            return Words(
                en=f"{file.path} does not lie in the folder of beamtime {beamtime.beamtime} at {beamtime.beamline}. "
                "Move it there, or name the beamtime that it belongs to.",
                zh=f"{file.path} 不在 {beamtime.beamline} 机时 {beamtime.beamtime} 的目录内。请移入，或改填所属机时。",
            )
    return None


class Recording:
    """One batch of records in one transaction."""

    def __init__(self, *, session: Session, full_text: FullText, people: Iterable[Identity], by: str) -> None:
        self._session, self._full_text, self._by = session, full_text, by
        self._people = tuple(people)
        self._known: dict[tuple[str, str], DatasetRow] = {}
        self._samples: dict[tuple[str, str], Sample] = {}
        self._changed: dict[str, _Changed] = {}

    def load(self, records: Iterable[DatasetRecord]) -> None:
        """Read what is known about a batch at once."""
        ids = sorted({record.source_id for record in records})
        for start in range(0, len(ids), _CHUNK):
            rows = self._session.scalars(
                select(DatasetRow)
                .where(DatasetRow.source_id.in_(ids[start : start + _CHUNK]))
                .options(
                    selectinload(DatasetRow.files),
                    selectinload(DatasetRow.parameters),
                    joinedload(DatasetRow.of_sample),
                )
            )
            self._known |= {(row.beamtime, row.source_id): row for row in rows}

    def known(self, record: DatasetRecord) -> DatasetRow | None:
        """Return the row that a record would change."""
        return self._known.get((record.beamtime, record.source_id))

    def put(self, record: DatasetRecord, beamtime: Beamtime, parents: Iterable[int]) -> Recorded:
        """Create or update the row of a record; the same record again changes nothing."""
        fingerprint = xxhash.xxh3_128_hexdigest(record.model_dump_json().encode())
        row = self.known(record)
        if row is not None and row.fingerprint == fingerprint:
            return Recorded(row, "unchanged")
        outcome = "created" if row is None else "updated"
        if row is None:
            row = DatasetRow(id=dataset_id(record.beamtime, record.source_id), beamtime=record.beamtime)
            row.source_id, row.registered_by, row.files, row.parameters = record.source_id, self._by, [], []
            self._known[record.beamtime, record.source_id] = row
        sample = self._sample(record, beamtime)
        self._fill(row, record, beamtime, sample, fingerprint)
        self._session.add(row)
        self._changed[row.id] = _Changed(row, beamtime, sample, frozenset(parents), outcome == "created")
        return Recorded(row, outcome)

    def finish(self) -> None:
        """Write parents and full text of all that changed, once every row has its number."""
        self._session.flush()
        texts: dict[int, str] = {}
        for changed in self._changed.values():
            self._set_parents(changed)
            texts[changed.row.number] = describe(changed.row, changed.beamtime, changed.sample, self._people)
        self._full_text.put(self._session, texts)

    def _sample(self, record: DatasetRecord, beamtime: Beamtime) -> Sample | None:
        if not record.sample:
            return None
        key = (beamtime.proposal, record.sample)
        if key not in self._samples:
            found = self._session.scalar(select(Sample).filter_by(proposal=key[0], name=key[1]))
            if found is None:
                found = Sample(proposal=key[0], name=key[1])
                self._session.add(found)
                self._session.flush()
            self._samples[key] = found
        return self._samples[key]

    def _fill(
        self, row: DatasetRow, record: DatasetRecord, beamtime: Beamtime, sample: Sample | None, fingerprint: str
    ) -> None:
        now = datetime.now(UTC)
        files = [*record.files, *_vanished(row, record)]
        row.name, row.kind = record.name, record.kind.value
        row.technique = record.technique or beamtime.of_instrument.technique
        row.sample = sample.number if sample else None
        row.measured_at = record.measured_at
        row.listed_at = record.measured_at or row.listed_at or now
        row.changed_at = now
        row.folder = common_folder(file.path for file in record.files)
        row.size, row.file_count = sum(file.size for file in files), len(files)
        row.software = record.software
        set_state(row, *_state(record, files))
        row.fingerprint = fingerprint
        if row.files or row.parameters:
            # Their keys come again, so the old ones have to be gone before the new ones come.
            row.files, row.parameters = [], []
            self._session.flush()
        row.files = [_file_row(position, file) for position, file in enumerate(files)]
        row.parameters = [_parameter_row(n, v) for n, v in _normal(record.parameters).items()]

    def _set_parents(self, changed: "_Changed") -> None:
        row, old = changed.row, dict[int, Parentage]()
        if not changed.is_new:
            known = select(Parentage).where(Parentage.child == row.number)
            old = {parentage.parent: parentage for parentage in self._session.scalars(known)}
        new = changed.parents - {row.number}
        for number in old.keys() - new:
            self._session.delete(old[number])
        self._session.add_all(Parentage(child=row.number, parent=number) for number in sorted(new - old.keys()))


def set_state(row: DatasetRow, state: DatasetState, problem: Words | None) -> None:
    """Set whether the files of a dataset can be used, and why not."""
    row.state = state.value
    row.problem_en, row.problem_zh = (problem.en, problem.zh) if problem else (None, None)


def _state(record: DatasetRecord, files: list[FileRecord]) -> tuple[DatasetState, Words | None]:
    gone = [file.path for file in files if file.state is DatasetState.MISSING]
    if record.state is DatasetState.COMPLETE and gone:
        return DatasetState.MISSING, files_gone(gone)
    return record.state, record.problem


def files_gone(paths: list[str]) -> Words:
    """Say which files are gone."""
    more_en, more_zh = (f" and {len(paths) - 1} more", f"等 {len(paths)} 个文件") if len(paths) > 1 else ("", "")
    return Words(
        en=f"{paths[0]}{more_en} cannot be found any more. Ask the beamline staff whether it was moved or archived.",
        zh=f"找不到 {paths[0]}{more_zh}。请询问线站人员是否已移动或归档。",
    )


def _vanished(row: DatasetRow, record: DatasetRecord) -> list[FileRecord]:
    """Return the files of raw data that were there before: raw data do not lose files without somebody being told."""
    if record.kind is not DatasetKind.RAW:
        return []
    now = {file.path for file in record.files}
    return [
        FileRecord(path=old.path, size=old.size, format=old.format, xxh3=old.xxh3, state=DatasetState.MISSING)
        for old in row.files
        if old.path not in now and not (old.state == DatasetState.MISSING.value and old.size == 0)
    ]


def common_folder(paths: Iterable[str]) -> str:
    """Return the deepest folder that holds all files."""
    return os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120 - of text, for thousands


def _file_row(position: int, file: FileRecord) -> FileRow:
    problem = file.problem
    return FileRow(
        position=position,
        path=file.path,
        size=file.size,
        format=file.format,
        xxh3=file.xxh3,
        state=file.state.value,
        problem_en=problem.en if problem else None,
        problem_zh=problem.zh if problem else None,
    )


def _normal(parameters: Mapping[str, Quantity | str]) -> dict[str, Quantity | str]:
    return {normal_name(name): value for name, value in parameters.items() if normal_name(name)}


def _parameter_row(name: str, value: Quantity | str) -> ParameterRow:
    if isinstance(value, str):
        return ParameterRow(name=name, text=value)
    if not math.isfinite(value.value):
        return ParameterRow(name=name, text=str(value))
    meaning = unit_of_parameter(name, value.unit)
    row = ParameterRow(name=name, value=value.value, unit=value.unit)
    if meaning is not None and math.isfinite(si := meaning.to_si(value.value)):
        row.dimension, row.si = meaning.dimension, si
    return row


def describe(row: DatasetRow, beamtime: Beamtime, sample: Sample | None, people: Iterable[Identity]) -> str:
    """Return everything that words of a search may match."""
    proposal, instrument = beamtime.of_proposal, beamtime.of_instrument
    parts: list[str | None] = [row.name, row.id, row.technique, row.kind, row.software]
    if sample is not None:
        parts += [sample.name, sample.description_en, sample.description_zh, sample.formula]
    parts += [proposal.proposal, proposal.title_en, proposal.title_zh, proposal.principal_investigator]
    parts += [beamtime.beamtime, instrument.beamline, instrument.name_en, instrument.name_zh]
    for person in team_of(ProposalId(proposal.proposal), people):
        parts += [person.username, person.full_name.en, person.full_name.zh]
    parts += [parameter.text for parameter in row.parameters]
    parts += [file.path.rpartition("/")[2] for file in row.files]
    return "\n".join(part for part in parts if part)
