"""A wall clock that is set moves the ends of leases with it, so that nobody gains or loses time by it.

Seconds since the machine's start (CLOCK_BOOTTIME) run evenly. Where the wall clock moved by more than those seconds
tell, it was set; every end that is written as a wall-clock moment moves by the difference.
"""

from datetime import datetime, timedelta

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.spoken import duration
from beamtorch_spawner.stores.database import Stores
from beamtorch_spawner.stores.tables import ClockMarkRow

TOLERANCE_SECONDS = 1.0
"""Below it a difference is left to add up; above it every end moves."""
ACTOR = "clock"


def follow_the_clock(stores: Stores, clock: Clock) -> tuple[datetime, float]:
    """Move all ends if the wall clock was set since the last look; return what it says now, and by how much it jumped.

    It runs in the transaction that then ends leases, so that no jump falls between the look and the act.
    """
    boot, elapsed, wall = clock.boot(), clock.elapsed(), clock.now()
    mark = stores.clock_marks.find(boot)
    jump = _jump(mark, elapsed, wall) if mark is not None else 0.0
    if mark is not None and abs(jump) <= TOLERANCE_SECONDS:
        # The mark stays as it was made: a clock that is moved a little at every look cannot add up unseen.
        return wall, 0.0
    if mark is not None:
        _shift(stores, timedelta(seconds=jump), wall)
    stores.clock_marks.put(boot=boot, elapsed=elapsed, wall=wall)
    return wall, jump


def is_steady(stores: Stores, clock: Clock) -> bool:
    """Tell whether the clock goes on as it did at the last look, so that there is nothing to follow."""
    mark = stores.clock_marks.find(clock.boot())
    return mark is not None and abs(_jump(mark, clock.elapsed(), clock.now())) <= TOLERANCE_SECONDS


def _jump(mark: ClockMarkRow, elapsed: float, wall: datetime) -> float:
    return (wall - mark.wall).total_seconds() - (elapsed - mark.elapsed)


def _shift(stores: Stores, jump: timedelta, now: datetime) -> None:
    said = duration(abs(jump.total_seconds()))
    forward = jump > timedelta()
    for row in stores.leases.active():
        row.expires_at = row.expires_at + jump if row.expires_at else None
        row.latest_end = row.latest_end + jump if row.latest_end else None
        row.evict_after = row.evict_after + jump if row.evict_after else None
        row.running_at = row.running_at + jump if row.running_at else None
        row.held_from = row.held_from + jump if row.held_from else None
        row.requested_at += jump
        row.changed_at += jump
    stores.audit.of_facility(
        "clock-set",
        actor=ACTOR,
        at=now,
        detail=Words(
            en=f"The clock of this machine was set {said.en} {'forward' if forward else 'back'}. "
            "The ends of all leases moved with it; nobody gained or lost time.",
            zh=f"本机时钟被{'拨快' if forward else '拨慢'}了 {said.zh}。所有租约的到期时间随之调整，时长不变。",
        ),
    )
