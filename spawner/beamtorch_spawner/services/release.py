"""The release of a terminal, step by step: notice, grace, stop, wait until gone, and only then the new start.

Each step is decided by what the database says and can be done again by whoever comes next, so that a process that dies
between two of them leaves a state from which another goes on.
"""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.words import Words
from beamtorch_spawner.clock import Clock
from beamtorch_spawner.services.background import Background
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import EventKind, LeaseState

ACTOR = "terminals"


@dataclass(frozen=True)
class _Eviction:
    lease: str
    username: str
    server: str


class Releases:
    """Brings releases to their end."""

    def __init__(self, *, database: Database, clock: Clock, hub: HubApi) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self.background = Background("releases")

    async def drive(self) -> None:
        """Do the next step of every release that is under way."""
        for eviction in await run_in_threadpool(self._due):
            self.background.begin(eviction.lease, self._end(eviction))

    async def _end(self, eviction: _Eviction) -> None:
        await self._hub.stop(eviction.username, eviction.server)
        servers = await self._hub.servers(eviction.username)
        if all(one.server != eviction.server for one in servers):
            await run_in_threadpool(self._gone, eviction.lease)

    def _due(self) -> list[_Eviction]:
        now = self._clock.now()
        found = []
        with self._database.transaction() as stores:
            for waiting in [row for row in stores.leases.active() if row.awaits is not None]:
                displaced = stores.leases.find(waiting.awaits or "")
                if displaced is None or not displaced.lease_state.is_active:
                    # Whoever ended it in another way forgot to say so; nothing is in the way any more.
                    waiting.awaits = None
                elif waiting.evict_after is None or waiting.evict_after <= now:
                    self._evict(stores, displaced, waiting)
                    found.append(_Eviction(displaced.id, displaced.username, displaced.server))
        return found

    def _evict(self, stores: Stores, displaced: LeaseRow, by: LeaseRow) -> None:
        if displaced.lease_state is LeaseState.STOPPING:
            return
        now = self._clock.now()
        told = Words(
            en=f"{by.username} started at the terminal {by.terminal} of {by.beamline}, where this server was started.",
            zh=f"{by.username} 在 {by.beamline} 的终端 {by.terminal} 启动，本服务器原在该终端启动。",
        )
        stores.audit.of_lease(displaced, "released", actor=by.username, at=now, detail=told)
        if displaced.browser_session is not None and displaced.username != by.username:
            stores.ended_sessions.add(session=displaced.browser_session, username=displaced.username, at=now)
        stores.leases.change(displaced, LeaseState.STOPPING, actor=ACTOR, at=now, reason=told)
        if displaced.username != by.username:
            stores.events.add(
                kind=EventKind.NOTICE,
                username=displaced.username,
                lease=displaced.id,
                message=Words(
                    en=f"Your server at the terminal {by.terminal} ends now: {by.username} starts there. Files stay.",
                    zh=f"您在终端 {by.terminal} 的服务器正在结束：{by.username} 在该处启动。文件会保留。",
                ),
                at=now,
                data={"by": by.username, "terminal": by.terminal},
            )

    def _gone(self, lease: str) -> None:
        """Note that the Hub no longer knows the server: its spawner stopped it and waited until it was gone."""
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            if row.lease_state is LeaseState.STOPPING:
                row.held_until = row.held_until or (now if row.held_from is not None else None)
                stores.leases.change(row, LeaseState.ENDED, actor=ACTOR, at=now)
