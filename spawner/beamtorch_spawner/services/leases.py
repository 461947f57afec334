"""The life of a lease after its admission: reports of the Hub's spawner come in, views for people go out."""

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_spawner.clock import Clock
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.errors import UnknownLeaseError
from beamtorch_spawner.services.policy import check_change
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Lease, LeaseReport, UserServer


class LeaseBook:
    """Leases as the doors need them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
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
        with self._database.transaction() as stores:
            row = stores.leases.find(lease)
            if row is None:
                raise UnknownLeaseError(
                    Words(
                        en=f"There is no lease “{lease[:40]}”. GET leases lists them.",
                        zh=f"没有租约“{lease[:40]}”。可用 GET leases 查看。",
                    )
                )
            if check_change(old=row.lease_state, new=report.state):
                stores.leases.change(row, report.state, actor=actor, at=self._clock.now(), reason=report.reason)
            return lease_view(row)

    def newest(self, *, username: Username | None, active: bool, limit: int) -> list[Lease]:
        """Return leases of one person, or of everybody, newest first."""
        with self._database.reading() as stores:
            return [lease_view(row) for row in stores.leases.newest(username=username, active=active, limit=limit)]

    def servers(self, username: Username) -> list[UserServer]:
        """Return the servers that a person has now."""
        with self._database.reading() as stores:
            rows = stores.leases.newest(username=username, active=True, limit=100)
            return [server_view(row) for row in rows]


def lease_view(row: LeaseRow) -> Lease:
    """Return a lease as people see it."""
    return Lease(
        id=row.id,
        username=row.username,
        server=row.server,
        environment=row.environment,
        dataset=DatasetId(row.dataset) if row.dataset else None,
        state=row.lease_state,
        reason=reason_of(row),
        resources=row.resources,
        image=row.image,
        description=row.description,
        groups=tuple(row.groups or ()),
        source_ip=row.source_ip,
        terminal=row.terminal,
        beamline=row.beamline,
        pod=row.pod,
        requested_at=row.requested_at,
        running_at=row.running_at,
        changed_at=row.changed_at,
        expires_at=row.expires_at,
        latest_end=row.latest_end,
        ended_at=row.ended_at,
    )


def reason_of(row: LeaseRow) -> Words | None:
    """Return why a lease is as it is, if that was said."""
    return Words(en=row.reason_en, zh=row.reason_zh) if row.reason_en and row.reason_zh else None


def server_view(row: LeaseRow) -> UserServer:
    """Return a lease in the words of GET userpod/."""
    return UserServer(
        username=Username(row.username),
        podname=row.server or DEFAULT_SERVER,
        server=row.server,
        pod=row.pod,
        environment=row.environment,
        userimage=row.image,
        description=row.description,
        state=row.lease_state,
        reason=reason_of(row),
        ncores=row.cores,
        memory=row.memory,
        extra_resource=row.extended or {},
        sourceip=row.source_ip,
        lease=row.id,
        requested_at=row.requested_at,
        running_at=row.running_at,
        expires_at=row.expires_at,
    )
