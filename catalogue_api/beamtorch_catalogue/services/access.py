"""Who may read what. The one place that decides; every query of datasets carries its condition.

A dataset is read by the team of its proposal, by the staff of its beamline and by those who run the facility.
Beamtimes, proposals and samples follow from the same rule.
"""

from sqlalchemy import ColumnElement, false, or_, select, true

from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.stores.models import Beamtime, DatasetRow, Proposal, Sample


def readable(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `DatasetRow` that every query of datasets has to carry."""
    if reader.sees_all:
        return true()
    return DatasetRow.beamtime.in_(select(Beamtime.beamtime).where(visible_beamtimes(reader)))


def visible_beamtimes(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Beamtime`: those of the reader's proposals and of the beamlines they look after."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        Beamtime.proposal.in_(sorted(reader.identity.proposals)),
        Beamtime.beamline.in_(sorted(reader.identity.staffed_beamlines)),
    )


def writable_beamtimes(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Beamtime` for adding results: whoever may read may add, nobody else."""
    return visible_beamtimes(reader)


def visible_proposals(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Proposal`: the reader's own, and those with a beamtime that the reader may see."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        Proposal.proposal.in_(sorted(reader.identity.proposals)),
        Proposal.proposal.in_(select(Beamtime.proposal).where(visible_beamtimes(reader))),
    )


def visible_samples(reader: Reader) -> ColumnElement[bool]:
    """Return the condition on `Sample`: of the reader's own proposals, and of datasets that they may read."""
    if reader.sees_all:
        return true()
    if reader.identity is None:
        return false()
    return or_(
        Sample.proposal.in_(sorted(reader.identity.proposals)),
        Sample.number.in_(select(DatasetRow.sample).where(DatasetRow.sample.is_not(None), readable(reader))),
    )
