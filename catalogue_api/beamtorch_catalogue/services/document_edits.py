"""One document of one dataset: read, written and taken away by people."""

import json
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable, writable_beamtimes
from beamtorch_catalogue.services.datasets import NoSuchDatasetError, find_number
from beamtorch_catalogue.services.describing import describe_again
from beamtorch_catalogue.services.documents import Documents, parameters, written
from beamtorch_catalogue.services.editions import demand_version
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, DocumentRow, ParameterRow
from beamtorch_catalogue.vocabulary import MetadataModel
from beamtorch_catalogue.vocabulary.metadata_model import Content, NotMigratedError, parameter_name
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.directory import Directory
from beamtorch_facility.words import Words

SET, REMOVED = "model-set", "model-removed"


class NoSuchDocumentError(CatalogueError):
    """A dataset that says nothing in the terms of a model."""

    code = "no-such-document"
    status = 404
    exit_code = 6
    title = Words(en="Nothing is said about this", zh="尚无此内容")

    def __init__(self, dataset: DatasetId, model: MetadataModel) -> None:
        label = model.file.label
        super().__init__(
            Words(
                en=f"Dataset {dataset} has no document “{label.en}” yet. PUT one at the same address; the team of the "
                "proposal and the staff of the beamline may.",
                zh=f"数据集 {dataset} 还没有“{label.zh}”文档。课题团队和线站人员可用 PUT 在同一地址添加。",
            )
        )


class NotYoursToDescribeError(CatalogueError):
    """Somebody who may read a dataset, but not describe it."""

    code = "not-yours-to-describe"
    status = 403
    exit_code = 7
    title = Words(en="This dataset is not yours to describe", zh="您无权描述此数据集")

    def __init__(self, dataset: DatasetId) -> None:
        super().__init__(
            Words(
                en=f"Dataset {dataset} is open to you for reading. Only the team of its proposal and the staff of its "
                "beamline describe it; ask one of them.",
                zh=f"数据集 {dataset} 对您仅开放读取。只有其课题团队和线站人员可以描述，请联系他们。",
            )
        )


class NotMigratedDocumentError(CatalogueError):
    """A document of an earlier version that could not become one of the present."""

    code = "document-not-migrated"
    status = 409
    exit_code = 4
    title = Words(en="This document is of an earlier version", zh="此文档属于旧版本")

    def __init__(self, model: MetadataModel, row: DocumentRow, reason: str) -> None:
        super().__init__(
            Words(
                en=f"It was written for version {row.version} of “{model.name}”, and it could not be brought to "
                f"version {model.version}: {reason}. It is kept as it was, in “content”. PUT a corrected one.",
                zh=f"此文档按“{model.name}”第 {row.version} 版编写，无法转换为第 {model.version} 版：{reason}。"
                "原文保留在 content 中，请用 PUT 更正。",
            ),
            version=row.version,
            content=json.loads(row.content),
        )


@dataclass(frozen=True)
class Held:
    """A document and the version of its dataset."""

    content: Content
    version: int


class DocumentEdits:
    """Reads and writes documents."""

    def __init__(
        self, *, database: Database, full_text: FullText, directory: Directory, clock: Clock, documents: Documents
    ) -> None:
        self._database, self._full_text, self._directory = database, full_text, directory
        self._clock, self._documents = clock, documents

    def one(self, reader: Reader, dataset: DatasetId, model: MetadataModel) -> Held:
        """Return a document in the present version.

        Raises
        ------
        NoSuchDatasetError
            If the reader may not read the dataset.
        NoSuchDocumentError
            If it has none.
        NotMigratedDocumentError
            If it is of an earlier version and cannot be of this one; the error carries it.
        """
        with self._database.reading() as session:
            number = find_number(session, reader, dataset)
            row = session.get(DocumentRow, (number, model.name))
            if row is None:
                raise NoSuchDocumentError(dataset, model)
            version = session.scalars(select(DatasetRow.version).where(DatasetRow.number == number)).one()
            try:
                return Held(model.migrated(row.version, json.loads(row.content)), version)
            except NotMigratedError as error:
                raise NotMigratedDocumentError(model, row, str(error)) from error

    def put(
        self, reader: Reader, dataset: DatasetId, model: MetadataModel, document: BaseModel, if_match: str | None
    ) -> Held:
        """Write a document; the same again changes nothing.

        Raises
        ------
        NoSuchDatasetError
            If the reader may not read the dataset.
        NotYoursToDescribeError
            If they may do no more than read it.
        StaleVersionError
            If the dataset has changed since.
        """
        content = model.read(document)
        with self._database.writing() as session:
            row = writable_dataset(session, reader, dataset, if_match)
            held = session.get(DocumentRow, (row.number, model.name))
            before = None if held is None else json.loads(held.content)
            if held is not None and (held.version, before) == (model.version, content):
                return Held(content, row.version)
            if held is None:
                held = DocumentRow(dataset=row.number, model=model.name)
                session.add(held)
            held.version, held.content = model.version, written(content)
            replace_parameters(session, row.number, model, before or {}, content)
            self._finish(session, reader, row, Noted(
                subject="dataset", subject_id=row.id, action=SET, version=row.version + 1, beamtime=row.beamtime,
                before={"models": {model.name: before}}, after={"models": {model.name: content}},
            ))  # fmt: skip
            return Held(content, row.version)

    def remove(self, reader: Reader, dataset: DatasetId, model: MetadataModel, if_match: str | None) -> int:
        """Take a document away and return the version of the dataset; errors as in `put` and `one`."""
        with self._database.writing() as session:
            row = writable_dataset(session, reader, dataset, if_match)
            held = session.get(DocumentRow, (row.number, model.name))
            if held is None:
                raise NoSuchDocumentError(dataset, model)
            before = json.loads(held.content)
            session.delete(held)
            replace_parameters(session, row.number, model, before, {})
            self._finish(session, reader, row, Noted(
                subject="dataset", subject_id=row.id, action=REMOVED, version=row.version + 1, beamtime=row.beamtime,
                before={"models": {model.name: before}}, after={"models": {model.name: None}},
            ))  # fmt: skip
            return row.version

    def _finish(self, session: Session, reader: Reader, row: DatasetRow, noted: Noted) -> None:
        row.version, row.changed_at = noted.version, self._clock.now()
        session.flush()
        people = self._directory.people()
        describe_again(session, self._full_text, people, [row.number], documents=self._documents)
        note(session, [noted], by=reader.name, at=self._clock.now())


def writable_dataset(session: Session, reader: Reader, dataset: DatasetId, if_match: str | None) -> DatasetRow:
    """Return the row of a dataset that the reader may describe, held against other writers until the commit."""
    mine = select(DatasetRow).where(DatasetRow.id == dataset, readable(reader))
    row = session.scalar(mine.with_for_update())
    if row is None:
        raise NoSuchDatasetError(dataset)
    theirs = select(Beamtime.beamtime).where(Beamtime.beamtime == row.beamtime, writable_beamtimes(reader))
    if session.scalar(theirs) is None:
        raise NotYoursToDescribeError(dataset)
    demand_version(row.version, if_match)
    return row


def replace_parameters(session: Session, dataset: int, model: MetadataModel, before: Content, after: Content) -> None:
    """Put the parameters of a document in the place of those that it had, whatever version they were of."""
    names = {parameter_name(model.name, field) for field in (*before, *model.fields)}
    mine = delete(ParameterRow).where(ParameterRow.dataset == dataset, ParameterRow.name.in_(sorted(names)))
    session.execute(mine.execution_options(synchronize_session=False))
    rows = parameters(dataset, model, after)
    if rows:
        session.execute(insert(ParameterRow), rows)
