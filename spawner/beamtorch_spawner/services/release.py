"""The release of a terminal, step by step: notice, grace, stop, wait until gone, and only then the new start.

Each step is decided by what the database says and can be done again by whoever comes next, so that a process that dies
between two of them leaves a state from which another goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.background import Background
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.services.terminals import counts_now
from beamtorch_spawner.source_address import shared_by_many
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import EventKind, LeaseState, Protection

ACTOR = "terminals"
LONGEST_GRACE = timedelta(hours=2)
"""Twice what a terminal may be given; a start that was asked for earlier waits for nobody any more."""
NOT_WANTED = Words(
    en="Nobody waits for this start any more, so nobody had to go for it. Start again.",
    zh="该次启动已无人等待，因此未结束他人的服务器。请重新启动。",
)
NO_TERMINAL = Words(
    en="Staff locked or removed this terminal while the start waited, so nobody had to go. Ask the beamline.",
    zh="等待期间工作人员锁定或移除了本终端，因此未结束他人的服务器。请联系线站。",
)


@dataclass(frozen=True)
class _Due:
    """A start whose terminal is to be freed now."""

    waiting: str
    username: str
    server: str
    is_at_hub: bool
    """Whether the Hub's spawner holds the start, and has to want it still; an order of POST userpod/ stands alone."""
    displaced: str
    is_stopping: bool


@dataclass(frozen=True)
class _Eviction:
    lease: str
    username: str
    server: str


class Releases:
    """Brings releases to their end."""

    def __init__(self, *, database: Database, clock: Clock, hub: HubApi, policy: Callable[[], Policy]) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self._policy = policy
        self.background = Background("releases")

    async def drive(self) -> None:
        """Do the next step of every release that is under way."""
        due, is_untold = await run_in_threadpool(self._look)
        if is_untold:
            await run_in_threadpool(self._tell_who_stays)
        for one in due:
            self.background.begin(one.displaced, self._release(one))

    async def _release(self, due: _Due) -> None:
        if due.is_at_hub and not due.is_stopping:
            servers = await self._hub.servers(due.username)
            if all(one.server != due.server or one.pending != "spawn" for one in servers):
                await run_in_threadpool(self._call_off, due.waiting, NOT_WANTED)
                return
        eviction = await run_in_threadpool(self._evict, due.waiting)
        if eviction is None:
            return
        await self._hub.stop(eviction.username, eviction.server)
        servers = await self._hub.servers(eviction.username)
        if all(one.server != eviction.server for one in servers):
            await run_in_threadpool(self._gone, eviction.lease)

    def _look(self) -> tuple[list[_Due], bool]:
        """Return what is due, and whether somebody who was told to go has to be told to stay."""
        now = self._clock.now()
        with self._database.reading() as stores:
            if not stores.leases.is_any_awaited():
                return [], False
            rows = [row for row in stores.leases.waiting() if _grace_is_over(row, now)]
            due = [_due(row, stores.leases.find(row.awaits or "")) for row in rows]
            return due, bool(stores.leases.gave_up_waiting(now - LONGEST_GRACE))

    def _evict(self, waiting: str) -> _Eviction | None:
        """Write down that a lease has to go, if that still is so; nothing is asked of the Hub before."""
        now = self._clock.now()
        # One replica after the other, so that what both find is done and told once.
        with self._database.admitting() as stores:
            by = stores.leases.get(waiting)
            if not by.lease_state.is_active or by.awaits is None or not _grace_is_over(by, now):
                return None
            displaced = stores.leases.find(by.awaits)
            if displaced is None or not displaced.lease_state.is_active:
                # Whoever ended it in another way forgot to say so; nothing is in the way any more.
                by.awaits, by.changed_at = None, now
                return None
            if displaced.lease_state is not LeaseState.STOPPING:
                if not self._is_terminal(stores, by, now):
                    stores.leases.change(by, LeaseState.FAILED, actor=ACTOR, at=now, reason=NO_TERMINAL)
                    return None
                _write_down(stores, displaced, by, now)
            return _Eviction(displaced.id, displaced.username, displaced.server)

    def _is_terminal(self, stores: Stores, by: LeaseRow, now: datetime) -> bool:
        """Tell whether the address still is one at which somebody has to go for somebody else."""
        terminal = stores.terminals.find(by.terminal or "")
        return (
            terminal is not None
            and counts_now(terminal, now)
            and terminal.protection != Protection.LOCKED
            and shared_by_many(ip_address(terminal.ip), self._policy()) is None
        )

    def _call_off(self, waiting: str, why: Words) -> None:
        with self._database.admitting() as stores:
            row = stores.leases.get(waiting)
            if row.lease_state.is_active and row.awaits is not None:
                stores.leases.change(row, LeaseState.FAILED, actor=ACTOR, at=self._clock.now(), reason=why)

    def _tell_who_stays(self) -> None:
        """Tell those who were to go for a start that came to nothing that they keep their servers."""
        now = self._clock.now()
        with self._database.admitting() as stores:
            for by in stores.leases.gave_up_waiting(now - LONGEST_GRACE):
                displaced = stores.leases.find(by.awaits or "")
                by.awaits = None
                if displaced is not None and displaced.lease_state is not LeaseState.STOPPING:
                    _take_back(stores, displaced, by, now)

    def _gone(self, lease: str) -> None:
        """Note that the Hub no longer knows the server: its spawner stopped it and waited until it was gone."""
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            if row.lease_state is LeaseState.STOPPING:
                stores.leases.change(row, LeaseState.ENDED, actor=ACTOR, at=now)


def _grace_is_over(row: LeaseRow, now: datetime) -> bool:
    return row.evict_after is None or row.evict_after <= now


def _due(row: LeaseRow, displaced: LeaseRow | None) -> _Due:
    return _Due(
        waiting=row.id,
        username=row.username,
        server=row.server,
        is_at_hub=row.ticket_hash is None or row.redeemed_at is not None,
        displaced=row.awaits or "",
        is_stopping=displaced is None or displaced.lease_state is LeaseState.STOPPING,
    )


def _write_down(stores: Stores, displaced: LeaseRow, by: LeaseRow, now: datetime) -> None:
    told = Words(
        en=f"{by.username} started at the terminal {by.terminal} of {by.beamline}, where this server was started.",
        zh=f"{by.username} 在 {by.beamline} 的终端 {by.terminal} 启动，本服务器原在该终端启动。",
    )
    stores.audit.of_lease(displaced, "released", actor=by.username, at=now, detail=told)
    stores.leases.change(displaced, LeaseState.STOPPING, actor=ACTOR, at=now, reason=told)
    if displaced.username == by.username:
        return
    session = displaced.browser_session
    # A session that both have is the one in which the new person works.
    if session is not None and session != by.browser_session:
        stores.ended_sessions.add(session=session, username=displaced.username, at=now)
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


def _take_back(stores: Stores, displaced: LeaseRow, by: LeaseRow, now: datetime) -> None:
    if not displaced.lease_state.is_active:
        return
    told = Words(
        en=f"{by.username} no longer starts at the terminal {by.terminal}; the server of {displaced.username} there "
        "goes on.",
        zh=f"{by.username} 不再于终端 {by.terminal} 启动；{displaced.username} 在该处的服务器继续运行。",
    )
    stores.audit.of_lease(displaced, "release-cancelled", actor=ACTOR, at=now, detail=told)
    if displaced.username != by.username:
        stores.events.add(
            kind=EventKind.NOTICE,
            username=displaced.username,
            lease=displaced.id,
            message=Words(
                en=f"Your server at the terminal {by.terminal} goes on: {by.username} no longer starts there.",
                zh=f"您在终端 {by.terminal} 的服务器继续运行：{by.username} 不再于该处启动。",
            ),
            at=now,
            data={"terminal": by.terminal},
        )
