"""Results of people: processed data that somebody adds to a beamtime they belong to."""

import json
from pathlib import Path

from anyio import to_thread
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import writable_beamtimes
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.downloads import below
from beamtorch_catalogue.services.ingest import load_beamtimes, load_parents, no_such_parents
from beamtorch_catalogue.services.placement import Placement
from beamtorch_catalogue.services.prepared import Prepared
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.recordings import Recordings
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Beamtime
from beamtorch_catalogue.tasks import READABLE
from beamtorch_catalogue.wire import Dataset, DatasetRecord
from beamtorch_facility.data_layout import Area, DataLayout
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.words import Words
from beamtorch_identity.reader.client import Reader as FileReader
from beamtorch_identity.reader.errors import FileGoneError

_ALLOWED = frozenset({DatasetKind.PROCESSED, DatasetKind.SIMULATED})
_PATHS_AT_ONCE = 100
"""Of up to 1 KiB each; a question to the reader is one packet."""


class RegistrationRefusedError(CatalogueError):
    """A result that cannot be taken as it is."""

    code = "registration-refused"
    status = 422
    title = Words(en="This result cannot be registered", zh="无法登记此结果")


class NotYourBeamtimeError(CatalogueError):
    """A beamtime that does not exist, or that the caller does not belong to."""

    code = "not-your-beamtime"
    status = 403
    exit_code = 7
    title = Words(en="Not a beamtime of yours", zh="不是您的机时")


class Registration:
    """Takes results in."""

    def __init__(
        self,
        *,
        database: Database,
        recordings: Recordings,
        layout: DataLayout,
        datasets: Datasets,
        files: FileReader,
    ) -> None:
        self._database, self._recordings, self._files = database, recordings, files
        self._layout, self._datasets = layout, datasets

    async def register(self, reader: Reader, record: DatasetRecord) -> Dataset:
        """Create or update a processed dataset of the reader's beamtime.

        Raises
        ------
        NotYourBeamtimeError
            If the reader does not belong to the beamtime.
        RegistrationRefusedError
            If the record is of another kind, its files are elsewhere or the reader cannot read them, or it would
            replace raw data.
        """
        await to_thread.run_sync(self._check, reader, record)
        await self._demand_readable(reader, record)
        return await to_thread.run_sync(self._put, reader, record)

    def _check(self, reader: Reader, record: DatasetRecord) -> None:
        with self._database.reading() as session:
            self._check_files(record, self._beamtime(session, reader, record.beamtime))

    async def _demand_readable(self, reader: Reader, record: DatasetRecord) -> None:
        """Refuse files that the person cannot read; a service that ingests has read them itself."""
        if reader.username is None:
            return
        paths = [file.path for file in record.files]
        for start in range(0, len(paths), _PATHS_AT_ONCE):
            some = paths[start : start + _PATHS_AT_ONCE]
            given = {"paths": [str(below(self._layout, Path(path))) for path in some]}
            codes = json.loads(await self._files.work(reader.username, READABLE, given))
            for path, code in zip(some, codes, strict=True):
                if code is not None:
                    raise RegistrationRefusedError(_not_there(path) if code == FileGoneError.code else _unread(path))

    def _put(self, reader: Reader, record: DatasetRecord) -> Dataset:
        prepared = Prepared.of(record)
        with self._database.writing() as session:
            beamtime = self._beamtime(session, reader, record.beamtime)
            load_beamtimes(session, [record.beamtime])
            recording = self._recordings.begin(session, reader)
            recording.load([prepared.dataset], load_parents(session, reader, record.parents))
            if unknown := recording.unknown_parents(record.parents):
                raise RegistrationRefusedError(no_such_parents(unknown))
            if problem := self._recordings.documents.check(record.models):
                raise RegistrationRefusedError(problem)
            known = recording.known(prepared.dataset)
            if known is not None and known.kind not in _ALLOWED:
                raise RegistrationRefusedError(
                    Words(
                        en=f"“{record.source_id}” is the name of {known.kind} data of this beamtime, which a result "
                        "cannot replace. Choose another source_id.",
                        zh=f"“{record.source_id}”是本机时{known.kind}数据的名称，结果不能替换它。请更换 source_id。",
                    )
                )
            done = recording.put(prepared, beamtime)
            recording.finish()
        return self._datasets.dataset(reader, done.dataset)

    @staticmethod
    def _beamtime(session: Session, reader: Reader, name: BeamtimeId) -> Beamtime:
        beamtime = session.scalar(
            select(Beamtime)
            .where(Beamtime.beamtime == name, writable_beamtimes(reader))
            .options(
                joinedload(Beamtime.of_proposal, innerjoin=True), joinedload(Beamtime.of_instrument, innerjoin=True)
            )
        )
        if beamtime is None:
            raise NotYourBeamtimeError(
                Words(
                    en=f"You do not belong to a beamtime {name}. “beamtimes” lists yours; ask the user office if one "
                    "is missing.",
                    zh=f"您不属于机时 {name}。beamtimes 可列出您的机时；如有缺漏请联系用户办公室。",
                )
            )
        return beamtime

    def _check_files(self, record: DatasetRecord, beamtime: Beamtime) -> None:
        if record.kind not in _ALLOWED:
            raise RegistrationRefusedError(
                Words(
                    en=f"People register processed or simulated data; {record.kind} data come in by the ingest of the "
                    "beamline.",
                    zh=f"个人可登记处理或模拟数据；{record.kind} 数据由线站采集入库。",
                )
            )
        placement = Placement(self._layout)
        problem = placement.problem(record, beamtime)
        if problem is not None:
            raise RegistrationRefusedError(problem)
        for file in record.files:
            home = placement.home(file.path)
            if home is None or home[2] is Area.RAW:
                raise RegistrationRefusedError(_in_raw(file.path))


def _in_raw(path: str) -> Words:
    return Words(
        en=f"{path} lies among the raw data, which are nobody's result. Write results to “processed”.",
        zh=f"{path} 位于原始数据目录。请将结果写入 processed 目录。",
    )


def _not_there(path: str) -> Words:
    return Words(
        en=f"{path} does not exist. Finish writing the file, then register it.",
        zh=f"{path} 不存在。请写完文件后再登记。",
    )


def _unread(path: str) -> Words:
    return Words(
        en=f"The file system does not let you read {path}, or a link leads to it. Register files of your own, by their "
        "real path.",
        zh=f"文件系统不允许您读取 {path}，或其路径含有链接。请用真实路径登记您自己的文件。",
    )
