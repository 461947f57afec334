"""A directory for tests that ask it thousands of times."""

from collections.abc import Iterable, Mapping

from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words


class ListedDirectory:
    """People by name with their groups; their numbers count up from 50001."""

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._people = {
            name: Identity(
                username=Username(name),
                full_name=Words(en=name, zh=name),
                uid=50001 + number,
                gid=50001 + number,
                groups=theirs,
            )
            for number, (name, theirs) in enumerate(groups.items())
        }

    def person(self, username: Username) -> Identity:
        """Return a person."""
        return self._people[username]

    def people(self) -> Iterable[Identity]:
        """Return everybody."""
        return self._people.values()
