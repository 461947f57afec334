"""Putting records into the tables: each compared with what is there, then all written at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.describing import Describer, NamedSample
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.prepared import Prepared
from beamtorch_catalogue.services.record_rows import (
    FILE_COLUMNS,
    PARAMETER_COLUMNS,
    Values,
    census_kin,
    file_values,
    files_lost,
    history_of,
    numbered,
    parameter_rows,
    state_of,
)
from beamtorch_catalogue.stores import dataset_rows
from beamtorch_catalogue.stores.census import Census, Kin, kin
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, DocumentRow, FileRow, Sample
from beamtorch_catalogue.stores.places import place
from beamtorch_catalogue.stores.words import folded
from beamtorch_catalogue.wire import FileRecord
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Identity

Release = Callable[[Beamtime], tuple[datetime, str]]
"""When the data of a beamtime are open to others, and to whom."""
Naming = Callable[[DatasetId], str]
"""The persistent identifier of a dataset."""

_CHUNK = 500


@dataclass(frozen=True)
class Recorded:
    """What became of a record: its dataset and ``created``, ``updated`` or ``unchanged``."""

    dataset: DatasetId
    outcome: str


@dataclass(frozen=True)
class Known:
    """A dataset as it was before this batch."""

    number: int
    dataset: DatasetId
    kind: str
    fingerprint: str
    place: int
    version: int
    size: int
    listed_at: datetime
    kin: Kin
    values: dict[str, Any]


@dataclass
class _Pending:
    prepared: Prepared
    beamtime: Beamtime
    known: Known | None
    number: int = 0
    sample: NamedSample | None = None
    old_files: list[FileRow] = field(default_factory=list)
    documents: list[DocumentRow] = field(default_factory=list)


class Recording:
    """One batch of records in one transaction."""

    def __init__(
        self,
        *,
        session: Session,
        full_text: FullText,
        people: Iterable[Identity],
        by: str,
        at: datetime,
        release: Release,
        naming: Naming,
        documents: Documents,
    ) -> None:
        self._session, self._full_text, self._by, self._at = session, full_text, by, at
        self._people, self._release, self._naming = people, release, naming
        self._documents = documents
        self._known: dict[str, Known] = {}
        self._parents: dict[str, int] = {}
        self._pending: dict[str, _Pending] = {}
        self._release_of: dict[str, tuple[datetime, str]] = {}

    def load(self, datasets: Iterable[DatasetId], readable_parents: dict[str, int]) -> None:
        """Read what is known about a batch at once.

        Parameters
        ----------
        datasets
            All of which a record will be put.
        readable_parents
            Numbers of the parents that are in the catalogue and may be named.
        """
        self._parents = readable_parents
        ids = sorted(set(datasets))
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            for row in self._session.scalars(select(DatasetRow).where(DatasetRow.id.in_(some))):
                self._known[row.id] = _known(row)
                self._session.expunge(row)

    def known(self, dataset: DatasetId) -> Known | None:
        """Return what is there of a dataset."""
        return self._known.get(dataset)

    def unknown_parents(self, parents: Iterable[DatasetId]) -> list[DatasetId]:
        """Return the parents that are neither in the catalogue nor earlier in this batch."""
        return [one for one in parents if one not in self._parents and one not in self._pending]

    def put(self, prepared: Prepared, beamtime: Beamtime) -> Recorded:
        """Take a record; the same record again changes nothing."""
        dataset = prepared.dataset
        known, before = self._known.get(dataset), self._pending.get(dataset)
        if (before.prepared.fingerprint if before else known.fingerprint if known else "") == prepared.fingerprint:
            return Recorded(dataset, "unchanged")
        self._pending[dataset] = _Pending(prepared, beamtime, known)
        return Recorded(dataset, "updated" if known or before else "created")

    def finish(self) -> None:
        """Write all that changed."""
        pending = list(self._pending.values())
        if not pending:
            return
        new = [one for one in pending if one.known is None]
        for one, number in zip(new, dataset_rows.take_numbers(self._session, len(new)), strict=True):
            one.number = number
        changed = [one for one in pending if one.known is not None]
        for one in changed:
            one.number = one.known.number if one.known else 0
        self._find_samples(pending)
        self._find_details(changed)
        self._write(new, changed)

    def _write(self, new: list[_Pending], changed: list[_Pending]) -> None:
        session, census, notes, texts = self._session, Census(), list[Noted](), dict[int, str]()
        proposals = (one.beamtime.proposal for one in (*new, *changed))
        describer = Describer(session=session, people=self._people, proposals=proposals)
        rows: dict[int, dict[str, Any]] = {}
        files: list[Any] = []
        parameters: list[Any] = []
        documents: list[dict[str, Any]] = []
        for one in [*new, *changed]:
            prepared = one.prepared
            lost = files_lost(prepared.kind, prepared.paths if one.known else (), one.old_files)
            own_parameters, own_words, further_words = self._parameters(one)
            documents += self._documents.document_rows(one.number, prepared.models)
            row = rows[one.number] = self._row(one, lost)
            files += numbered(one.number, [*prepared.files, *file_values(lost, prepared.file_count)], len(FILE_COLUMNS))
            parameters += numbered(one.number, own_parameters, len(PARAMETER_COLUMNS))
            texts[row["place"]] = describer.tokens(
                own=own_words,
                texts=[*(file.path.rpartition("/")[2] for file in lost), row["technique"], *further_words],
                beamtime=one.beamtime,
                sample=one.sample,
            )
            if one.known:
                census.take(one.known.kin, one.known.size)
            census.add(census_kin(row), row["size"])
            notes.append(history_of(row, one.known.values if one.known else None))
        old = [one.known for one in changed if one.known]
        moved = [known.place for known in old if known.place != rows[known.number]["place"]]
        self._full_text.drop(session, moved)
        dataset_rows.delete_details(session, [known.number for known in old])
        dataset_rows.update_datasets(session, [rows[known.number] for known in old])
        dataset_rows.insert_datasets(session, [rows[one.number] for one in new])
        dataset_rows.insert_files(session, FILE_COLUMNS, files)
        dataset_rows.insert_parameters(session, PARAMETER_COLUMNS, parameters)
        dataset_rows.set_documents(session, documents)
        self._set_parents([*new, *changed], [known.number for known in old])
        self._full_text.put(session, texts)
        census.write(session)
        note(session, notes, by=self._by, at=self._at)

    def _row(self, one: _Pending, lost: Sequence[FileRecord]) -> dict[str, Any]:
        prepared, beamtime, known = one.prepared, one.beamtime, one.known
        released_at, released_to = (known.kin.released_at, known.kin.released_to) if known else self._opening(beamtime)
        own = prepared.row
        listed_at = own["measured_at"] or (known.listed_at if known else None) or self._at
        missing = [*prepared.missing, *(file.path for file in lost)]
        state, problem = state_of(prepared.state, prepared.problem, missing)
        return {
            **own,
            "number": one.number,
            "technique": own["technique"] or beamtime.of_instrument.technique,
            "sample": one.sample.number if one.sample else None,
            "listed_at": listed_at,
            "changed_at": self._at,
            "size": prepared.size + sum(file.size for file in lost),
            "file_count": prepared.file_count + len(lost),
            "registered_by": known.values["registered_by"] if known else self._by,
            "state": state.value,
            "problem_en": problem.en if problem else None,
            "problem_zh": problem.zh if problem else None,
            "place": place(listed_at, one.number),
            "pid": known.values["pid"] if known else self._naming(prepared.dataset),
            "proposal": beamtime.proposal,
            "beamline": beamtime.beamline,
            "released_at": released_at,
            "released_to": released_to,
            "version": known.version + 1 if known else 1,
        }

    def _opening(self, beamtime: Beamtime) -> tuple[datetime, str]:
        if beamtime.beamtime not in self._release_of:
            self._release_of[beamtime.beamtime] = self._release(beamtime)
        return self._release_of[beamtime.beamtime]

    def _find_samples(self, pending: Sequence[_Pending]) -> None:
        """Give each record its sample; one that only files know comes into being."""
        wanted = {(one.beamtime.proposal, one.prepared.sample) for one in pending if one.prepared.sample}
        found = dataset_rows.samples(self._session, wanted)
        if new := wanted - found.keys():
            rows = [{"proposal": of, "name": name, "folded": folded(name or "")} for of, name in sorted(new, key=str)]
            self._session.execute(insert(Sample), rows)
            found |= dataset_rows.samples(self._session, new)
        for one in pending:
            one.sample = found.get((one.beamtime.proposal, one.prepared.sample))

    def _find_details(self, changed: Sequence[_Pending]) -> None:
        """Read the files that there were before, since raw data do not lose one unnoticed, and the documents."""
        by_number = {one.number: one for one in changed}
        for some in dataset_rows.chunks(sorted(by_number)):
            for row in self._session.scalars(
                select(FileRow).where(FileRow.dataset.in_(some)).order_by(FileRow.dataset, FileRow.position)
            ):
                by_number[row.dataset].old_files.append(row)
                self._session.expunge(row)
            for document in self._session.scalars(select(DocumentRow).where(DocumentRow.dataset.in_(some))):
                by_number[document.dataset].documents.append(document)
                self._session.expunge(document)

    def _parameters(self, one: _Pending) -> tuple[Values, str, list[str]]:
        """Return parameters, tokens of its own, and what its documents say.

        A record that says nothing about a model leaves its document alone.
        """
        prepared, said = one.prepared, {**self._documents.current(one.documents), **one.prepared.models}
        if not said:
            return prepared.parameters, prepared.tokens, []
        of_models = self._documents.rows(one.number, said)
        taken = {row["name"] for row in of_models}
        own = parameter_rows(one.number, prepared.parameters)
        plain = _one_after_the_other(row for row in own if row["name"] not in taken)
        words = self._documents.words(said)
        return [*plain, *_one_after_the_other(of_models)], prepared.tokens_with(plain), words

    def _set_parents(self, pending: Sequence[_Pending], known: Sequence[int]) -> None:
        numbers = self._parents | {one.prepared.dataset: one.number for one in pending}
        parents = {one.number: frozenset(numbers[parent] for parent in one.prepared.parents) for one in pending}
        dataset_rows.set_parents(self._session, parents, known)


def _one_after_the_other(parameters: Iterable[dict[str, Any]]) -> Values:
    return [row[column] for row in parameters for column in PARAMETER_COLUMNS]


def _known(row: DatasetRow) -> Known:
    return Known(
        number=row.number,
        dataset=DatasetId(row.id),
        kind=row.kind,
        fingerprint=row.fingerprint,
        place=row.place,
        version=row.version,
        size=row.size,
        listed_at=row.listed_at,
        kin=kin(row),
        values={column.name: getattr(row, column.name) for column in DatasetRow.__table__.columns},
    )
