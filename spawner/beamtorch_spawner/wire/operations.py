"""What staff look at on the wire: quotas, usage, audit, events and the state of the cluster."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from beamtorch_facility.words import Words
from beamtorch_spawner.wire.base import Wire

EACH = "*"


class QuotaScope(StrEnum):
    """Whose holdings a quota adds up."""

    USER = "user"
    GROUP = "group"
    BEAMLINE = "beamline"
    FACILITY = "facility"


class Quota(Wire):
    """A limit on one resource for one subject."""

    scope: QuotaScope
    subject: str = Field(
        max_length=200, description="name; “*”: each one that has no own limit; empty for the facility"
    )
    resource: str = Field(max_length=130, description="cores, memory, servers, gpu-hours, or an extended resource")
    limit: str | float | int = Field(description="cores, bytes (or “200G”), pieces, hours a month")


class QuotaUse(Quota):
    """A limit and how much of it is in use."""

    used: float
    by: dict[str, float] = Field(default_factory=dict, description="who holds it, as far as the asker may know")


class UsageRow(Wire):
    """What somebody held in a month."""

    subject: str
    month: str = Field(description="YYYY-MM, in UTC")
    servers: int
    core_hours: float
    memory_gib_hours: float
    gpu_hours: float
    hours: dict[str, float] = Field(default_factory=dict, description="of each extended resource by name")


class AuditEntry(Wire):
    """Who did what to whom, and why."""

    id: int
    at: datetime
    actor: str
    action: str
    lease: str | None
    username: str | None
    server: str | None
    terminal: str | None
    detail: Words


class EventKind(StrEnum):
    """What an event of the stream is about."""

    LEASE = "lease"
    """A lease changed its state or its end."""
    NOTICE = "notice"
    """Something is going to end: T-30, T-10, T-3 min, or a release at a terminal."""


class Event(Wire):
    """One event of the stream."""

    id: int
    at: datetime
    kind: EventKind
    username: str
    lease: str | None
    message: Words
    data: dict[str, Any] = Field(default_factory=dict)


class DifferenceKind(StrEnum):
    """What a look at the cluster found."""

    POD_WITHOUT_LEASE = "pod-without-lease"
    LEASE_WITHOUT_POD = "lease-without-pod"
    STATE = "state"
    ORPHAN = "orphan"
    UNKNOWN = "unknown"
    """A pod that cannot be identified; it is never touched."""


class Difference(Wire):
    """One difference between the database and the cluster, and what becomes of it."""

    kind: DifferenceKind
    pod: str | None
    lease: str | None
    username: str | None
    server: str | None
    action: str = Field(description="adopt, end-lease, change, end-pod, wait, forget, leave")
    message: Words


class Reconciliation(Wire):
    """The outcome of a look at the cluster."""

    dry_run: bool
    taken_at: datetime
    pods: int
    leases: int
    differences: tuple[Difference, ...]


class ClusterPod(Wire):
    """A pod of ours as the cluster shows it."""

    name: str
    uid: str
    labels: dict[str, str]
    annotations: dict[str, str]
    phase: str
    ready: bool
    created_at: datetime
    started_at: datetime | None = None
    deletion_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str | None = Field(default=None, description="why it ended, in the cluster's word: OOMKilled, Evicted, …")
