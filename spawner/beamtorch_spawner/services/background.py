"""Work that goes on beside its caller: one task per lease, so that a slow Hub delays nobody else's."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any

from beamtorch_facility.errors import BeamtorchError

log = logging.getLogger(__name__)


class Background:
    """Tasks by the lease that they are about."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, lease: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin work on a lease, unless some is under way."""
        if lease in self._tasks:
            work.close()
            return
        task = asyncio.create_task(self._do(lease, work))
        self._tasks[lease] = task

    async def _do(self, lease: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except BeamtorchError as error:
            # Whatever it was is still to be done in the database, and the next round begins it again.
            log.warning("%s, lease %s: %s", self._name, lease, error)
        except Exception:
            log.exception("a fault in %s, lease %s", self._name, lease)
        finally:
            self._tasks.pop(lease, None)

    async def done(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks.values()))

    async def aclose(self) -> None:
        """Give everything up."""
        for task in tuple(self._tasks.values()):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
