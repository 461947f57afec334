"""Leases as people see them, pure: rows of the database in the words of the wire."""

from datetime import timedelta

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.policy_file import Lifetime
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Lease, UserServer


def lease_view(row: LeaseRow, lifetime: Lifetime) -> Lease:
    """Return a lease as people see it."""
    left = None if lifetime.times is None else max(0, lifetime.times - row.extensions)
    latest = row.latest_end
    if latest is None and row.running_at is not None:
        latest = row.running_at + timedelta(seconds=lifetime.ceiling)
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
        latest_end=latest,
        extensions_left=left,
        ended_at=row.ended_at,
    )


def reason_of(row: LeaseRow) -> Words | None:
    """Return why a lease is as it is, if that was said."""
    return Words(en=row.reason_en, zh=row.reason_zh) if row.reason_en and row.reason_zh else None


def server_view(row: LeaseRow, url: str | None = None, next_start: Resources | None = None) -> UserServer:
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
        url=url,
        next_start=next_start,
    )
