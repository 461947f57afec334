"""Serving an app for as long as the process lives."""

import gc
from typing import Any

import uvicorn
from fastapi import FastAPI

from beamtorch_service.settings import HubSettings

GRACE_SECONDS = 2
"""How long open requests may still take after SIGTERM."""
_YOUNG, _MIDDLE, _OLD = 50_000, 10, 10


def serve(app: FastAPI, hub: HubSettings, **options: Any) -> None:
    """Serve on the address that the Hub gave, until told to stop; `options` are uvicorn's."""
    _collect_seldom()
    uvicorn.run(
        app,
        host=hub.listen_host,
        port=hub.listen_port,
        # Where a request came from is judged by those who want to see the connection itself.
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        **options,
    )


def _collect_seldom() -> None:
    """Look for cyclic garbage as seldom as a service can.

    Python's usual thresholds walk over every object of the process again and again while a large request is read: with
    a batch of 500 datasets that takes twice as long as the reading itself. What is there before the first request
    stays for ever and is not walked over at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
