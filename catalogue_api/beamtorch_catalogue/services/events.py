"""The event stream: one look for news per moment and process, and every listener reads on at their own pace.

A listener keeps nothing but their place in the table of changes. So who is slow, or gone, costs no memory, and nothing
is missed however long they were away.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import anyio

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.outbox import Outbox
from beamtorch_catalogue.services.paging import BadPageError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.services.to_the_end import to_the_end
from beamtorch_catalogue.wire import ChangeEvent
from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_service.open_streams import OpenStreams

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
"""After so much silence the place is told again, which also shows whether anybody still listens."""
CHECK_SECONDS = 30.0
"""How often a listener's right to listen is asked for again: a stream outlives the request that opened it."""
_AT_ONCE = 500

Again = Callable[[], Awaitable[Reader | None]]
"""Gives the reader with the rights of this moment, or None for somebody who may no longer listen."""


@dataclass(frozen=True)
class Told:
    """A change, or nothing new; and the place from which to go on after it."""

    place: int
    event: ChangeEvent | None = None


class Events:
    """Tells changes to those who listen."""

    def __init__(self, *, outbox: Outbox, clock: Clock) -> None:
        self._outbox, self._clock = outbox, clock
        self._open = OpenStreams()
        self._task: asyncio.Task[None] | None = None
        self._newest = 0
        self._news = asyncio.Event()
        self._lives = 0
        """Grows when the database was put back to an earlier state: then places mean something else."""

    async def begin(self, reader: Reader, after: int | None) -> int:
        """Return the place where somebody begins to listen.

        Raises
        ------
        TooManyStreamsError
            If they listen often enough already.
        BadPageError
            If there was never a change of that number.
        """
        self._open.check_room(reader.name)
        newest = await to_the_end(self._outbox.newest)
        if after is not None and after > newest:
            raise BadPageError(
                Words(
                    en=f"There is no change {after}; the newest is {newest}. The catalogue may have come back from a "
                    "backup: read anew what you follow, then listen without a place.",
                    zh=f"没有编号为 {after} 的变更，最新为 {newest}。数据目录可能已从备份恢复，请重新读取后从头监听。",
                )
            )
        return newest if after is None else after

    async def listen(self, reader: Reader, place: int, again: Again, over: anyio.Event) -> AsyncIterator[Told]:
        """Give what the reader may hear after a place, for as long as they may listen and it is not over."""
        with self._open.one_of(reader.name):
            self._look_from(place)
            async for told in self._listen(reader, place, again, over):
                yield told

    async def aclose(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _listen(self, reader: Reader, place: int, again: Again, over: anyio.Event) -> AsyncIterator[Told]:
        now: Reader | None = reader
        checked_at = told_at = self._clock.elapsed()
        life = self._lives
        # Whoever hears nothing at first and loses the connection still knows where to go on.
        yield Told(place)
        while now is not None and life == self._lives and not over.is_set():
            news = self._news
            heard = await to_the_end(self._outbox.since, now, place, limit=_AT_ONCE)
            for event in heard.events:
                yield Told(event.id, event)
                told_at = self._clock.elapsed()
            if heard.upto == place:
                await _wait_for(news, over)
            place = heard.upto
            self._seen(place)
            if self._clock.elapsed() - told_at >= HEARTBEAT_SECONDS:
                yield Told(place)
                told_at = self._clock.elapsed()
            if self._clock.elapsed() - checked_at >= CHECK_SECONDS:
                now, checked_at = await again(), self._clock.elapsed()

    def _look_from(self, place: int) -> None:
        if self._task is None or self._task.done():
            self._newest = place
            self._task = asyncio.create_task(self._look())
        self._seen(place)

    async def _look(self) -> None:
        while self._open:
            try:
                known = self._newest
                newest = await to_the_end(self._outbox.newest)
                # What a listener has heard meanwhile may be newer than this look.
                if newest < known:
                    self._lives += 1
                    self._tell(newest)
                self._seen(newest)
            except CatalogueError as error:
                log.warning("the event stream waits: %s", error)
            except Exception:
                log.exception("a fault in the event stream")
            await asyncio.sleep(LOOK_SECONDS)

    def _seen(self, place: int) -> None:
        if place > self._newest:
            self._tell(place)

    def _tell(self, newest: int) -> None:
        news, self._news, self._newest = self._news, asyncio.Event(), newest
        news.set()


async def _wait_for(news: asyncio.Event, over: anyio.Event) -> None:
    either = [asyncio.ensure_future(news.wait()), asyncio.ensure_future(over.wait())]
    try:
        await asyncio.wait(either, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in either:
            one.cancel()
