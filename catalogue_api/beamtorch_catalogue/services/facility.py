"""What the user office knows: instruments, proposals, beamtimes, samples; read by people, written by ingestors."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import visible_beamtimes, visible_proposals, visible_samples
from beamtorch_catalogue.services.ingest import require_ingestor
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.recording import describe
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Facility, Instrument, Proposal, Sample
from beamtorch_catalogue.wire import BeamtimeRecord, FacilityRecords, InstrumentRecord, ProposalRecord, SampleRecord
from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.words import Words

_CHUNK = 500
UNNAMED = Words(en="Light source", zh="光源")


class RecordsRefusedError(CatalogueError):
    """Records that refer to something unknown."""

    code = "records-refused"
    status = 422
    title = Words(en="These records cannot be taken in", zh="无法导入这些信息")


class FacilityOffice:
    """Keeps the user office's records."""

    def __init__(self, *, database: Database, full_text: FullText, directory: Directory) -> None:
        self._database, self._full_text, self._directory = database, full_text, directory

    def name(self) -> Words:
        """Return the facility's name."""
        with self._database.reading() as session:
            row = session.scalar(select(Facility))
            return Words(en=row.name_en, zh=row.name_zh) if row else UNNAMED

    def instruments(self, reader: Reader) -> list[InstrumentRecord]:  # noqa: ARG002 - open to all who are known
        """Return all instruments."""
        with self._database.reading() as session:
            return [
                InstrumentRecord(
                    beamline=BeamlineId(row.beamline),
                    name=Words(en=row.name_en, zh=row.name_zh),
                    technique=row.technique,
                )
                for row in session.scalars(select(Instrument).order_by(Instrument.beamline))
            ]

    def proposals(self, reader: Reader) -> list[ProposalRecord]:
        """Return the proposals that somebody may see."""
        with self._database.reading() as session:
            visible = select(Proposal).where(visible_proposals(reader)).order_by(Proposal.proposal)
            return [
                ProposalRecord(
                    proposal=ProposalId(row.proposal),
                    title=Words(en=row.title_en, zh=row.title_zh),
                    principal_investigator=Username(row.principal_investigator),
                )
                for row in session.scalars(visible)
            ]

    def beamtimes(self, reader: Reader) -> list[BeamtimeRecord]:
        """Return the beamtimes that somebody may see, newest first."""
        with self._database.reading() as session:
            visible = select(Beamtime).where(visible_beamtimes(reader))
            return [
                BeamtimeRecord(
                    beamtime=BeamtimeId(row.beamtime),
                    proposal=ProposalId(row.proposal),
                    beamline=BeamlineId(row.beamline),
                    start=row.start,
                    end=row.end,
                )
                for row in session.scalars(visible.order_by(Beamtime.start.desc(), Beamtime.beamtime))
            ]

    def samples(self, reader: Reader) -> list[SampleRecord]:
        """Return the samples that somebody may see; one without a description is described by its name."""
        with self._database.reading() as session:
            visible = select(Sample).where(visible_samples(reader)).order_by(Sample.proposal, Sample.name)
            return [
                SampleRecord(
                    sample=row.name,
                    proposal=ProposalId(row.proposal),
                    description=Words(en=row.description_en or row.name, zh=row.description_zh or row.name),
                    formula=row.formula,
                )
                for row in session.scalars(visible)
            ]

    def take_in(self, reader: Reader, records: FacilityRecords) -> None:
        """Create or update everything in one transaction; what is not in the records stays."""
        require_ingestor(reader)
        with self._database.writing() as session:
            _put(session, Facility, {"number": 1}, name_en=records.name.en, name_zh=records.name.zh)
            for instrument in records.instruments:
                names = {"name_en": instrument.name.en, "name_zh": instrument.name.zh}
                _put(session, Instrument, {"beamline": instrument.beamline}, **names, technique=instrument.technique)
            for proposal in records.proposals:
                titles = {"title_en": proposal.title.en, "title_zh": proposal.title.zh}
                investigator = proposal.principal_investigator
                _put(session, Proposal, {"proposal": proposal.proposal}, **titles, principal_investigator=investigator)
            session.flush()
            for beamtime in records.beamtimes:
                _take_beamtime(session, beamtime)
            for sample in records.samples:
                _take_sample(session, sample)
            session.flush()
            self._describe_again(session, records)

    def _describe_again(self, session: Session, records: FacilityRecords) -> None:
        """Renew the words by which datasets are found, since titles, samples and people are among them."""
        people = tuple(self._directory.people())
        proposals = {
            item.proposal for group in (records.proposals, records.beamtimes, records.samples) for item in group
        }
        numbers = session.scalars(
            select(DatasetRow.number)
            .join(Beamtime, Beamtime.beamtime == DatasetRow.beamtime)
            .where(Beamtime.proposal.in_(sorted(proposals)))
        ).all()
        for start in range(0, len(numbers), _CHUNK):
            rows = _with_details(session, numbers[start : start + _CHUNK])
            self._full_text.put(
                session, {row.number: describe(row, row.of_beamtime, row.of_sample, people) for row in rows}
            )
            session.expunge_all()


def _with_details(session: Session, numbers: Iterable[int]) -> Iterable[DatasetRow]:
    return session.scalars(
        select(DatasetRow)
        .where(DatasetRow.number.in_(numbers))
        .options(
            joinedload(DatasetRow.of_beamtime).options(
                joinedload(Beamtime.of_proposal), joinedload(Beamtime.of_instrument)
            ),
            joinedload(DatasetRow.of_sample),
            selectinload(DatasetRow.files),
            selectinload(DatasetRow.parameters),
        )
    ).all()


def _put(session: Session, table: type[Any], key: dict[str, Any], **values: Any) -> None:
    row = session.scalar(select(table).filter_by(**key))
    if row is None:
        session.add(table(**key, **values))
        return
    for name, value in values.items():
        setattr(row, name, value)


def _take_beamtime(session: Session, record: BeamtimeRecord) -> None:
    if session.get(Proposal, record.proposal) is None:
        raise _unknown(f"beamtime {record.beamtime}", f"机时 {record.beamtime}", f"{record.proposal}")
    if session.get(Instrument, record.beamline) is None:
        raise _unknown(f"beamtime {record.beamtime}", f"机时 {record.beamtime}", f"{record.beamline}")
    values = {"proposal": record.proposal, "beamline": record.beamline, "start": record.start, "end": record.end}
    _put(session, Beamtime, {"beamtime": record.beamtime}, **values)


def _take_sample(session: Session, record: SampleRecord) -> None:
    if session.get(Proposal, record.proposal) is None:
        raise _unknown(f"sample {record.sample}", f"样品 {record.sample}", f"{record.proposal}")
    texts = {"description_en": record.description.en, "description_zh": record.description.zh}
    _put(session, Sample, {"proposal": record.proposal, "name": record.sample}, **texts, formula=record.formula)


def _unknown(item_en: str, item_zh: str, missing: str) -> RecordsRefusedError:
    return RecordsRefusedError(
        Words(
            en=f"{item_en} refers to {missing}, which is neither in these records nor in the catalogue. "
            "Nothing was changed. Add it, then import again.",
            zh=f"{item_zh} 引用的 {missing} 既不在导入信息中，也不在数据目录中。未做任何更改。请补充后重新导入。",
        )
    )
