"""How much room there is: the ledger of quotas, read from the database within somebody's transaction."""

from datetime import UTC, datetime

from beamtorch_spawner.services.quotas import Asking, Holding, Ledger, beyond, from_rows, refusal, subjects
from beamtorch_spawner.stores.database import Stores
from beamtorch_spawner.stores.leases import Held
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import QuotaScope


def read_ledger(stores: Stores, held: tuple[Held, ...] | None = None) -> Ledger:
    """Return what is held now, read here or before, and every limit; what waits counts with what it adds."""
    limits = from_rows(stores.quotas.all())
    if not limits:
        return Ledger((), limits)
    held = stores.leases.held() if held is None else held
    by_id = {one.id: one for one in held}
    return Ledger(tuple(_holding(one, by_id.get(one.awaits or "")) for one in held), limits)


def _holding(one: Held, awaited: Held | None) -> Holding:
    return Holding(
        lease=one.id,
        username=one.username,
        groups=frozenset(one.groups or ()),
        beamline=one.beamline,
        amounts=beyond(one.amounts, awaited.amounts) if awaited is not None else one.amounts,
        expires_at=one.expires_at,
    )


def demand_room(stores: Stores, held: tuple[Held, ...], asking: Asking, now: datetime) -> None:
    """Refuse a start for which a quota has no room; within the transaction that would admit it.

    Raises
    ------
    QuotaExceededError
        Naming the tightest quota, who uses it, and when there is room.
    """
    ledger = read_ledger(stores, held)
    short = ledger.shortage(asking, lambda scope, subject: gpu_seconds(stores, scope, subject, now))
    if short is not None:
        raise refusal(short, now)


def gpu_seconds(stores: Stores, scope: QuotaScope, subject: str, now: datetime) -> int:
    """Return the GPU-seconds that a subject used in the month of a moment (UTC), running servers up to that moment."""
    first, after = month_of(now)
    total = 0.0
    for row in stores.leases.held_between(first, after):
        if is_counted(row, scope, subject):
            total += row.resources.gpus * overlap(row, first, min(after, now), now)
    return round(total)


def gpu_seconds_of_each(stores: Stores, scope: QuotaScope, now: datetime) -> dict[str, int]:
    """Return the GPU-seconds of the month of a moment for every user, group or beamline that used any."""
    first, after = month_of(now)
    totals: dict[str, float] = {}
    for row in stores.leases.held_between(first, after):
        seconds = row.resources.gpus * overlap(row, first, min(after, now), now)
        for subject in _subjects(row, scope):
            totals[subject] = totals.get(subject, 0.0) + seconds
    return {subject: round(seconds) for subject, seconds in totals.items() if seconds}


def is_counted(row: LeaseRow, scope: QuotaScope, subject: str) -> bool:
    """Tell whether a subject's quota counts a lease."""
    return subject in _subjects(row, scope)


def _subjects(row: LeaseRow, scope: QuotaScope) -> frozenset[str]:
    return subjects(scope, username=row.username, groups=frozenset(row.groups or ()), beamline=row.beamline)


def month_of(at: datetime) -> tuple[datetime, datetime]:
    """Return the first moment of a month in UTC, and the first of the next."""
    first = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = first.month == 12  # noqa: PLR2004 - December
    return first, first.replace(year=first.year + last, month=1 if last else first.month + 1)


def overlap(row: LeaseRow, since: datetime, until: datetime, now: datetime) -> float:
    """Return for how many seconds of a span a lease really held its resources."""
    if row.held_from is None:
        return 0.0
    begin, end = max(row.held_from, since), min(row.held_until or now, until)
    return max(0.0, (end - begin).total_seconds())
