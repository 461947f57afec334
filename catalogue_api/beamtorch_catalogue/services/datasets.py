"""One dataset with everything about it, for those who may read it."""

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session, aliased

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.paging import from_cursor, to_cursor
from beamtorch_catalogue.services.people import team_of
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.reading import (
    ENERGY,
    WITH_ITS_PROPOSAL,
    file_record,
    parameter,
    select_datasets,
    summaries,
)
from beamtorch_catalogue.stores import details
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.models import DatasetRow, FileRow, Parentage
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.wire import Audience, Dataset, FileCopy, FilePage, FileRecord
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import ProposalId
from beamtorch_facility.words import Words

FIRST_FILES = 100
"""How many files come with a dataset; a page of its own for each further part."""
_AUDIENCES = {
    Audience.REGISTERED: Words(en="everybody who is registered here", zh="所有注册用户"),
    Audience.WORLD: Words(en="everybody", zh="所有人"),
}


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

    def __init__(self, *, database: Database, directory: Directory, documents: Documents) -> None:
        self._database, self._directory, self._documents = database, directory, documents

    def dataset(self, reader: Reader, dataset: DatasetId) -> Dataset:
        """Return a dataset; raise `NoSuchDatasetError` for one that the reader may not read."""
        with self._database.reading() as session:
            row = _find(session, reader, dataset)
            parameters = details.parameters(session, row.number)
            energy = next((one for one in parameters if one.name == ENERGY), None)
            beside = details.beside(session, row.number, reader.username)
            links = {row.number: beside.link} if beside.link else {}
            (summary,) = summaries(session, reader, [row], {row.number: energy} if energy else {}, links)
            parents, children = _relatives(session, reader, row) if beside.has_relatives else ((), ())
            documents = details.documents(session, row.number) if beside.has_documents else ()
            proposal = row.of_beamtime.of_proposal
            files = _files(session, row.number, None, FIRST_FILES, has_copies=beside.has_copies)
            return Dataset(
                **dict(summary),
                folder=row.folder,
                files=files.files,
                files_next=files.next,
                parameters={one.name: parameter(one) for one in parameters},
                models={one.model: self._documents.shown(one) for one in documents},
                version=row.version,
                recipe=row.recipe,
                proposal_title=Words(en=proposal.title_en, zh=proposal.title_zh),
                principal_investigator=Username(proposal.principal_investigator),
                parents=parents,
                children=children,
                software=row.software,
                readers=self._readers(row, reader),
            )

    def files(self, reader: Reader, dataset: DatasetId, after: str | None, limit: int) -> FilePage:
        """Return one page of a dataset's files, in their order."""
        with self._database.reading() as session:
            return _files(session, find_number(session, reader, dataset), after, limit)

    def file(self, reader: Reader, dataset: DatasetId, name: str) -> FileRecord | None:
        """Return the file of a dataset that lies at a path below its folder, or None."""
        with self._database.reading() as session:
            row = _find(session, reader, dataset)
            folder = f"{row.folder.rstrip('/')}/"
            named = FileRow.path.in_([folder + name, name])
            file = session.scalar(select(FileRow).where(FileRow.dataset == row.number, named))
            # One that lies in the folder has one address alone.
            is_it = file is not None and file.path.removeprefix(folder) == name
            return file_record(file) if file is not None and is_it else None

    def _readers(self, row: DatasetRow, reader: Reader) -> tuple[Words, ...]:
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
            *_released(row, reader),
        )


def find_number(session: Session, reader: Reader, dataset: DatasetId) -> int:
    """Return the row number of a dataset that the reader may read; raise `NoSuchDatasetError` otherwise."""
    number = session.scalar(select(DatasetRow.number).where(DatasetRow.id == dataset, readable(reader)))
    if number is None:
        raise NoSuchDatasetError(dataset)
    return number


def _released(row: DatasetRow, reader: Reader) -> tuple[Words, ...]:
    """Say who else may read it, now or from when on."""
    audience = _AUDIENCES.get(Audience(row.released_to))
    if audience is None or row.released_at == NEVER:
        return ()
    if row.released_at <= reader.asked_at:
        return (Words(en=f"Released: {audience.en}", zh=f"已开放：{audience.zh}"),)
    day = f"{row.released_at:%Y-%m-%d}"
    return (Words(en=f"From {day} on: {audience.en}", zh=f"{day} 起：{audience.zh}"),)


def _files(session: Session, number: int, after: str | None, limit: int, *, has_copies: bool = True) -> FilePage:
    rows = details.files(session, number, after=from_cursor(after)[1] if after else -1, most=limit + 1)
    page, more = rows[:limit], rows[limit:]
    copies: dict[int, list[FileCopy]] = {}
    is_kept = page and has_copies
    kept = details.copies(session, number, first=page[0].position, last=page[-1].position) if is_kept else ()
    for copy in kept:
        copies.setdefault(copy.position, []).append(
            FileCopy(tier=copy.tier, path=copy.path, state=copy.state, verified_at=copy.verified_at)
        )
    return FilePage(
        files=tuple(file_record(row, tuple(copies.get(row.position, ()))) for row in page),
        next=to_cursor("", page[-1].position) if more else None,
    )


def _find(session: Session, reader: Reader, dataset: DatasetId) -> DatasetRow:
    row = session.scalar(select_datasets(reader).where(DatasetRow.id == dataset).options(WITH_ITS_PROPOSAL))
    if row is None:
        raise NoSuchDatasetError(dataset)
    return row


def _relatives(
    session: Session, reader: Reader, row: DatasetRow
) -> tuple[tuple[DatasetId, ...], tuple[DatasetId, ...]]:
    """Return of which datasets one was made, and which were made of it, as far as the reader may read them."""
    may, link = readable(reader), aliased(Parentage)
    ways = [
        select(literal(name).label("way"), DatasetRow.id, DatasetRow.listed_at, DatasetRow.number)
        .join(link, other == DatasetRow.number)
        .where(mine == row.number, may)
        for name, mine, other in (("up", link.child, link.parent), ("down", link.parent, link.child))
    ]
    both = union_all(*ways).subquery()
    found = session.execute(select(both.c.way, both.c.id).order_by(both.c.listed_at, both.c.number)).all()
    up, down = (tuple(DatasetId(one.id) for one in found if one.way == way) for way in ("up", "down"))
    return up, down
