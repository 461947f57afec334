"""The people of a proposal, as the directory knows them."""

from collections.abc import Iterable

from beamtorch_facility.identity import TEAM_PREFIX, Identity
from beamtorch_facility.proposal import ProposalId


def team_of(proposal: ProposalId, people: Iterable[Identity]) -> tuple[Identity, ...]:
    """Return the members of a proposal's team."""
    return tuple(person for person in people if f"{TEAM_PREFIX}{proposal}" in person.groups)
