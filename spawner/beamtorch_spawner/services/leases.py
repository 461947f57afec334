"""The life of a lease after its admission: reports of the Hub's spawner come in, people look and extend."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.policy_file import Lifetime, Policy
from beamtorch_spawner.services.policy import check_change
from beamtorch_spawner.services.views import lease_view, server_view
from beamtorch_spawner.spoken import clock_time, duration
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import EventKind, Lease, LeaseReport, LeaseState, UserServer


class NotExtendableError(SpawnerError):
    """A lease that cannot last longer."""

    code = "not-extendable"
    status = 409
    title = Words(en="This server cannot last longer", zh="该服务器无法延长")


@dataclass(frozen=True)
class Sought:
    """Which leases somebody wants to see; all conditions hold."""

    username: str | None = None
    server: str | None = None
    terminal: str | None = None
    state: LeaseState | None = None
    active: bool = False
    before: str | None = None
    """Id of the last lease of the page before."""
    limit: int = 100


class LeaseBook:
    """Leases as the doors need them."""

    def __init__(self, *, database: Database, clock: Clock, policy: Callable[[], Policy]) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy

    def report(self, lease: str, report: LeaseReport, *, actor: str) -> Lease:
        """Take a report in and return the lease as it now is.

        Raises
        ------
        UnknownLeaseError
            If there is no such lease.
        LeaseOverError
            If the lease cannot go to that state.
        """
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            row.pod, row.pod_uid = report.pod or row.pod, report.pod_uid or row.pod_uid
            if check_change(old=row.lease_state, new=report.state):
                self._stamp(row, report, now)
                stores.leases.change(row, report.state, actor=actor, at=now, reason=report.reason)
            elif report.at is not None and row.held_from is not None and row.held_until is not None:
                # Somebody else saw the end before, and perhaps later than it was.
                row.held_until = max(min(report.at, row.held_until), row.held_from)
            return self._view(row)

    def _stamp(self, row: LeaseRow, report: LeaseReport, now: datetime) -> None:
        """Write down when resources were held and until when the server may run."""
        # A cluster's clock may differ from ours; what it cannot have done yet, it has not.
        at = min(report.at, now) if report.at is not None else now
        if report.state is LeaseState.RUNNING:
            lifetime = self._lifetime(row)
            row.running_at, row.held_from = now, row.held_from or at
            row.latest_end = now + timedelta(seconds=lifetime.ceiling)
            row.expires_at = now + timedelta(seconds=min(row.run_seconds or lifetime.first, lifetime.ceiling))
        elif report.state is LeaseState.STARTING:
            row.held_from = row.held_from or (report.at and at)
        elif not report.state.is_active and row.held_from is not None:
            row.held_until = max(at, row.held_from)

    def _lifetime(self, row: LeaseRow) -> Lifetime:
        return self._policy().lifetime(tuple(row.groups or ()))

    def _view(self, row: LeaseRow) -> Lease:
        return lease_view(row, self._lifetime(row))

    def sought(self, wanted: Sought) -> list[Lease]:
        """Return leases, newest first."""
        with self._database.reading() as stores:
            rows = stores.leases.newest(
                username=wanted.username,
                server=wanted.server,
                terminal=wanted.terminal,
                state=wanted.state,
                active=wanted.active,
                before=stores.leases.get(wanted.before) if wanted.before else None,
                limit=wanted.limit,
            )
            return [self._view(row) for row in rows]

    def one(self, lease: str) -> Lease:
        """Return one lease; raises `UnknownLeaseError` for none."""
        with self._database.reading() as stores:
            return self._view(stores.leases.get(lease))

    def servers(self, username: str) -> list[UserServer]:
        """Return the servers that a person has now."""
        return [server_view(row) for row in self._rows(Sought(username=username, active=True))]

    def _rows(self, wanted: Sought) -> list[LeaseRow]:
        with self._database.reading() as stores:
            return list(stores.leases.newest(username=wanted.username, active=wanted.active, limit=wanted.limit))

    def extend(self, lease: str, seconds: int | None, *, actor: str) -> Lease:
        """Let a lease last longer, as far as policy goes.

        Parameters
        ----------
        lease
            Id of the lease.
        seconds
            How much longer; None: as much as policy gives at once.
        actor
            Who wants it.

        Raises
        ------
        NotExtendableError
            If it does not run, was extended as often as policy lets, or already ends as late as it may.
        """
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            lifetime = self._lifetime(row)
            end = extended(row, lifetime, seconds, now)
            self._move_end(stores, row, end, actor=actor, now=now)
            row.extensions += 1
            return self._view(row)

    def set_run_seconds(self, lease: str, seconds: int, *, actor: str) -> Lease:
        """Give a lease another life, counted from running: shorter at once, longer as an extension."""
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            if row.running_at is None or row.expires_at is None:
                row.run_seconds = min(seconds, self._lifetime(row).ceiling)
                return self._view(row)
            more = (row.running_at + timedelta(seconds=seconds) - row.expires_at).total_seconds()
            if more > 0:
                end = extended(row, self._lifetime(row), int(more), now)
                row.extensions += 1
            else:
                end = max(row.running_at + timedelta(seconds=seconds), now)
            self._move_end(stores, row, end, actor=actor, now=now)
            return self._view(row)

    @staticmethod
    def _move_end(stores: Stores, row: LeaseRow, end: datetime, *, actor: str, now: datetime) -> None:
        later = row.expires_at is None or end > row.expires_at
        row.expires_at, row.changed_at, row.notified_seconds = end, now, None
        at = clock_time(end, now)
        said = Words(en=f"Ends at {at.en} now.", zh=f"现在到期时间为 {at.zh}。")
        stores.audit.of_lease(row, "extended" if later else "shortened", actor=actor, at=now, detail=said)
        stores.events.add(
            kind=EventKind.LEASE,
            username=row.username,
            lease=row.id,
            message=said,
            at=now,
            data={"expires_at": end.isoformat(), "state": row.state},
        )


def extended(row: LeaseRow, lifetime: Lifetime, seconds: int | None, now: datetime) -> datetime:
    """Return the new end of a lease, pure.

    Raises
    ------
    NotExtendableError
        If policy gives no more.
    """
    if row.lease_state is not LeaseState.RUNNING or row.expires_at is None or row.running_at is None:
        raise NotExtendableError(
            Words(
                en="Only a running server can be extended. Start it first.", zh="只有运行中的服务器可以延长，请先启动。"
            )
        )
    latest = row.running_at + timedelta(seconds=lifetime.ceiling)
    latest = min(latest, row.latest_end) if row.latest_end is not None else latest
    if lifetime.times is not None and row.extensions >= lifetime.times:
        at = clock_time(row.expires_at, now)
        raise NotExtendableError(
            Words(
                en=f"This server was extended {row.extensions} of {lifetime.times} times and ends at {at.en}. "
                "Save your work and start it again, or ask the facility.",
                zh=f"该服务器已延长 {row.extensions}/{lifetime.times} 次，将于 {at.zh} 结束。"
                "请保存后重新启动，或联系设施人员。",
            )
        )
    wanted = max(row.expires_at, now) + timedelta(seconds=min(seconds or lifetime.step, lifetime.step))
    if row.expires_at >= latest:
        at, most = clock_time(latest, now), duration(lifetime.ceiling)
        raise NotExtendableError(
            Words(
                en=f"This server ends at {at.en} at the latest, after {most.en}. Save your work; start it again then.",
                zh=f"该服务器最迟于 {at.zh} 结束（最长 {most.zh}）。请保存，届时重新启动。",
            )
        )
    return min(wanted, latest)
