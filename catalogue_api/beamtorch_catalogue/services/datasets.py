"""One dataset with everything about it, for those who may read it."""

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.people import team_of
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import file_record, parameter, select_datasets, summaries
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Parentage
from beamtorch_catalogue.wire import Dataset
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import ProposalId
from beamtorch_facility.words import Words


class NoSuchDatasetError(CatalogueError):
    """A dataset that does not exist, or that the caller may not read: nobody can tell which."""

    code = "no-such-dataset"
    status = 404
    exit_code = 6
    title = Words(en="No such dataset for you", zh="没有您可读的此数据集")

    def __init__(self, dataset: DatasetId) -> None:
        super().__init__(
            Words(
                en=f"There is no dataset {dataset} that you can read. If somebody gave you this name, ask the "
                "principal investigator of their proposal to add you to the team.",
                zh=f"没有您可读的数据集 {dataset}。如果此名称由他人提供，请联系其课题负责人将您加入团队。",
            )
        )


class Datasets:
    """Answers for one dataset."""

    def __init__(self, *, database: Database, directory: Directory) -> None:
        self._database, self._directory = database, directory

    def dataset(self, reader: Reader, dataset: DatasetId) -> Dataset:
        """Return a dataset; raise `NoSuchDatasetError` for one that the reader may not read."""
        with self._database.reading() as session:
            row = _find(session, reader, dataset)
            (summary,) = summaries(session, reader, [row])
            proposal = row.of_beamtime.of_proposal
            return Dataset(
                **dict(summary),
                folder=row.folder,
                files=tuple(map(file_record, row.files)),
                parameters={p.name: parameter(p) for p in row.parameters},
                proposal_title=Words(en=proposal.title_en, zh=proposal.title_zh),
                principal_investigator=Username(proposal.principal_investigator),
                parents=_relatives(session, reader, row, upwards=True),
                children=_relatives(session, reader, row, upwards=False),
                software=row.software,
                readers=self._readers(row),
            )

    def _readers(self, row: DatasetRow) -> tuple[Words, ...]:
        beamtime = row.of_beamtime
        team = team_of(ProposalId(beamtime.proposal), self._directory.people())
        names_en = ", ".join(person.full_name.en for person in team) or "nobody yet"
        names_zh = "、".join(person.full_name.zh for person in team) or "暂无成员"
        return (
            Words(
                en=f"The team of proposal {beamtime.proposal}: {names_en}",
                zh=f"课题 {beamtime.proposal} 团队：{names_zh}",
            ),
            Words(en=f"The staff of {beamtime.beamline}", zh=f"{beamtime.beamline} 线站人员"),
            Words(en="Those who run the facility", zh="设施管理人员"),
        )


def find_number(session: Session, reader: Reader, dataset: DatasetId) -> int:
    """Return the row number of a dataset that the reader may read; raise `NoSuchDatasetError` otherwise."""
    number = session.scalar(select(DatasetRow.number).where(DatasetRow.id == dataset, readable(reader)))
    if number is None:
        raise NoSuchDatasetError(dataset)
    return number


def _find(session: Session, reader: Reader, dataset: DatasetId) -> DatasetRow:
    row = session.scalar(
        select_datasets(reader)
        .where(DatasetRow.id == dataset)
        .options(
            joinedload(DatasetRow.of_beamtime, innerjoin=True).joinedload(Beamtime.of_proposal, innerjoin=True),
            selectinload(DatasetRow.files),
            selectinload(DatasetRow.parameters),
        )
    )
    if row is None:
        raise NoSuchDatasetError(dataset)
    return row


def _relatives(session: Session, reader: Reader, row: DatasetRow, *, upwards: bool) -> tuple[DatasetId, ...]:
    link = aliased(Parentage)
    mine, other = (link.child, link.parent) if upwards else (link.parent, link.child)
    found = session.scalars(
        select(DatasetRow.id)
        .join(link, other == DatasetRow.number)
        .where(mine == row.number, readable(reader))
        .order_by(DatasetRow.listed_at, DatasetRow.number)
    )
    return tuple(map(DatasetId, found))
