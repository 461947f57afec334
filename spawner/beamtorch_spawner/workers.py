"""What runs beside the doors: several parts in turn, by one replica at a time. One that fails stops no other."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.errors import BeamtorchError
from beamtorch_spawner.stores.database import Database

log = logging.getLogger(__name__)

LEADER = "workers"
LOCK_SECONDS = 8.0
"""After a replica's death another takes over within this time."""
RENEW_SECONDS = LOCK_SECONDS / 4
"""How long whoever leads goes on without a look at the lock."""
TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Part:
    """Something to be done again and again."""

    name: str
    every: float
    """Seconds between two rounds, at least."""
    run: Callable[[], Awaitable[None]]


class Workers:
    """Does the parts' work while this replica leads."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        parts: tuple[Part, ...],
        watch: Callable[[str, bool], None] = lambda _name, _is_good: None,
        holder: str | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._parts = parts
        self._watch = watch
        self._holder = holder or secrets.token_hex(8)
        self._last: dict[str, float] = {}
        self._leads_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End, and let another replica lead at once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._leads_until = float("-inf")
        with contextlib.suppress(BeamtorchError):
            await run_in_threadpool(self._release)

    async def tick(self) -> bool:
        """Do what is due; return whether this replica leads."""
        if self._clock.elapsed() >= self._leads_until:
            before = self._clock.elapsed()
            if not await run_in_threadpool(self._lead):
                return False
            self._leads_until = before + RENEW_SECONDS
        for part in self._parts:
            if self._clock.elapsed() - self._last.get(part.name, float("-inf")) >= part.every:
                self._last[part.name] = self._clock.elapsed()
                await self._round(part)
        return True

    async def _run(self) -> None:
        while True:
            try:
                await self.tick()
            except BeamtorchError as error:
                log.warning("the workers rest: %s", error)
            except Exception:
                log.exception("a fault in the workers")
            await asyncio.sleep(TICK_SECONDS)

    async def _round(self, part: Part) -> None:
        is_good = False
        try:
            await part.run()
            is_good = True
        except BeamtorchError as error:
            log.warning("%s: %s", part.name, error)
        except Exception:
            log.exception("a fault in the part %s", part.name)
        self._watch(part.name, is_good)

    def _lead(self) -> bool:
        with self._database.transaction() as stores:
            return stores.locks.take(LEADER, holder=self._holder, now=self._clock.now(), seconds=LOCK_SECONDS)

    def _release(self) -> None:
        with self._database.transaction() as stores:
            stores.locks.release(LEADER, holder=self._holder)
