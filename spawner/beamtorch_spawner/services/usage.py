"""Who held what in a month, exact to the life of each pod."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

from beamtorch_facility.clock import Clock
from beamtorch_spawner.services.room import month_of, overlap
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import UsageRow

By = Literal["user", "group", "beamline"]
GIB = 1024**3
HOUR = 3600.0


class UsageReport:
    """Adds up what leases held."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of_month(self, month: str, *, by: By, username: str | None) -> list[UsageRow]:
        """Return what each subject held in a month (YYYY-MM, UTC), by name; of one person if named."""
        year, number = month.split("-")
        first, after = month_of(datetime(int(year), int(number), 1, tzinfo=UTC))
        now = self._clock.now()
        with self._database.reading() as stores:
            rows = [r for r in stores.leases.held_between(first, after) if username in {None, r.username}]
        sums: dict[str, UsageRow] = {}
        for row in rows:
            held = overlap(row, first, min(after, now), now) / HOUR
            for subject in _subjects(row, by):
                sums[subject] = _add(sums.get(subject) or _nothing(subject, month), row, held)
        return [sums[name] for name in sorted(sums)]


def _subjects(row: LeaseRow, by: By) -> Iterable[str]:
    match by:
        case "user":
            return (row.username,)
        case "group":
            return tuple(row.groups or ())
    return (row.beamline,) if row.beamline else ()


def _nothing(subject: str, month: str) -> UsageRow:
    return UsageRow(subject=subject, month=month, servers=0, core_hours=0, memory_gib_hours=0, gpu_hours=0)


def _add(sum_: UsageRow, row: LeaseRow, held: float) -> UsageRow:
    hours = dict(sum_.hours)
    for name, count in row.resources.extended.items():
        hours[name] = hours.get(name, 0.0) + count * held
    return sum_.model_copy(
        update={
            "servers": sum_.servers + 1,
            "core_hours": sum_.core_hours + row.cores * held,
            "memory_gib_hours": sum_.memory_gib_hours + row.memory / GIB * held,
            "gpu_hours": sum_.gpu_hours + row.resources.gpus * held,
            "hours": hours,
        }
    )
