"""What in a directory will make trouble, pure: people in, findings out."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Identity
from beamtorch_identity.ssh_keys import sort_keys

NFS_GROUPS = 16
"""AUTH_SYS carries no more (RFC 5531, appendix A); a server cuts the rest without a word."""


class Weight(StrEnum):
    """What a finding means."""

    REFUSED = "refused"
    """The person cannot sign in or start anything."""
    WARNING = "warning"
    """They can, and may be surprised."""


@dataclass(frozen=True)
class Finding:
    """Something about somebody's entry."""

    weight: Weight
    name: str
    said: str


def check(directory: Directory) -> tuple[Finding, ...]:
    """Return all that is wrong, refusals first, by name; raise `DirectoryError` if the directory does not answer."""
    # Two entries of one name have the same fault.
    refused = {Finding(Weight.REFUSED, name, error.detail.en) for name, error in directory.faults()}
    people = tuple(directory.people())
    warned = [*_homes(people), *(finding for person in people for finding in _of_one(person)), *_groups(people)]
    return tuple(sorted(refused, key=_by_name) + sorted(warned, key=_by_name))


def _by_name(finding: Finding) -> str:
    return finding.name


def _of_one(person: Identity) -> Iterable[Finding]:
    count = len(person.supplementary_gids)
    if count > NFS_GROUPS:
        yield _warning(
            person,
            f"{count} groups: NFS (AUTH_SYS) carries {NFS_GROUPS} and drops the rest; on such storage let entries of "
            "beamtimes name users, not groups",
        )
    for left_out in sort_keys(person.ssh_keys)[1]:
        yield _warning(person, f"an ssh key is left out: {left_out.reason.en}")
    if not person.groups:
        yield _warning(person, "is in no group, so no proposal's data can be found")


def _homes(people: Iterable[Identity]) -> Iterable[Finding]:
    by_home: dict[str, list[Identity]] = defaultdict(list)
    for person in people:
        if person.home is not None:
            by_home[str(person.home)].append(person)
    for home, owners in by_home.items():
        for person in owners if len(owners) > 1 else ():
            yield _warning(person, f"shares the home {home} with {len(owners) - 1} other(s)")


def _groups(people: Iterable[Identity]) -> Iterable[Finding]:
    names: dict[int, set[str]] = defaultdict(set)
    for person in people:
        for name, number in person.gids.items():
            names[number].add(name)
    for number, called in sorted(names.items()):
        if len(called) > 1:
            said = " and ".join(sorted(called))
            yield Finding(Weight.WARNING, f"gid {number}", f"is that of {said}: to the kernel they are one group")


def _warning(person: Identity, said: str) -> Finding:
    return Finding(Weight.WARNING, str(person.username), said)
