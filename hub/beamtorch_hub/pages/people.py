"""Who is signed in: the name and groups behind a user name, for the header and the Start page."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from beamtorch_facility.directory import Directory, DirectoryError
from beamtorch_facility.errors import BeamtorchError
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

    directory: Directory
    patience: float = 0.2
    """Seconds that a page waits for the directory; the Hub does nothing else meanwhile."""
    _known: dict[str, Identity] = field(default_factory=dict)
    _asked: dict[str, Future[Identity]] = field(default_factory=dict)
    _askers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "directory"))

    def greet(self, user: Any) -> Person | None:
        """Return who a Hub user is, or None for nobody."""
        if user is None or getattr(user, "kind", "user") != "user":
            return None
        try:
            self._known[user.name] = self._ask(user.name)
        except (DirectoryError, TimeoutError):
            pass  # Who they were when the directory last answered.
        except BeamtorchError:
            self._known.pop(user.name, None)
        identity = self._known.get(user.name)
        if identity is None:
            return Person(user.name, user.name, user.name, initials(user.name))
        return _shown(identity)

    def _ask(self, name: str) -> Identity:
        """Return a person within the time that a page has; one question at a time is under way for each."""
        under_way = self._asked.get(name)
        asked = self._asked[name] = under_way or self._askers.submit(self._person, name)
        try:
            # Whoever waited in vain once does not wait again for the same answer.
            return asked.result(timeout=0 if under_way else self.patience)
        finally:
            if asked.done():
                del self._asked[name]

    def _person(self, name: str) -> Identity:
        return self.directory.person(Username(name))


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
