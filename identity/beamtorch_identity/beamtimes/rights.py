"""Who may do what in a beamtime's folder. Pure: a record, the people of the directory and a day in, grants out.

=========  ==================  ===============  ==========================================
part       team and staff      everybody else   the beamtime's owner
=========  ==================  ===============  ==========================================
folder     r-x                 --x              root's
raw        r-x                 nothing          rwx; r-x once the beamtime is closed
processed  rwx                 nothing          rwx
scratch    rwx                 nothing          rwx
share      rwx                 r-x              rwx
=========  ==================  ===============  ==========================================

After the embargo everybody may read raw and processed, too. Files have the same without x, unless their owner gave it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from beamtorch_facility.data_layout import Area
from beamtorch_facility.identity import STAFF_PREFIX, TEAM_PREFIX, Identity
from beamtorch_identity.acl.control import Grants
from beamtorch_identity.acl.model import NONE, RWX, RX, Permissions, X
from beamtorch_identity.beamtimes.errors import GroupUnnumberedError, NobodyError
from beamtorch_identity.beamtimes.record import BeamtimeRecord, EntriesBy

ROOT = 0


@dataclass(frozen=True)
class Members:
    """Who belongs to a beamtime, as the directory has it now."""

    team: tuple[Identity, ...]
    staff: tuple[Identity, ...]

    @property
    def uids(self) -> frozenset[int]:
        """Their numbers."""
        return frozenset(person.uid for person in (*self.team, *self.staff))


def members_of(record: BeamtimeRecord, people: Iterable[Identity]) -> Members:
    """Return the team of a beamtime's proposal and the staff of its beamline.

    Raises
    ------
    NobodyError
        If the directory has no people at all; a directory that is not complete must take no rights away.
    """
    everybody = tuple(people)
    if not everybody:
        raise NobodyError.at_all()
    team = tuple(person for person in everybody if record.proposal in person.proposals)
    staff = tuple(person for person in everybody if record.beamline in person.staffed_beamlines)
    return Members(team, staff)


@dataclass(frozen=True)
class Holders:
    """Whose the named entries are."""

    users: frozenset[int]
    groups: frozenset[int]

    def __sub__(self, other: "Holders") -> "Holders":
        return Holders(self.users - other.users, self.groups - other.groups)

    def __bool__(self) -> bool:
        return bool(self.users or self.groups)


def holders_of(record: BeamtimeRecord, members: Members) -> Holders:
    """Return who gets entries: people, or their groups.

    A person without the number of a group that others have gets an entry of their own.

    Raises
    ------
    GroupUnnumberedError
        If groups are to have entries and the directory has no one number for one.
    """
    if record.entries is EntriesBy.USERS:
        return Holders(members.uids, frozenset())
    users: set[int] = set()
    groups: set[int] = set()
    for group, people in (
        (TEAM_PREFIX + record.proposal, members.team),
        (STAFF_PREFIX + record.beamline, members.staff),
    ):
        numbers = {person.gids[group] for person in people if group in person.gids}
        if people and len(numbers) != 1:
            raise GroupUnnumberedError(group)
        groups |= numbers
        users |= {person.uid for person in people if group not in person.gids}
    return Holders(frozenset(users), frozenset(groups))


@dataclass(frozen=True)
class AreaRights:
    """What holds in one area."""

    grants: Grants
    owners: frozenset[int]
    """Whose files there may be."""
    heir: int
    """Who gets files of anybody else, such as people who left: an owner could give rights to themselves."""

    def new_owner(self, uid: int) -> int | None:
        """Return whom a file has to be given to, None if it may stay its owner's."""
        return None if uid in self.owners else self.heir


@dataclass(frozen=True)
class BeamtimeRights:
    """What holds in the folder of a beamtime."""

    folder: AreaRights
    areas: Mapping[Area, AreaRights]


def rights_of_beamtime(record: BeamtimeRecord, members: Members, today: date) -> BeamtimeRights:
    """Return who may do what on a day; errors as of `holders_of`."""
    holders = holders_of(record, members)
    embargoed = record.is_embargoed(today)
    reading = NONE if embargoed else RX
    raw_owner = ROOT if record.closed else record.owner
    working = frozenset({ROOT, record.owner}) | members.uids

    def worked_on(everybody: Permissions) -> AreaRights:
        return AreaRights(_grants(holders, RWX, RWX, everybody, owner_decides=True), working, record.owner)

    return BeamtimeRights(
        folder=AreaRights(
            _grants(holders, RWX, RX, X if embargoed else RX, inherited=False), frozenset({ROOT}), heir=ROOT
        ),
        areas={
            Area.RAW: AreaRights(
                _grants(holders, RX if record.closed else RWX, RX, reading), frozenset({raw_owner}), raw_owner
            ),
            Area.PROCESSED: worked_on(reading),
            Area.SCRATCH: worked_on(NONE),
            Area.SHARE: worked_on(RX),
        },
    )


def _grants(
    holders: Holders,
    owner: Permissions,
    named: Permissions,
    everybody: Permissions,
    *,
    inherited: bool = True,
    owner_decides: bool = False,
) -> Grants:
    return Grants(
        owner,
        everybody,
        users=dict.fromkeys(sorted(holders.users), named),
        groups=dict.fromkeys(sorted(holders.groups), named),
        inherited=inherited,
        owner_decides=owner_decides,
    )
