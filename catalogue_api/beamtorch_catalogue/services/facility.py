"""What the user office knows: instruments, proposals, people, beamtimes, samples; read by people, taken in whole."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.access import readable, visible_beamtimes, visible_proposals, visible_samples
from beamtorch_catalogue.services.ingest import require_ingestor
from beamtorch_catalogue.services.office import answers
from beamtorch_catalogue.services.office.comparing import compare, report
from beamtorch_catalogue.services.office.renewing import Renewal
from beamtorch_catalogue.services.office.taking import notes, take_turn, write
from beamtorch_catalogue.services.paging import from_cursor, to_cursor
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.releases import NoSuchProposalError
from beamtorch_catalogue.stores.database import Database
from beamtorch_catalogue.stores.history import note
from beamtorch_catalogue.stores.models import (
    Base,
    Beamtime,
    DatasetRow,
    Facility,
    Instrument,
    Person,
    Proposal,
    Role,
    Sample,
    Station,
)
from beamtorch_catalogue.stores.words import phrase
from beamtorch_catalogue.wire import (
    BeamtimePage,
    FacilityRecords,
    FacilityReport,
    InstrumentRecord,
    PersonPage,
    ProposalDetails,
    ProposalPage,
    SamplePage,
    TeamMember,
)
from beamtorch_facility.directory import Directory, PersonRefusedError, UnknownPersonError
from beamtorch_facility.identity import Username
from beamtorch_facility.proposal import ProposalId
from beamtorch_facility.words import Words

UNNAMED = Words(en="Light source", zh="光源")
INVESTIGATOR = "principal-investigator"
_BEAMTIMES_SHOWN = 100


class FacilityOffice:
    """Answers from the user office's records, and takes new ones in."""

    def __init__(self, *, database: Database, directory: Directory, renewal: Renewal) -> None:
        self._database, self._directory, self._renewal = database, directory, renewal

    def name(self) -> Words:
        """Return the facility's name."""
        with self._database.reading() as session:
            row = session.scalar(select(Facility))
            return Words(en=row.name_en, zh=row.name_zh) if row else UNNAMED

    def instruments(self, reader: Reader) -> list[InstrumentRecord]:  # noqa: ARG002 - open to all who are known
        """Return all instruments with their stations."""
        with self._database.reading() as session:
            stations = defaultdict[str, list[Station]](list)
            for station in session.scalars(select(Station).order_by(Station.beamline, Station.station)):
                stations[station.beamline].append(station)
            rows = session.scalars(select(Instrument).order_by(Instrument.beamline))
            return [answers.instrument(row, stations[row.beamline]) for row in rows]

    def proposals(self, reader: Reader, *, limit: int, after: str | None = None) -> ProposalPage:
        """Return one page of the proposals that somebody may see, by number."""
        asked = select(Proposal).where(visible_proposals(reader)).order_by(Proposal.proposal)
        if after:
            asked = asked.where(Proposal.proposal > from_cursor(after)[0])
        with self._database.reading() as session:
            page, is_last = _page(session, asked, limit)
            roles = _roles(session, [row.proposal for row in page])
            return ProposalPage(
                proposals=tuple(answers.proposal(row, roles[row.proposal]) for row in page),
                next=None if is_last else to_cursor(page[-1].proposal, 0),
            )

    def proposal(self, reader: Reader, proposal: ProposalId) -> ProposalDetails:
        """Return one proposal with what belongs to it; raise `NoSuchProposalError` for one that is not to be seen."""
        with self._database.reading() as session:
            row = session.scalar(select(Proposal).where(Proposal.proposal == proposal, visible_proposals(reader)))
            if row is None:
                raise NoSuchProposalError(proposal)
            mine = (Beamtime.proposal == proposal, visible_beamtimes(reader))
            beamtimes = select(Beamtime).where(*mine).order_by(*_NEWEST_FIRST).limit(_BEAMTIMES_SHOWN)
            roles = _roles(session, [proposal])[proposal]
            return ProposalDetails(
                record=answers.proposal(row, roles),
                people=tuple(self._team(session, row, roles)),
                beamtimes=tuple(map(answers.beamtime, session.scalars(beamtimes))),
                beamtime_count=_count(session, Beamtime, *mine),
                sample_count=_count(session, Sample, Sample.proposal == proposal, visible_samples(reader)),
                dataset_count=_count(session, DatasetRow, DatasetRow.proposal == proposal, readable(reader)),
            )

    def beamtimes(self, reader: Reader, *, limit: int, after: str | None = None) -> BeamtimePage:
        """Return one page of the beamtimes that somebody may see, newest first."""
        asked = select(Beamtime).where(visible_beamtimes(reader)).order_by(*_NEWEST_FIRST)
        if after:
            name, ordinal = from_cursor(after)
            start = date.fromordinal(min(max(ordinal, date.min.toordinal()), date.max.toordinal()))
            same_day = and_(Beamtime.start == start, Beamtime.beamtime > name)
            asked = asked.where(or_(Beamtime.start < start, same_day))
        with self._database.reading() as session:
            page, is_last = _page(session, asked, limit)
            return BeamtimePage(
                beamtimes=tuple(map(answers.beamtime, page)),
                next=None if is_last else to_cursor(page[-1].beamtime, page[-1].start.toordinal()),
            )

    def samples(self, reader: Reader, *, limit: int, after: str | None = None) -> SamplePage:
        """Return one page of the samples that somebody may see; one without a description is described by its name."""
        asked = select(Sample).where(visible_samples(reader)).order_by(Sample.proposal, Sample.name)
        if after:
            proposal, _, name = from_cursor(after)[0].partition("\n")
            asked = asked.where(tuple_(Sample.proposal, Sample.name) > tuple_(proposal, name))
        with self._database.reading() as session:
            page, is_last = _page(session, asked, limit)
            return SamplePage(
                samples=tuple(map(answers.sample, page)),
                next=None if is_last else to_cursor(f"{page[-1].proposal}\n{page[-1].name}", 0),
            )

    def people(self, reader: Reader, search: str, *, limit: int, after: str | None = None) -> PersonPage:
        """Return one page of the people with whom somebody shares a proposal; whoever runs the facility sees all."""
        asked = select(Person).where(_acquainted(reader), *_named(search)).order_by(Person.username)
        if after:
            asked = asked.where(Person.username > from_cursor(after)[0])
        with self._database.reading() as session:
            page, is_last = _page(session, asked, limit)
            return PersonPage(
                people=tuple(map(answers.person, page)), next=None if is_last else to_cursor(page[-1].username, 0)
            )

    def take_in(self, reader: Reader, records: FacilityRecords, *, is_rehearsal: bool = False) -> FacilityReport:
        """Create or update everything in one transaction; what is not in the records stays, and is told.

        Raises
        ------
        RecordsRefusedError
            If something is referred to that nobody knows; then nothing is changed.
        """
        require_ingestor(reader)
        if is_rehearsal:
            with self._database.reading() as session:
                return report(compare(session, records), is_rehearsal=True)
        with self._database.writing() as session:
            take_turn(session)
            found = compare(session, records)
            write(session, found)
            followed = self._renewal.after_import(session, found)
            note(session, [*notes(found), *followed], by=reader.name, at=reader.asked_at)
            return report(found, is_rehearsal=False)

    def _team(self, session: Session, proposal: Proposal, roles: Sequence[Role]) -> Iterable[TeamMember]:
        of_each = defaultdict[str, list[str]](list)
        of_each[proposal.principal_investigator] = []
        for role in roles:
            of_each[role.username].append(role.role)
        if not of_each[proposal.principal_investigator]:
            of_each[proposal.principal_investigator] = [INVESTIGATOR]
        known = {row.username: row for row in session.scalars(select(Person).where(Person.username.in_(of_each)))}
        for username, done in of_each.items():
            yield answers.team_member(known.get(username) or self._of_directory(username), done)

    def _of_directory(self, username: str) -> Person:
        """Return a principal investigator whom the user office has not told more of."""
        try:
            name = self._directory.person(Username(username)).full_name
        except (UnknownPersonError, PersonRefusedError):
            name = Words(en=username, zh=username)
        return Person(username=username, name_en=name.en, name_zh=name.zh)


_NEWEST_FIRST = (Beamtime.start.desc(), Beamtime.beamtime)


def _acquainted(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Person`: oneself, and whoever is named in a proposal that the reader may see."""
    if reader.sees_all:
        return true()
    mine = select(Proposal.proposal).where(visible_proposals(reader))
    return or_(
        Person.username == (reader.username or ""),
        Person.username.in_(select(Role.username).where(Role.proposal.in_(mine))),
        Person.username.in_(select(Proposal.principal_investigator).where(visible_proposals(reader))),
    )


def _named(search: str) -> Iterable[ColumnElement[bool]]:
    """Return the conditions that each word begins a part of a name, or the user name."""
    for word in search.split():
        sought = phrase(word)
        by_name = [Person.folded.contains(f" {' '.join(sought)}", autoescape=True)] if sought else []
        yield or_(*by_name, Person.username.startswith(word.lower(), autoescape=True))


def _roles(session: Session, proposals: Sequence[str]) -> dict[str, list[Role]]:
    found = defaultdict[str, list[Role]](list)
    asked = select(Role).where(Role.proposal.in_(proposals)).order_by(Role.proposal, Role.username, Role.role)
    for role in session.scalars(asked):
        found[role.proposal].append(role)
    return found


def _page(session: Session, asked: Select[Any], limit: int) -> tuple[Sequence[Any], bool]:
    """Return the rows of one page, and whether it is the last."""
    rows = session.scalars(asked.limit(limit + 1)).all()
    return rows[:limit], len(rows) <= limit


def _count(session: Session, table: type[Base], *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0
