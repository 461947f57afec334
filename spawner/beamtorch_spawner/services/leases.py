"""The life of a lease after its admission: reports of the Hub's spawner come in, views for people go out."""

from collections.abc import Callable
from datetime import datetime

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.errors import UnknownLeaseError
from beamtorch_spawner.services.policy import check_change
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Lease, LeaseReport, UserServer


class LeaseBook:
    """Leases as the doors need them."""

    def __init__(self, *, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def report(self, lease: str, report: LeaseReport, *, actor: str) -> Lease:
        """Take a report in and return the lease as it now is.

        Raises
        ------
        UnknownLeaseError
            If there is no such lease.
        LeaseOverError
            If the lease cannot go to that state.
        """
        with self._database.transaction() as leases:
            row = leases.find(lease)
            if row is None:
                raise UnknownLeaseError(
                    Words(
                        en=f"There is no lease “{lease[:40]}”. GET leases lists them.",
                        zh=f"没有租约“{lease[:40]}”。可用 GET leases 查看。",
                    )
                )
            if check_change(old=row.lease_state, new=report.state):
                leases.change(row, report.state, actor=actor, at=self._clock(), reason=report.reason)
            return _lease(row)

    def newest(self, *, username: Username | None, active: bool, limit: int) -> list[Lease]:
        """Return leases of one person, or of everybody, newest first."""
        with self._database.transaction() as leases:
            return [_lease(row) for row in leases.newest(username=username, active=active, limit=limit)]

    def servers(self, username: Username) -> list[UserServer]:
        """Return the servers that a person has now."""
        with self._database.transaction() as leases:
            rows = leases.newest(username=username, active=True, limit=100)
            return [_server(username, row) for row in rows]


def _lease(row: LeaseRow) -> Lease:
    reason = Words(en=row.reason_en, zh=row.reason_zh) if row.reason_en and row.reason_zh else None
    return Lease(
        id=row.id,
        username=row.username,
        server=row.server,
        environment=row.environment,
        dataset=DatasetId(row.dataset) if row.dataset else None,
        state=row.lease_state,
        reason=reason,
        cores=row.cores,
        memory=row.memory,
        gpus=row.gpus,
        source_ip=row.source_ip,
        requested_at=row.requested_at,
        changed_at=row.changed_at,
        ended_at=row.ended_at,
    )


def _server(username: Username, row: LeaseRow) -> UserServer:
    return UserServer(
        username=username,
        podname=row.server or DEFAULT_SERVER,
        server=row.server,
        environment=row.environment or "",
        state=row.lease_state,
        ncores=row.cores,
        memory=row.memory,
        gpus=row.gpus,
        lease=row.id,
        requested_at=row.requested_at,
    )
