"""Who may read what. The one place that decides; every query of datasets carries its condition.

A dataset is read by the team of its proposal, by the staff of its beamline, by those who run the facility, and after
its embargo by those to whom it was released. Beamtimes, proposals and samples follow from the same rule.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, not_, or_, select, true
from sqlalchemy.orm import Session

from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow, Proposal, Sample
from beamtorch_catalogue.stores.names import one_of
from beamtorch_catalogue.stores.places import LAST_YEAR, place
from beamtorch_catalogue.wire import Audience


def readable(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `DatasetRow` that every query of datasets has to carry."""
    if reader.sees_all:
        return true()
    return or_(*own(reader), released(reader, DatasetRow))


def own(reader: Reader) -> list[ColumnElement[bool]]:
    """Return the conditions on `DatasetRow` under which the embargo does not matter; any of them is enough."""
    if reader.identity is None:
        return []
    conditions: list[ColumnElement[bool]] = []
    if reader.identity.proposals:
        conditions.append(one_of(DatasetRow.proposal, reader.identity.proposals))
    if reader.identity.staffed_beamlines:
        conditions.append(one_of(DatasetRow.beamline, reader.identity.staffed_beamlines))
    return conditions


def released(reader: Reader, table: type[DatasetRow | CensusRow]) -> ColumnElement[bool]:
    """Return the condition that the embargo is over for somebody."""
    audiences = [Audience.WORLD.value]
    if reader.identity is not None:
        audiences.append(Audience.REGISTERED.value)
    return and_(table.released_at <= reader.asked_at, table.released_to.in_(audiences))


@dataclass(frozen=True)
class Reason:
    """Why somebody may read datasets; no dataset is there for two reasons."""

    condition: ColumnElement[bool]
    """On `DatasetRow`."""
    counted: ColumnElement[bool]
    """The same on `CensusRow`, joined with its `Beamtime`."""
    indexed: tuple[ColumnElement[bool], ...] = ()
    """Conditions for each of which there is an index: all these datasets fulfil one of them. None: any dataset may."""
    is_own: bool = False
    below: int | None = None
    """No dataset that is there for this reason has a place as high as this; None: unknown."""

    @property
    def numbers(self) -> Select[Any]:
        """The numbers of the datasets that fulfil any of the indexed conditions, each by its own index."""
        first, *others = (select(DatasetRow.number).where(one) for one in self.indexed)
        return select(first.union(*others).subquery().c.number) if others else first


def reasons(session: Session, reader: Reader) -> list[Reason]:
    """Return `readable` taken apart: what is one's own, and of all else what was released."""
    if reader.sees_all:
        return [Reason(true(), true())]
    mine = own(reader)
    found = [Reason(or_(*mine), visible_beamtimes(reader), tuple(mine), is_own=True)] if mine else []
    is_released, counts = released(reader, DatasetRow), and_(released(reader, CensusRow), CensusRow.datasets > 0)
    # Along an index of years: the newest ones are under embargo, so max() would read them all the same.
    last_year = session.scalar(select(CensusRow.year).where(counts).order_by(CensusRow.year.desc()).limit(1))
    if last_year is not None:
        in_opened = DatasetRow.beamtime.in_(select(CensusRow.beamtime).where(counts))
        found.append(
            Reason(
                and_(is_released, not_(or_(*mine)) if mine else true()),
                and_(counts, not_(visible_beamtimes(reader)) if mine else true()),
                (and_(in_opened, is_released),),
                below=None if last_year >= LAST_YEAR else place(datetime(last_year + 1, 1, 1, tzinfo=UTC), 0),
            )
        )
    return found or [Reason(false(), false())]


def counted(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `CensusRow`, joined with its `Beamtime`, that says the same as `readable`."""
    if reader.sees_all:
        return true()
    return or_(visible_beamtimes(reader), released(reader, CensusRow))


def visible_beamtimes(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Beamtime`: those of the reader's proposals and of the beamlines they look after."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        one_of(Beamtime.proposal, reader.identity.proposals),
        one_of(Beamtime.beamline, reader.identity.staffed_beamlines),
    )


def writable_beamtimes(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Beamtime` for adding results: its team and its staff, whatever is released to others."""
    return visible_beamtimes(reader)


def visible_proposals(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Proposal`: the reader's own, and those with a beamtime that the reader may see."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        one_of(Proposal.proposal, reader.identity.proposals),
        Proposal.proposal.in_(select(Beamtime.proposal).where(visible_beamtimes(reader))),
    )


def visible_samples(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Sample`: of the reader's own proposals, and of datasets that they may read."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        one_of(Sample.proposal, reader.identity.proposals),
        Sample.number.in_(select(DatasetRow.sample).where(DatasetRow.sample.is_not(None), readable(reader))),
    )
