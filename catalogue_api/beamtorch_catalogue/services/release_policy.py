"""When data open, and to whom: pure rules, without a clock or a database."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from beamtorch_catalogue.citing.work import Stage
from beamtorch_catalogue.stores.models import Beamtime, Proposal
from beamtorch_catalogue.stores.places import NEVER
from beamtorch_catalogue.wire import Audience

Opening = tuple[datetime, str]
"""From when on others may read, and who; `stores.places.NEVER` for never."""
_WIDTH = {Audience.NOBODY: 0, Audience.REGISTERED: 1, Audience.WORLD: 2}


@dataclass(frozen=True)
class Policy:
    """What the facility says about data whose proposal says nothing."""

    embargo_months: int = 36
    released_to: Audience = Audience.REGISTERED

    def release(self, beamtime: Beamtime) -> Opening:
        """Return when the data of a beamtime, loaded with its proposal, open."""
        return release_of(beamtime, beamtime.of_proposal, self)


def terms(proposal: Proposal, policy: Policy) -> tuple[int, Audience]:
    """Return the months of embargo and the audience that hold for a proposal."""
    months = policy.embargo_months if proposal.embargo_months is None else proposal.embargo_months
    return months, policy.released_to if proposal.released_to is None else Audience(proposal.released_to)


def release_of(beamtime: Beamtime, proposal: Proposal, policy: Policy) -> Opening:
    """Return when the data of a beamtime open: so many months after the midnight (UTC) at which it ended."""
    months, audience = terms(proposal, policy)
    if audience is Audience.NOBODY:
        return NEVER, audience.value
    return months_after(beamtime.end, months), audience.value


def months_after(last_day: date, months: int) -> datetime:
    """Return the midnight after a day, some months later; a month that is too short ends earlier.

    What lies beyond the calendar never comes.
    """
    if last_day >= NEVER.date() - timedelta(days=1):
        return NEVER
    first = last_day + timedelta(days=1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    if year >= NEVER.year:
        return NEVER
    day = min(first.day, calendar.monthrange(year, month + 1)[1])
    return datetime.combine(date(year, month + 1, day), time(), UTC)


def opens_as_wide(new: Opening, old: Opening) -> bool:
    """Tell whether one opening is neither later nor for fewer people than another."""
    return new[0] <= old[0] and _WIDTH[Audience(new[1])] >= _WIDTH[Audience(old[1])]


def stage(released_at: datetime, released_to: str, now: datetime) -> Stage:
    """Return how far data are open to somebody of whom nothing is known."""
    if released_to == Audience.NOBODY.value or released_at > now:
        return Stage.WITHHELD
    return Stage.WORLD if released_to == Audience.WORLD.value else Stage.REGISTERED
