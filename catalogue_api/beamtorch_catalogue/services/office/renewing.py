"""What follows from a change of the records for datasets: their copies of it, and the words that find them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from beamtorch_catalogue.services.describing import describe_again
from beamtorch_catalogue.services.documents import Documents
from beamtorch_catalogue.services.office.comparing import Differences
from beamtorch_catalogue.stores.full_text import FullText
from beamtorch_catalogue.stores.history import Noted
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Role, Sample
from beamtorch_facility.directory import Directory

_CHUNK = 500
Follow = Callable[[Session, Iterable[str]], list[Noted]]
"""Brings the embargo of proposals' data in line with the records, and tells what to note."""


class Renewal:
    """Keeps datasets in step with the records; whoever changes records calls it in the same transaction."""

    def __init__(
        self, *, full_text: FullText, directory: Directory, follow: Follow, documents: Documents | None = None
    ) -> None:
        self._full_text, self._directory, self._follow, self._documents = full_text, directory, follow, documents

    def after_import(self, session: Session, found: Differences) -> list[Noted]:
        """Renew what an import concerns, and return what to note; new records concern no dataset yet, but for roles."""
        moved = {one.row["beamtime"]: one.row for one in found["beamtimes"].changed("proposal", "beamline")}
        for beamtime, row in moved.items():
            copies = {"proposal": row["proposal"], "beamline": row["beamline"]}
            session.execute(update(DatasetRow).where(DatasetRow.beamtime == beamtime).values(**copies))
        agreed = {one.row["proposal"] for one in found["proposals"].changed("embargo_months", "released_to")}
        agreed |= {one.row["proposal"] for one in found["beamtimes"].changed("proposal", "end")}
        self._describe(session, sorted(_concerned(session, found, moved)))
        return self._follow(session, agreed) if agreed else []

    def of_proposal(self, session: Session, proposal: str) -> None:
        """Renew the words of a proposal's datasets, since its people are among them."""
        of_beamtimes = DatasetRow.beamtime.in_(select(Beamtime.beamtime).where(Beamtime.proposal == proposal))
        self._describe(session, session.scalars(select(DatasetRow.number).where(of_beamtimes)).all())

    def _describe(self, session: Session, numbers: Sequence[int]) -> None:
        """Renew the words of datasets: the one place that does so for records."""
        if numbers:
            session.flush()
            people = tuple(self._directory.people())
            describe_again(session, self._full_text, people, numbers, documents=self._documents)


def _concerned(session: Session, found: Differences, moved: Iterable[str]) -> set[int]:
    """Return the datasets of whose words something has changed."""
    proposals = {row["proposal"] for row in found["roles"].created}
    titles = ("title_en", "title_zh", "principal_investigator")
    proposals |= {one.row["proposal"] for one in found["proposals"].changed(*titles)}
    people = {one.row["username"] for one in found["people"].changed("name_en", "name_zh")}
    for role in _in_chunks(Role.username, people):
        proposals.update(session.scalars(select(Role.proposal).where(role)))
    names = found["instruments"].changed("name_en", "name_zh")
    beamlines = {one.row["beamline"] for one in names}
    numbers = set[int]()
    for condition in (
        *_in_chunks(Beamtime.proposal, proposals),
        *_in_chunks(Beamtime.beamline, beamlines),
        *_in_chunks(Beamtime.beamtime, moved),
    ):
        of_beamtimes = DatasetRow.beamtime.in_(select(Beamtime.beamtime).where(condition))
        numbers.update(session.scalars(select(DatasetRow.number).where(of_beamtimes)))
    samples = {(one.row["proposal"], one.row["name"]) for one in found["samples"].updated}
    numbers.update(_with_samples(session, samples))
    return numbers


def _with_samples(session: Session, samples: set[tuple[str, str]]) -> Iterable[int]:
    for condition in _in_chunks(Sample.proposal, {proposal for proposal, _ in samples}):
        rows = session.execute(select(Sample.number, Sample.proposal, Sample.name).where(condition)).all()
        changed = [row.number for row in rows if (row.proposal, row.name) in samples]
        for of_samples in _in_chunks(DatasetRow.sample, changed):
            yield from session.scalars(select(DatasetRow.number).where(of_samples))


def _in_chunks(column: InstrumentedAttribute[Any], values: Iterable[Any]) -> Iterable[ColumnElement[bool]]:
    """Return conditions of a few hundred values each, which together say that a column has one of them all."""
    ordered = list(values)
    return (column.in_(ordered[start : start + _CHUNK]) for start in range(0, len(ordered), _CHUNK))
