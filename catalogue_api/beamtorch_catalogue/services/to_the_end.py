"""Work in a thread that is waited for even when whoever asked for it is told to stop.

A thread cannot be stopped. One that is left behind still holds a connection when the database is closed.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

_Answer = TypeVar("_Answer")


async def to_the_end(work: Callable[..., _Answer], *arguments: Any, **named: Any) -> _Answer:
    """Run a function in a thread; a cancellation takes effect once it has returned."""
    thread = asyncio.ensure_future(run_in_threadpool(work, *arguments, **named))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise
