"""Who may read what. The one place that decides; every query of datasets carries its condition.

A dataset is read by the team of its proposal, by the staff of its beamline, by those who run the facility, and after
its embargo by those to whom it was released. Beamtimes, proposals and samples follow from the same rule.
"""

from sqlalchemy import ColumnElement, and_, false, or_, select, true

from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.models import Beamtime, CensusRow, DatasetRow, Proposal, Sample
from beamtorch_catalogue.stores.names import one_of
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
    return and_(table.released_at <= reader.asked_at, table.released_to.in_(audiences(reader)))


def audiences(reader: Reader) -> list[str]:
    """Return to whom something has to be released for somebody to read it."""
    return [Audience.WORLD.value, *([Audience.REGISTERED.value] if reader.identity is not None else ())]


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
