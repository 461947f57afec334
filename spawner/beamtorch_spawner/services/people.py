"""People as the routes users/ tell them: who the directory knows, and what they have."""

import contextlib

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.directory import Directory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import TorchUser, UserCount, UserPage


def admin_names(directory: Directory | None) -> tuple[str, ...]:
    """Return who runs the facility; nobody if the directory cannot say, for a notice must not fail a start."""
    with contextlib.suppress(BeamtorchError):
        return tuple(str(person.username) for person in (directory.people() if directory else ()) if person.is_admin)
    return ()


class People:
    """Joins the directory, the Hub and the leases."""

    def __init__(self, *, database: Database, hub: HubApi, directory: Directory | None) -> None:
        self._database = database
        self._hub = hub
        self._directory = directory

    async def add(self, username: str) -> tuple[TorchUser, bool]:
        """Make somebody of the directory known at the Hub; return whether they were not."""
        person = await run_in_threadpool(self._person, username)
        is_new = await self._hub.ensure_user(username)
        return self._user(username, person, at_hub=True, held=await run_in_threadpool(self._held)), is_new

    async def page(self, *, offset: int, limit: int) -> UserPage:
        """Return some people by name: everybody in the directory, and whoever else the Hub knows."""
        at_hub = await self._hub.users()
        known, held = await run_in_threadpool(self._known), await run_in_threadpool(self._held)
        names = sorted({*known, *at_hub})
        shown = names[offset : offset + limit]
        users = tuple(self._user(name, known.get(name), at_hub=name in at_hub, held=held) for name in shown)
        after = offset + limit
        return UserPage(users=users, total=len(names), next_offset=after if after < len(names) else None)

    async def count(self) -> UserCount:
        """Return how many people there are, and how many of them have a server."""
        page = await self.page(offset=0, limit=0)
        return UserCount(count=page.total, active=len(await run_in_threadpool(self._held)))

    async def one(self, username: str) -> TorchUser:
        """Return one person; raises `UnknownPersonError` for nobody."""
        person = await run_in_threadpool(self._person, username)
        at_hub = await self._hub.knows(username)
        return self._user(username, person, at_hub=at_hub, held=await run_in_threadpool(self._held))

    def _person(self, username: str) -> Identity | None:
        return self._directory.person(Username(username)) if self._directory is not None else None

    def _known(self) -> dict[str, Identity]:
        return {str(person.username): person for person in self._directory.people()} if self._directory else {}

    def _held(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        with self._database.reading() as stores:
            for row in stores.leases.active():
                counts[row.username] = counts.get(row.username, 0) + 1
        return counts

    @staticmethod
    def _user(username: str, person: Identity | None, *, at_hub: bool, held: dict[str, int]) -> TorchUser:
        return TorchUser(
            username=username,
            full_name=person.full_name if person else None,
            uid=person.uid if person else None,
            gid=person.gid if person else None,
            groups=person.groups if person else (),
            at_hub=at_hub,
            servers=held.get(username, 0),
        )
