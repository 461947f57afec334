"""The files of a folder that the catalogue knows, and news about which of them are gone or back; for ingestors."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.ingest import require_ingestor
from beamtorch_catalogue.services.paging import from_cursor, to_cursor
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.record_rows import files_gone
from beamtorch_catalogue.stores.census import Census, kin
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import DatasetRow, FileRow
from beamtorch_catalogue.wire import DatasetState, FileState, KnownFile, KnownFilePage
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId

FILES_PER_PAGE = 5000
_CHUNK = 5000
_POSITION_BITS = 32


class KnownFiles:
    """Answers those who compare a folder with the catalogue."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def page(self, reader: Reader, below: str, after: str | None) -> KnownFilePage:
        """Return one page of the files that the catalogue knows in a folder, dataset by dataset.

        A dataset is found by the folder that its files have in common. That lies below the one in question, or above
        it: then only some of the files are meant.
        """
        require_ingestor(reader)
        place = PurePosixPath(below)
        listed = (
            select(FileRow.path, FileRow.state, FileRow.position, DatasetRow.folder, DatasetRow.number)
            .add_columns(DatasetRow.id, DatasetRow.source_id)
            .join(DatasetRow, DatasetRow.number == FileRow.dataset)
            .where(readable(reader))
            .order_by(DatasetRow.folder, DatasetRow.number, FileRow.position)
            .limit(FILES_PER_PAGE + 1)
        )
        if after:
            folder, number = from_cursor(after)
            last = (folder, *divmod(number, 1 << _POSITION_BITS))
            listed = listed.where(
                DatasetRow.folder >= folder, tuple_(DatasetRow.folder, DatasetRow.number, FileRow.position) > last
            )
        from_above = DatasetRow.folder.in_([str(one) for one in (place, *place.parents)])
        rows: list[Row[Any]] = []
        with self._database.reading() as session:
            # What lies above comes first in the order of texts, so the two lists are one.
            for part in (and_(from_above, _is_inside(FileRow.path, place)), _below(DatasetRow.folder, place)):
                rows += session.execute(listed.where(part)).all()
        page, more = rows[:FILES_PER_PAGE], rows[FILES_PER_PAGE:]
        return KnownFilePage(
            files=tuple(
                KnownFile(dataset=DatasetId(row.id), source_id=row.source_id, path=row.path, state=row.state)
                for row in page
            ),
            next=to_cursor(page[-1].folder, (page[-1].number << _POSITION_BITS) + page[-1].position) if more else None,
        )

    def report(self, reader: Reader, states: Sequence[FileState]) -> int:
        """Note which files are gone or back; a dataset with a file gone is missing until it is back."""
        require_ingestor(reader)
        changed = 0
        told: dict[DatasetId, dict[str, str]] = defaultdict(dict)
        for found in states:
            told[found.dataset][found.path] = found.state.value
        with self._database.writing() as session:
            touched: list[DatasetRow] = []
            for dataset, state_of in told.items():
                row = session.scalar(select(DatasetRow).where(DatasetRow.id == dataset, readable(reader)))
                if row is not None and (count := _set_states(session, row, state_of)):
                    touched.append(row)
                    changed += count
            session.flush()
            census = Census()
            for row in touched:
                _follow_files(session, row, census, self._clock.now())
            census.write(session)
            note(session, map(_checked, touched), by=reader.name, at=self._clock.now())
        return changed


def _below(path: Any, place: PurePosixPath) -> ColumnElement[bool]:
    # “0” is what comes after “/”.
    start = str(place).rstrip("/")
    return and_(path > f"{start}/", path < f"{start}0")


def _is_inside(path: Any, place: PurePosixPath) -> ColumnElement[bool]:
    folder = f"{str(place).rstrip('/')}/"
    # LIKE ignores case in SQLite, and a comparison of texts may in PostgreSQL.
    return or_(path == str(place), func.substr(path, 1, len(folder)) == folder)


def _set_states(session: Session, row: DatasetRow, state_of: dict[str, str]) -> int:
    """Set the states of files by their paths; return how many differed."""
    changed, paths = 0, sorted(state_of)
    for start in range(0, len(paths), _CHUNK):
        some = select(FileRow).where(FileRow.dataset == row.number, FileRow.path.in_(paths[start : start + _CHUNK]))
        for file in session.scalars(some):
            if file.state != state_of[file.path]:
                file.state = state_of[file.path]
                changed += 1
    return changed


def _checked(row: DatasetRow) -> Noted:
    return Noted(
        subject="dataset",
        subject_id=row.id,
        action="files-checked",
        version=row.version,
        after={"state": row.state},
        beamtime=row.beamtime,
    )


def _follow_files(session: Session, row: DatasetRow, census: Census, now: datetime) -> None:
    census.take(kin(row), row.size)
    gone = session.scalars(
        select(FileRow.path)
        .where(FileRow.dataset == row.number, FileRow.state == DatasetState.MISSING.value)
        .order_by(FileRow.position)
    ).all()
    # What the files say may differ now, so the same record has to be taken in again.
    row.fingerprint = ""
    row.version, row.changed_at = row.version + 1, now
    if gone:
        problem = files_gone(list(gone))
        row.state, row.problem_en, row.problem_zh = DatasetState.MISSING.value, problem.en, problem.zh
    elif row.state == DatasetState.MISSING.value:
        row.state, row.problem_en, row.problem_zh = DatasetState.COMPLETE.value, None, None
    census.add(kin(row), row.size)
