"""Published data: made by an investigator or the facility, read by everybody."""

from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from beamtorch_catalogue.citing.citation import citation
from beamtorch_catalogue.citing.work import Work
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.access import readable
from beamtorch_catalogue.services.datasets import NoSuchDatasetError
from beamtorch_catalogue.services.identifiers import Minting
from beamtorch_catalogue.services.paging import BadPageError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.releases import may_decide_all
from beamtorch_catalogue.services.reopening import decide
from beamtorch_catalogue.services.works import Works, creators_document, creators_of, datasets_of
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import Noted, note
from beamtorch_catalogue.stores.models import DatasetRow, Proposal, PublicationDataset
from beamtorch_catalogue.stores.models import Publication as Row
from beamtorch_catalogue.wire import Audience
from beamtorch_catalogue.wire.publications import Publication, PublicationPage, PublicationRequest
from beamtorch_facility.clock import Clock
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.proposal import ProposalId
from beamtorch_facility.words import Words

_NAMED = 5
"""How many datasets an error names."""


class NoSuchPublicationError(CatalogueError):
    """A publication that does not exist."""

    code = "no-such-publication"
    status = 404
    exit_code = 6
    title = Words(en="No such publication", zh="没有此数据发布")

    def __init__(self, pid: str) -> None:
        super().__init__(
            Words(
                en=f"Nothing was published as {pid}. Look through the list of publications.",
                zh=f"没有以 {pid} 发布的数据。请查看发布列表。",
            )
        )


class NotReleasedError(CatalogueError):
    """Datasets that are not open yet, and nobody said that they shall be."""

    code = "not-released"
    status = 409
    title = Words(en="These data are not open yet", zh="数据尚未开放")


class SeveralProposalsError(CatalogueError):
    """Datasets of more than one proposal."""

    code = "several-proposals"
    status = 422
    title = Words(en="These data belong to several proposals", zh="数据属于多个课题")


class PublishedOtherwiseError(CatalogueError):
    """The same datasets under the same title, but not the same publication."""

    code = "published-otherwise"
    status = 409
    title = Words(en="This is published already, in other words", zh="已发布，但内容不同")


class Publications:
    """Publishes data and tells what is published."""

    def __init__(self, *, database: Database, clock: Clock, minting: Minting, works: Works) -> None:
        self._database, self._clock, self._minting, self._works = database, clock, minting, works

    def publish(self, reader: Reader, request: PublicationRequest) -> Publication:
        """Publish datasets of one proposal under an identifier of their own.

        Raises
        ------
        NoSuchDatasetError
            If the reader may not read one of them.
        NotYoursToReleaseError
            If they are neither the investigator nor of those who run the facility.
        NotReleasedError
            If one is not open, and `release` was not asked for.
        """
        now = self._clock.now()
        with self._database.writing() as session:
            rows = _datasets(session, reader, request.datasets)
            proposal = _proposal(session, rows)
            may_decide_all(reader, proposal)
            row = self._row(reader, request, proposal, [one.pid for one in rows])
            known = session.get(Row, row.pid)
            if known is not None:
                _require_same(known, row)
                return self._told(session, known)
            notes = []
            if request.release:
                closed = [one for one in rows if not _is_open(one, now, {Audience.WORLD})]
                notes = decide(session, closed, (now, Audience.WORLD.value), now)
            elif closed := [one for one in rows if not _is_open(one, now, {Audience.REGISTERED, Audience.WORLD})]:
                raise _not_released(closed)
            session.add(row)
            session.flush()
            session.add_all(PublicationDataset(publication=row.pid, dataset=one.number) for one in rows)
            notes.append(
                Noted(
                    subject="publication",
                    subject_id=row.pid,
                    action="published",
                    after={"title": row.title_en, "proposal": row.proposal, "datasets": [one.id for one in rows]},
                    beamtime=rows[0].beamtime,
                )
            )
            session.flush()
            told = self._told(session, row)
            note(session, notes, by=reader.name, at=now)
            return told

    def page(self, proposal: ProposalId | None, after: str | None, limit: int) -> PublicationPage:
        """Return what is published, newest first; whoever is registered may know of all of it."""
        with self._database.reading() as session:
            listed = select(Row).order_by(Row.published_at.desc(), Row.pid).limit(limit + 1)
            if proposal is not None:
                listed = listed.where(Row.proposal == proposal)
            if after is not None:
                last = session.get(Row, after)
                if last is None:
                    raise _bad_page()
                same = and_(Row.published_at == last.published_at, Row.pid > last.pid)
                listed = listed.where(or_(Row.published_at < last.published_at, same))
            rows = session.scalars(listed).all()
            return PublicationPage(
                publications=tuple(self._told(session, row) for row in rows[:limit]),
                next=rows[limit - 1].pid if len(rows) > limit else None,
            )

    def publication(self, pid: str) -> Publication:
        """Return one publication."""
        with self._database.reading() as session:
            return self._told(session, _find(session, pid))

    def work(self, pid: str) -> Work:
        """Return one publication as a work, for its citations and exports."""
        with self._database.reading() as session:
            return self._works.publication(session, _find(session, pid), self._clock.now())

    def _row(self, reader: Reader, request: PublicationRequest, proposal: Proposal, pids: list[str]) -> Row:
        # From what makes it this publication, so that a request that is sent again finds what it made.
        seed = "\n".join([proposal.proposal, request.title.en, *sorted(pids)])
        return Row(
            pid=self._minting.publication(seed),
            title_en=request.title.en,
            title_zh=request.title.zh,
            abstract_en=request.abstract.en,
            abstract_zh=request.abstract.zh,
            licence=request.licence,
            creators=creators_document(request.creators),
            proposal=proposal.proposal,
            published_at=self._clock.now(),
            published_by=reader.name,
        )

    def _told(self, session: Session, row: Row) -> Publication:
        now = self._clock.now()
        work = self._works.publication(session, row, now)
        return Publication(
            pid=row.pid,
            url=work.url,
            title=Words(en=row.title_en, zh=row.title_zh),
            abstract=Words(en=row.abstract_en, zh=row.abstract_zh),
            licence=row.licence,
            creators=creators_of(row),
            proposal=ProposalId(row.proposal),
            datasets=tuple(one.pid for one in datasets_of(session, row.pid)),
            published_at=row.published_at,
            citation=citation(work, now.date()),
        )


def _datasets(session: Session, reader: Reader, wanted: tuple[DatasetId, ...]) -> list[DatasetRow]:
    rows = {
        row.id: row
        for row in session.scalars(select(DatasetRow).where(DatasetRow.id.in_(sorted(wanted)), readable(reader)))
    }
    for one in wanted:
        if one not in rows:
            raise NoSuchDatasetError(one)
    return [rows[name] for name in sorted(rows)]


def _proposal(session: Session, rows: list[DatasetRow]) -> Proposal:
    names = sorted({row.proposal for row in rows})
    if len(names) > 1:
        raise SeveralProposalsError(
            Words(
                en=f"These datasets belong to the proposals {', '.join(names)}. Publish those of each by themselves.",
                zh=f"这些数据集属于课题 {'、'.join(names)}。请按课题分别发布。",
            )
        )
    # Held, so that the same request twice at once makes one publication.
    return session.get_one(Proposal, names[0], with_for_update=True)


def _is_open(row: DatasetRow, now: datetime, audiences: set[Audience]) -> bool:
    return row.released_at <= now and Audience(row.released_to) in audiences


def _not_released(rows: list[DatasetRow]) -> NotReleasedError:
    names = ", ".join(row.id for row in rows[:_NAMED])
    more_en, more_zh = (f" and {len(rows) - _NAMED} more", f"等 {len(rows)} 个") if len(rows) > _NAMED else ("", "")
    return NotReleasedError(
        Words(
            en=f"Still under embargo: {names}{more_en}. Wait for its end, or publish with “release”, which opens them "
            "to the world now.",
            zh=f"仍在保护期内：{names}{more_zh}。请等待保护期结束，或在发布时选择 release，立即向所有人开放。",
        )
    )


def _require_same(known: Row, new: Row) -> None:
    for name in ("title_zh", "abstract_en", "abstract_zh", "licence", "creators"):
        if getattr(known, name) != getattr(new, name):
            raise PublishedOtherwiseError(
                Words(
                    en=f"These datasets are published under this title as {known.pid}, with another {name}. What is "
                    "published does not change; choose another title for another publication.",
                    zh=f"这些数据集已以该标题发布为 {known.pid}，但 {name} 不同。已发布的内容不可更改，请另选标题。",
                ),
                pid=known.pid,
            )


def _find(session: Session, pid: str) -> Row:
    row = session.get(Row, pid)
    if row is None:
        raise NoSuchPublicationError(pid)
    return row


def _bad_page() -> BadPageError:
    return BadPageError(
        Words(
            en="“after” is not a place that this catalogue gave out. Take it from “next” of the page before, "
            "or leave it out to start again.",
            zh="after 不是本目录给出的位置。请使用上一页的 next，或省略以从头开始。",
        )
    )
