"""Who is signed in: the name and groups behind a user name, for the header and the Start page."""

from dataclasses import dataclass, field
from typing import Any

from beamtorch_facility.directory import DirectoryError, UnknownPersonError, YamlDirectory
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.look.written import initials


@dataclass(frozen=True)
class Person:
    """A signed-in person as a page shows them."""

    username: str
    en: str
    zh: str
    initials: str
    language: str = ""
    """Language tag that the directory knows; empty: what the browser asks for."""
    proposals: tuple[str, ...] = ()
    beamlines: tuple[str, ...] = ()
    """Beamlines where the person is staff."""
    is_admin: bool = False


@dataclass
class People:
    """Finds people for pages; a directory that cannot answer costs the full name, not the page."""

    directory: YamlDirectory
    _known: dict[str, Identity] = field(default_factory=dict)

    def greet(self, user: Any) -> Person | None:
        """Return who a Hub user is, or None for nobody."""
        if user is None or getattr(user, "kind", "user") != "user":
            return None
        try:
            identity = self.directory.person(Username(user.name))
            self._known[user.name] = identity
        except (UnknownPersonError, MalformedNameError):
            return Person(user.name, user.name, user.name, initials(user.name))
        except DirectoryError:
            known = self._known.get(user.name)
            if known is None:
                return Person(user.name, user.name, user.name, initials(user.name))
            identity = known
        return _shown(identity)


def _shown(identity: Identity) -> Person:
    return Person(
        username=identity.username,
        en=identity.full_name.en,
        zh=identity.full_name.zh,
        initials=initials(identity.full_name.en),
        language=identity.language if identity.language.lower().startswith("zh") else "",
        proposals=tuple(sorted(identity.proposals)),
        beamlines=tuple(sorted(identity.staffed_beamlines)),
        is_admin=identity.is_admin,
    )
