"""The certificates that our HTTP clients trust, read once: reading them takes longer than the request they are for."""

import ssl
from functools import lru_cache

import httpx


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Return the context for ``verify=`` of a client, the same for all of a process."""
    return httpx.create_ssl_context(trust_env=False)
