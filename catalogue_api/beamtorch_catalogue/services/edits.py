"""Corrections by people: what a file said wrongly, or not at all."""

from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.query import normal_name
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.describing import describe_again
from beamtorch_catalogue.services.document_edits import writable_dataset
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.record_rows import parameter_rows, parameter_values
from beamtorch_catalogue.stores.census import Census, kin
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import DatasetRow, ParameterRow, Sample
from beamtorch_catalogue.stores.words import folded
from beamtorch_catalogue.wire import Dataset, DatasetEdit
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.directory import Directory
from beamtorch_facility.quantity import Quantity

_PLAIN = ("name", "technique", "software", "recipe")


class Edits:
    """Corrects datasets; the same record taken in again leaves a correction, a new one replaces it."""

    def __init__(
        self,
        *,
        database: Database,
        full_text: FullText,
        directory: Directory,
        clock: Clock,
        datasets: Datasets,
        documents: Documents,
    ) -> None:
        self._database, self._full_text, self._directory = database, full_text, directory
        self._clock, self._datasets, self._documents = clock, datasets, documents

    def edit(self, reader: Reader, dataset: DatasetId, edit: DatasetEdit, if_match: str | None) -> Dataset:
        """Change what an edit names and nothing else.

        Raises
        ------
        NoSuchDatasetError
            If the reader may not read the dataset.
        NotYoursToDescribeError
            If they may do no more than read it.
        StaleVersionError
            If it has changed since.
        """
        with self._database.writing() as session:
            row = writable_dataset(session, reader, dataset, if_match)
            census, old_kin = Census(), kin(row)
            before, after = self._apply(session, row, edit)
            if after:
                row.version, row.changed_at = row.version + 1, self._clock.now()
                census.take(old_kin, row.size)
                census.add(kin(row), row.size)
                session.flush()
                census.write(session)
                people = self._directory.people()
                describe_again(session, self._full_text, people, [row.number], documents=self._documents)
                noted = Noted(
                    subject="dataset",
                    subject_id=dataset,
                    action="edited",
                    version=row.version,
                    before=before,
                    after=after,
                    beamtime=row.beamtime,
                )
                note(session, [noted], by=reader.name, at=self._clock.now())
        return self._datasets.dataset(reader, dataset)

    def _apply(self, session: Session, row: DatasetRow, edit: DatasetEdit) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set what is named; return the old and the new values of what differs."""
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name in _PLAIN:
            given = getattr(edit, name)
            if name in edit.model_fields_set and getattr(row, name) != given:
                before[name], after[name] = getattr(row, name), given
                setattr(row, name, given)
        if "sample" in edit.model_fields_set:
            old = session.get(Sample, row.sample) if row.sample else None
            if (old.name if old else None) != edit.sample:
                before["sample"], after["sample"] = (old.name if old else None), edit.sample
                row.sample = None if edit.sample is None else _sample(session, row.proposal, edit.sample)
        changed = _set_parameters(session, row.number, edit.parameters)
        if changed:
            before["parameters"] = {name: old for name, (old, _) in changed.items()}
            after["parameters"] = {name: new for name, (_, new) in changed.items()}
        return before, after


def _sample(session: Session, proposal: str, name: str) -> int:
    found = session.scalar(select(Sample).where(Sample.proposal == proposal, Sample.name == name))
    if found is None:
        found = Sample(proposal=proposal, name=name, folded=folded(name))
        session.add(found)
        session.flush()
    return found.number


def _set_parameters(
    session: Session, number: int, given: dict[str, Quantity | str | None]
) -> dict[str, tuple[str | None, str | None]]:
    """Set or remove parameters; return the old and the new value of those that differ, as text."""
    wanted = {normal_name(name): value for name, value in given.items() if normal_name(name)}
    if not wanted:
        return {}
    mine = select(ParameterRow).where(ParameterRow.dataset == number, ParameterRow.name.in_(sorted(wanted)))
    old = {row.name: _as_text(row) for row in session.scalars(mine)}
    changed = {
        name: (old.get(name), None if value is None else str(value))
        for name, value in sorted(wanted.items())
        if old.get(name) != (None if value is None else str(value))
    }
    session.execute(
        delete(ParameterRow)
        .where(ParameterRow.dataset == number, ParameterRow.name.in_(sorted(changed)))
        .execution_options(synchronize_session=False)
    )
    values = parameter_values({name: value for name in changed if (value := wanted[name]) is not None})
    if rows := parameter_rows(number, values):
        session.execute(insert(ParameterRow), rows)
    return changed


def _as_text(row: ParameterRow) -> str:
    return row.text or "" if row.value is None else str(Quantity(value=row.value, unit=row.unit or ""))
