"""The event stream: one look at the database per moment and process, shared by all who listen here."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.words import Words
from beamtorch_service.open_streams import OpenStreams
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import EventRow
from beamtorch_spawner.wire import Event, EventKind

LOOK_SECONDS = 0.5
WAITING_ROOM = 1000
ASK_AGAIN_SECONDS = 15.0


async def always() -> bool:
    """Let somebody listen for ever."""
    return True


@dataclass(eq=False)
class _Listener:
    username: str | None
    """None: hears everything."""
    queue: "asyncio.Queue[Event]" = field(default_factory=lambda: asyncio.Queue(WAITING_ROOM))
    is_lost: bool = False


class Stream:
    """Passes events on to those who listen."""

    def __init__(self, *, database: Database) -> None:
        self._database = database
        self._listeners: set[_Listener] = set()
        self._open = OpenStreams()
        self._task: asyncio.Task[None] | None = None
        self._last = 0

    def check_room(self, caller: str) -> None:
        """Refuse a caller who listens often enough already."""
        self._open.check_room(caller)

    async def listen(
        self, *, caller: str, username: str | None, after: int | None, may_go_on: Callable[[], Awaitable[bool]] = always
    ) -> AsyncIterator[Event]:
        """Give what is told to a person from now on, or since an event; of everybody if no person is named.

        Whether the caller may still listen is asked again and again: a stream outlives the request that opened it.
        """
        self.check_room(caller)
        listener = _Listener(username)
        with self._open.one_of(caller):
            try:
                # First join, then look back: what is told in between comes twice and is heard once.
                joined_at = await self._join(listener)
                last = joined_at if after is None else after
                for missed in await run_in_threadpool(self._missed, username, last):
                    last = missed.id
                    yield missed
                async for event in self._heard(listener, may_go_on):
                    if event.id > last:
                        last = event.id
                        yield event
            finally:
                self._listeners.discard(listener)

    @staticmethod
    async def _heard(listener: _Listener, may_go_on: Callable[[], Awaitable[bool]]) -> AsyncIterator[Event]:
        asked_at = time.monotonic()
        while not listener.is_lost:
            if time.monotonic() - asked_at >= ASK_AGAIN_SECONDS:
                if not await may_go_on():
                    return
                asked_at = time.monotonic()
            try:
                event = await asyncio.wait_for(listener.queue.get(), ASK_AGAIN_SECONDS)
            except TimeoutError:
                continue
            yield event

    async def aclose(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _join(self, listener: _Listener) -> int:
        self._listeners.add(listener)
        newest = await run_in_threadpool(self._newest)
        if self._task is None or self._task.done():
            self._last = newest
            self._task = asyncio.create_task(self._look())
        return newest

    async def _look(self) -> None:
        while self._listeners:
            with contextlib.suppress(SpawnerError):
                for event in await run_in_threadpool(self._since, self._last):
                    self._last = event.id
                    self._pass_on(event)
            await asyncio.sleep(LOOK_SECONDS)

    def _pass_on(self, event: Event) -> None:
        for listener in self._listeners:
            if listener.username in {None, event.username}:
                try:
                    listener.queue.put_nowait(event)
                except asyncio.QueueFull:
                    # Whoever cannot follow comes back with the last event that they had, and misses nothing.
                    listener.is_lost = True

    def _newest(self) -> int:
        with self._database.reading() as stores:
            return stores.events.last()

    def _since(self, number: int) -> list[Event]:
        with self._database.reading() as stores:
            return [event_of(row) for row in stores.events.after(number)]

    def _missed(self, username: str | None, after: int) -> list[Event]:
        with self._database.reading() as stores:
            rows = stores.events.after(after) if username is None else stores.events.of_person(username, after)
            return [event_of(row) for row in rows]


def event_of(row: EventRow) -> Event:
    """Return an event as it travels."""
    return Event(
        id=row.id,
        at=row.at,
        kind=EventKind(row.kind),
        username=row.username,
        lease=row.lease,
        message=Words(en=row.en, zh=row.zh),
        data=row.data or {},
    )
