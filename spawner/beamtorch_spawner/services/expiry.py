"""Leases whose time is over end, those whose end is near are told, and starts that came to nothing are given up."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.services.background import Background
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.services.steady import follow_the_clock, is_steady
from beamtorch_spawner.spoken import clock_time, duration
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import NOTICES, EventKind, LeaseState

GIVEN_UP_AFTER = timedelta(seconds=600)
"""When a start that the Hub's spawner never reported on again no longer counts."""
STOP_AGAIN_AFTER = timedelta(seconds=10)
FIRST_NOTICE = timedelta(seconds=max(NOTICES))
ACTOR = "expiry"


@dataclass(frozen=True)
class Ending:
    """A server that the Hub has to be asked to stop."""

    lease: str
    username: str
    server: str


@dataclass
class Told:
    """What a look brought to light, for metrics."""

    notices: int = 0
    ended: int = 0
    given_up: int = 0
    jump: float = 0.0
    lags: list[float] = field(default_factory=list)


class Expiry:
    """Ends what is over; every step can be repeated, by whomever."""

    def __init__(
        self, *, database: Database, clock: Clock, hub: HubApi, watch: Callable[[Told], None] = lambda _: None
    ) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self._watch = watch
        self.background = Background("expiry")

    async def tick(self) -> None:
        """Look once: clocks, notices, ends."""
        told, endings = await run_in_threadpool(self._look)
        self._watch(told)
        for ending in endings:
            self.background.begin(ending.lease, self._stop(ending))

    def _look(self) -> tuple[Told, list[Ending]]:
        told, endings = Told(), list[Ending]()
        with self._database.reading() as stores:
            # Most looks find nothing, and those must not stand in the way of people who start.
            if is_steady(stores, self._clock) and not _worth_a_look(stores, self._clock.now()):
                return told, endings
        # Behind the gate: two replicas that both think they lead do not see the same clock's jump twice.
        with self._database.admitting() as stores:
            now, told.jump = follow_the_clock(stores, self._clock)
            for row in _worth_a_look(stores, now):
                if self._has_come_to_nothing(row, now):
                    self._give_up(stores, row, now)
                    told.given_up += 1
                elif self._is_over(row, now):
                    endings.append(self._end(stores, row, now, told))
                elif self._wants_a_stop_again(row, now):
                    row.changed_at = now
                    endings.append(Ending(row.id, row.username, row.server))
                else:
                    told.notices += _notify(stores, row, now)
        return told, endings

    @staticmethod
    def _has_come_to_nothing(row: LeaseRow, now: datetime) -> bool:
        is_starting = row.lease_state in {LeaseState.REQUESTED, LeaseState.ADMITTED, LeaseState.STARTING}
        return is_starting and row.awaits is None and row.changed_at + GIVEN_UP_AFTER < now

    @staticmethod
    def _is_over(row: LeaseRow, now: datetime) -> bool:
        return row.lease_state is LeaseState.RUNNING and row.expires_at is not None and row.expires_at <= now

    @staticmethod
    def _wants_a_stop_again(row: LeaseRow, now: datetime) -> bool:
        return row.lease_state is LeaseState.STOPPING and row.changed_at + STOP_AGAIN_AFTER < now

    @staticmethod
    def _give_up(stores: Stores, row: LeaseRow, now: datetime) -> None:
        after = duration(GIVEN_UP_AFTER.total_seconds())
        stores.leases.change(
            row,
            LeaseState.FAILED,
            actor=ACTOR,
            at=now,
            reason=Words(
                en=f"The start was not heard of again for {after.en}, so it no longer counts. Start again.",
                zh=f"启动后 {after.zh} 内没有任何消息，已不再计入。请重新启动。",
            ),
        )

    @staticmethod
    def _end(stores: Stores, row: LeaseRow, now: datetime, told: Told) -> Ending:
        assert row.expires_at is not None  # noqa: S101 - chosen by it
        told.ended += 1
        told.lags.append((now - row.expires_at).total_seconds())
        at = clock_time(row.expires_at, now)
        stores.leases.change(
            row,
            LeaseState.STOPPING,
            actor=ACTOR,
            at=now,
            reason=Words(en=f"Its time was over at {at.en}.", zh=f"已于 {at.zh} 到期。"),
        )
        return Ending(row.id, row.username, row.server)

    async def _stop(self, ending: Ending) -> None:
        # If the Hub is away, the lease stays in "stopping" and is asked for again.
        await self._hub.stop(ending.username, ending.server)
        if any(one.server == ending.server for one in await self._hub.servers(ending.username)):
            return
        await run_in_threadpool(self._gone, ending)

    def _gone(self, ending: Ending) -> None:
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(ending.lease)
            if row.lease_state is LeaseState.STOPPING:
                stores.leases.change(row, LeaseState.ENDED, actor=ACTOR, at=now)


def _worth_a_look(stores: Stores, now: datetime) -> Sequence[LeaseRow]:
    """Return the leases with which something may have to be done."""
    return stores.leases.due(
        unheard_since=now - GIVEN_UP_AFTER, stopping_since=now - STOP_AGAIN_AFTER, ends_before=now + FIRST_NOTICE
    )


def _notify(stores: Stores, row: LeaseRow, now: datetime) -> int:
    """Tell a near end once for each of the moments; return whether something was told."""
    if row.lease_state is not LeaseState.RUNNING or row.expires_at is None:
        return 0
    left = (row.expires_at - now).total_seconds()
    due = min((notice for notice in NOTICES if left <= notice), default=None)
    if due is None or (row.notified_seconds is not None and row.notified_seconds <= due):
        return 0
    row.notified_seconds = due
    whole = (row.expires_at - row.running_at).total_seconds() if row.running_at is not None else left
    if whole < due:
        # Its whole life is shorter than this notice: whoever started it knows.
        return 0
    at, much = clock_time(row.expires_at, now), duration(round(left / 60) * 60 if left >= 60 else left)  # noqa: PLR2004
    stores.events.add(
        kind=EventKind.NOTICE,
        username=row.username,
        lease=row.id,
        message=Words(
            en=f"Your server “{row.server or row.environment or 'JupyterLab'}” ends in {much.en}, at {at.en}. "
            "Extend it on the start page, or save your work.",
            zh=f"您的服务器“{row.server or row.environment or 'JupyterLab'}”将在 {much.zh}后（{at.zh}）结束。"
            "可在启动页面延长，或请保存工作。",
        ),
        at=now,
        data={"expires_at": row.expires_at.isoformat(), "seconds_left": round(left), "server": row.server},
    )
    stores.audit.of_lease(
        row,
        "notified",
        actor=ACTOR,
        at=now,
        detail=Words(en=f"{much.en} before its end.", zh=f"到期前 {much.zh}。"),
    )
    return 1
