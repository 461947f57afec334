"""What an identifier stands for: to everybody, without signing in, as much as its release allows."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from beamtorch_catalogue.citing.work import Stage, Work
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.datasets import NoSuchDatasetError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import parameter
from beamtorch_catalogue.services.works import Works, datasets_of
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import DatasetRow, FileRow, ParameterRow, Publication, Sample, words
from beamtorch_catalogue.wire.publications import PID_PATTERN
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

MOST_FILES = 200
"""Files on a landing page; all of them are in the catalogue."""


class NoSuchPidError(CatalogueError):
    """An identifier that this catalogue never gave out."""

    code = "no-such-pid"
    status = 404
    exit_code = 6
    title = Words(en="This identifier leads nowhere", zh="此标识符无法解析")

    def __init__(self, pid: str) -> None:
        shown = pid if len(pid) <= 80 else f"{pid[:79]}…"  # noqa: PLR2004 - fits one line
        super().__init__(
            Words(
                en=f"“{shown}” was not given out by this facility. Compare it with the place where you found it; "
                "a letter may be missing at its end.",
                zh=f"“{shown}”不是本设施发出的标识符。请与来源核对，末尾可能缺少字符。",
            )
        )


@dataclass(frozen=True)
class OpenFile:
    """A file as everybody may know it: by its name below the dataset's folder."""

    name: str
    format: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """What stands behind an identifier."""

    work: Work
    beamline: str | None = None
    year: int | None = None
    """When it was measured, or came in."""
    dataset: DatasetId | None = None
    """To find it in the catalogue; None for publications, and for what is withheld."""
    technique: str = ""
    sample: Words | None = None
    parameters: dict[str, Quantity | str] | None = None
    """None: only those who are registered may know them."""
    files: tuple[OpenFile, ...] = ()
    parts: tuple[Work, ...] = ()
    """The datasets of a publication."""


class Landings:
    """Resolves identifiers."""

    def __init__(self, *, database: Database, clock: Clock, works: Works) -> None:
        self._database, self._clock, self._works = database, clock, works

    def find(self, pid: str) -> Found:
        """Return what an identifier stands for, at this moment; raise `NoSuchPidError` for an unknown one."""
        if PID_PATTERN.fullmatch(pid) is None:
            raise NoSuchPidError(pid)
        now = self._clock.now()
        with self._database.reading() as session:
            row = session.scalar(select(DatasetRow).where(DatasetRow.pid == pid))
            if row is not None:
                return self._dataset(session, row, now)
            publication = session.get(Publication, pid)
            if publication is None:
                raise NoSuchPidError(pid)
            parts = tuple(self._works.dataset(session, one, now) for one in datasets_of(session, pid))
            return Found(work=self._works.publication(session, publication, now), parts=parts)

    def work(self, reader: Reader, dataset: DatasetId) -> Work:
        """Return a dataset as a work, in full for those who may read it; refuse everybody else."""
        with self._database.reading() as session:
            row = session.scalar(select(DatasetRow).where(DatasetRow.id == dataset, readable(reader)))
            if row is None:
                raise NoSuchDatasetError(dataset)
            return self._works.dataset(session, row, self._clock.now(), in_full=True)

    def _dataset(self, session: Session, row: DatasetRow, now: datetime) -> Found:
        work = self._works.dataset(session, row, now)
        if work.stage is Stage.WITHHELD:
            return Found(work=work, beamline=row.beamline, year=row.listed_at.year)
        sample = session.get(Sample, row.sample) if row.sample is not None else None
        said = words(sample.description_en, sample.description_zh) if sample else None
        landing = Found(
            work=work,
            beamline=row.beamline,
            year=row.listed_at.year,
            dataset=DatasetId(row.id),
            technique=row.technique,
            sample=said or (Words(en=sample.name, zh=sample.name) if sample else None),
        )
        if work.stage is not Stage.WORLD:
            return landing
        values = select(ParameterRow).where(ParameterRow.dataset == row.number).order_by(ParameterRow.name)
        files = select(FileRow).where(FileRow.dataset == row.number).order_by(FileRow.position).limit(MOST_FILES)
        return replace(
            landing,
            parameters={value.name: parameter(value) for value in session.scalars(values)},
            files=tuple(OpenFile(_below(row.folder, one.path), one.format, one.size) for one in session.scalars(files)),
        )


def _below(folder: str, path: str) -> str:
    """Return a path below a folder; where the facility keeps its data is nobody's business outside."""
    inside = f"{folder.rstrip('/')}/"
    return path.removeprefix(inside) if path.startswith(inside) else path.rpartition("/")[2]
