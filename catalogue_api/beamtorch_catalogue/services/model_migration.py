"""Bringing stored documents to the present version of their models, in the background, a batch at a time.

A batch is one transaction: documents, parameters, words, versions and history are all of the new version or all of the
old. So whatever ends the process leaves documents of which each says truly which version it is of, and the next start
goes on with those that are behind.
"""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.describing import describe_again
from beamtorch_catalogue.services.document_edits import replace_parameters
from beamtorch_catalogue.services.documents import Documents, written
from beamtorch_catalogue.stores.database import Database, DatabaseUnusableError
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import DatasetRow, DocumentRow
from beamtorch_catalogue.vocabulary import MetadataModel
from beamtorch_catalogue.vocabulary.metadata_model import NotMigratedError
from beamtorch_catalogue.vocabulary.model_file import FIRST
from beamtorch_facility.clock import Clock
from beamtorch_facility.directory import Directory
from beamtorch_facility.words import Words

log = logging.getLogger(__name__)

BY = "catalogue"
MIGRATED = "model-migrated"
BATCH = 100
_PAUSE_SECONDS = 0.05
"""After each batch, so that whoever writes besides gets their turn."""
_BUSY_SECONDS = 1.0
"""After which those are tried again that somebody else was changing."""
_AGAIN_SECONDS = 10.0
"""After which it is tried again if the database did not answer."""
_REASONS_TOLD = 20


@dataclass(frozen=True)
class _Batch:
    last: int | None
    """The last dataset that was looked at; None: there are no more."""
    migrated: int = 0
    is_busy: bool = False
    """Whether somebody else was just changing some of them."""


class ModelMigration:
    """Migrates what is behind, once for every start of a process."""

    def __init__(
        self,
        *,
        database: Database,
        full_text: FullText,
        directory: Directory,
        clock: Clock,
        documents: Documents,
        batch: int = BATCH,
    ) -> None:
        self._database, self._full_text, self._directory = database, full_text, directory
        self._clock, self._documents, self._at_once = clock, documents, batch
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._reasons: dict[str, dict[str, int]] = defaultdict(dict)
        self._kept: set[tuple[str, int]] = set()

    def problems(self, model: str) -> tuple[Words, ...]:
        """Return why documents of a model stay as they are, each reason with the number of documents."""
        reasons = sorted(self._reasons[model].items(), key=lambda one: -one[1])[:_REASONS_TOLD]
        return tuple(
            Words(en=f"{count} not migrated: {reason}", zh=f"{count} 个未转换：{reason}") for reason, count in reasons
        )

    def start(self) -> None:
        """Begin in a thread, while the service answers."""
        self._thread = threading.Thread(target=self.run, name="model-migration", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the present batch; what is left waits for the next start."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> None:
        """Migrate everything that is behind, until done or told to stop."""
        for model in self._documents.models.all():
            try:
                self._bring(model)
            except Exception:
                # A fault of one model is no reason to let the others wait, or the service fall.
                log.exception("documents of the model %s cannot be migrated", model.name)

    def _bring(self, model: MetadataModel) -> None:
        done = 0
        for version in range(FIRST, model.version):
            done += self._bring_version(model, version)
        with self._database.reading() as session:
            newer = session.scalar(_newer(model)) or 0
        if newer:
            self._reasons[model.name][f"they are of a later version than {model.version}, which the file says"] = newer
        kept = sum(self._reasons[model.name].values())
        if done or kept:
            log.info("model %s, version %d: %d documents migrated, %d kept", model.name, model.version, done, kept)
        for reason, count in self._reasons[model.name].items():
            log.warning("model %s: %d documents stay as they are: %s", model.name, count, reason)

    def _bring_version(self, model: MetadataModel, version: int) -> int:
        done, after, busy = 0, 0, False
        while not self._stopped.is_set():
            try:
                batch = self._batch(model, version, after)
            except (DatabaseUnusableError, OperationalError):
                self._stopped.wait(_AGAIN_SECONDS)
                continue
            done += batch.migrated
            busy = busy or batch.is_busy
            if batch.last is None and not busy:
                break
            # Those that somebody else held are left: once more from the beginning.
            after, busy = (0, False) if batch.last is None else (batch.last, busy)
            self._stopped.wait(_PAUSE_SECONDS if after else _BUSY_SECONDS)
        return done

    def _batch(self, model: MetadataModel, version: int, after: int) -> _Batch:
        with self._database.reading() as session:
            numbers = session.scalars(_behind(model, version, after).limit(self._at_once)).all()
        # Those that cannot be migrated are still there in another round, and not asked again.
        left = [number for number in numbers if (model.name, number) not in self._kept]
        if not left:
            return _Batch(last=numbers[-1] if numbers else None)
        with self._database.writing() as session:
            changes, held = self._migrate(session, model, left)
            note(session, changes, by=BY, at=self._clock.now())
        return _Batch(last=numbers[-1], migrated=len(changes), is_busy=held < len(left))

    def _migrate(self, session: Session, model: MetadataModel, numbers: Sequence[int]) -> tuple[list[Noted], int]:
        # The datasets first: whoever edits one holds its row, too. Nobody is waited for, so that no two wait for
        # each other.
        mine = select(DatasetRow).where(DatasetRow.number.in_(numbers)).with_for_update(skip_locked=True)
        datasets = {row.number: row for row in session.scalars(mine)}
        documents = session.scalars(
            select(DocumentRow).where(
                DocumentRow.dataset.in_(datasets), DocumentRow.model == model.name, DocumentRow.version < model.version
            )
        ).all()
        changes = []
        for document in documents:
            change = self._one(session, model, datasets[document.dataset], document)
            if change is not None:
                changes.append(change)
        session.flush()
        if changes:
            changed = [document.dataset for document in documents if document.version == model.version]
            people = self._directory.people()
            describe_again(session, self._full_text, people, changed, documents=self._documents)
        return changes, len(datasets)

    def _one(self, session: Session, model: MetadataModel, row: DatasetRow, document: DocumentRow) -> Noted | None:
        before = json.loads(document.content)
        try:
            content = model.migrated(document.version, before)
        except NotMigratedError as error:
            reasons = self._reasons[model.name]
            if str(error) not in reasons:
                log.warning("%s of dataset %s stays at version %d: %s", model.name, row.id, document.version, error)
            reasons[str(error)] = reasons.get(str(error), 0) + 1
            self._kept.add((model.name, row.number))
            return None
        noted = Noted(
            subject="dataset",
            subject_id=row.id,
            action=MIGRATED,
            version=row.version + 1,
            before={"models": {model.name: before}, "model_version": document.version},
            after={"models": {model.name: content}, "model_version": model.version},
            beamtime=row.beamtime,
        )
        replace_parameters(session, row.number, model, before, content)
        document.version, document.content = model.version, written(content)
        row.version, row.changed_at = noted.version, self._clock.now()
        return noted


def _behind(model: MetadataModel, version: int, after: int) -> Select[int]:
    """Return the query of the next datasets whose document is of an earlier version."""
    return (
        select(DocumentRow.dataset)
        .where(DocumentRow.model == model.name, DocumentRow.version == version, DocumentRow.dataset > after)
        .order_by(DocumentRow.dataset)
    )


def _newer(model: MetadataModel) -> Select[int]:
    """Return the query of how many documents a file in front of this one has left."""
    later = select(func.count()).select_from(DocumentRow)
    return later.where(DocumentRow.model == model.name, DocumentRow.version > model.version)
