"""Taking in what beamlines measured: records in bulk."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.placement import Homes, misplaced
from beamtorch_catalogue.services.prepared import Prepared
from beamtorch_catalogue.services.preparing import Batch
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.recording import Recording
from beamtorch_catalogue.services.recordings import Recordings
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Proposal
from beamtorch_catalogue.wire import IngestResult
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import BeamtimeId
from beamtorch_facility.words import Words

_CHUNK = 500


class NotAnIngestorError(CatalogueError):
    """Somebody who may read and register results, but not write for a beamline."""

    code = "not-an-ingestor"
    status = 403
    exit_code = 7
    title = Words(en="Only for ingestors", zh="仅限数据采集账号")


class Ingest:
    """Writes what ingestors found."""

    def __init__(self, *, database: Database, recordings: Recordings) -> None:
        self._database, self._recordings = database, recordings

    def bulk(self, reader: Reader, batch: Batch) -> list[IngestResult]:
        """Create or update records in one transaction; one that makes no sense is refused alone, with the reason."""
        require_ingestor(reader)
        with self._database.writing() as session:
            beamtimes = load_beamtimes(session, (one.beamtime for one, _ in batch))
            recording = self._recordings.begin(session, reader)
            parents = load_parents(session, reader, (parent for one, _ in batch for parent in one.parents))
            recording.load((one.dataset for one, _ in batch), parents)
            results = [self._one(recording, beamtimes, one, homes) for one, homes in batch]
            recording.finish()
            return results

    def _one(
        self, recording: Recording, beamtimes: dict[str, Beamtime], prepared: Prepared, homes: Homes
    ) -> IngestResult:
        beamtime = beamtimes.get(prepared.beamtime)
        problem = no_such_beamtime(prepared.beamtime) if beamtime is None else misplaced(homes, beamtime)
        if problem is None and (unknown := recording.unknown_parents(prepared.parents)):
            problem = no_such_parents(unknown)
        problem = problem or self._recordings.documents.check(prepared.models)
        if problem is not None or beamtime is None:
            return IngestResult(source_id=prepared.source_id, dataset=None, outcome="refused", problem=problem)
        done = recording.put(prepared, beamtime)
        return IngestResult(source_id=prepared.source_id, dataset=done.dataset, outcome=done.outcome)


def require_ingestor(reader: Reader) -> None:
    """Refuse everybody but the ingest service and those who run the facility."""
    if not reader.may_ingest:
        raise NotAnIngestorError(
            Words(
                en="Only the ingest service and those who run the facility may do this. To add a result of your own, "
                "register it as processed data of your beamtime.",
                zh="只有采集服务和设施管理人员可执行此操作。如需添加自己的结果，请将其登记为您机时的处理数据。",
            )
        )


def load_beamtimes(session: Session, names: Iterable[str]) -> dict[str, Beamtime]:
    """Return the known ones of some beamtimes, with proposal and instrument, and hold their proposals as they are.

    Whoever changes an embargo meanwhile waits, or the new datasets would have the old one;
    SQLite has one writer anyhow.
    """
    wanted = sorted(set(names))
    if session.get_bind().dialect.name == "postgresql":
        held = select(Proposal.proposal).join(Beamtime, Beamtime.proposal == Proposal.proposal)
        held = held.where(Beamtime.beamtime.in_(wanted)).order_by(Proposal.proposal)
        session.execute(held.with_for_update(read=True, of=Proposal))
    rows = session.scalars(
        select(Beamtime)
        .where(Beamtime.beamtime.in_(wanted))
        .options(joinedload(Beamtime.of_proposal, innerjoin=True), joinedload(Beamtime.of_instrument, innerjoin=True))
    )
    return {row.beamtime: row for row in rows}


def load_parents(session: Session, reader: Reader, named: Iterable[DatasetId]) -> dict[str, int]:
    """Return the numbers of all parents that are named and that the reader may read."""
    ids = sorted(set(named))
    numbers: dict[str, int] = {}
    for start in range(0, len(ids), _CHUNK):
        some = select(DatasetRow.id, DatasetRow.number).where(DatasetRow.id.in_(ids[start : start + _CHUNK]))
        numbers |= {row.id: row.number for row in session.execute(some.where(readable(reader)))}
    return numbers


def no_such_parents(unknown: Sequence[DatasetId]) -> Words:
    """Say which parents cannot be read."""
    names = ", ".join(unknown)
    return Words(
        en=f"It says that it was made from {names}, which you cannot read or which does not exist. Correct “parents”.",
        zh=f"其来源 {names} 不存在或您无权读取。请更正 parents。",
    )


def no_such_beamtime(beamtime: BeamtimeId) -> Words:
    """Say that the catalogue does not know a beamtime."""
    return Words(
        en=f"The catalogue does not know beamtime {beamtime}. Import the facility's records first "
        "(“beamtorch catalogue import”), or correct the number.",
        zh=f"数据目录中没有机时 {beamtime}。请先导入设施信息（beamtorch catalogue import），或更正编号。",
    )
