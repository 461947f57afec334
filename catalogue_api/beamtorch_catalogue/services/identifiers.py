"""Persistent identifiers: who gives them, and where they resolve."""

import base64
from typing import Protocol

import xxhash

from beamtorch_facility.dataset import DatasetId


class Minting(Protocol):
    """Gives persistent identifiers.

    An identifier is given in the transaction that makes what it names, so this never waits for anybody. A registry
    that answers later (DataCite, CSTR) is told afterwards, of what the history says was created or published, and its
    name becomes one more beside this one, which stays.
    """

    def pid(self, dataset: DatasetId) -> str:
        """Return the identifier of a dataset; the same one whenever it is asked for."""
        ...

    def publication(self, seed: str) -> str:
        """Return the identifier of a publication; the same one for the same seed."""
        ...

    def address(self, pid: str) -> str:
        """Return the address at which an identifier resolves, for citations."""
        ...


class LocalHandles:
    """Identifiers of our own below one prefix; they resolve at this catalogue's ``pid/…``.

    Parameters
    ----------
    prefix
        ``local``, or a prefix that the facility holds at a registry of handles, such as ``21.T11998``.
    catalogue
        Address of the catalogue in a browser, with a slash at its end.
    """

    def __init__(self, prefix: str, *, catalogue: str) -> None:
        self._prefix, self._catalogue = prefix, catalogue

    def pid(self, dataset: DatasetId) -> str:
        """Return the prefix with the dataset's own name."""
        return f"{self._prefix}/{dataset.removeprefix('ds-')}"

    def publication(self, seed: str) -> str:
        """Return the prefix with a hash."""
        digest = xxhash.xxh3_128_digest(seed.encode())
        return f"{self._prefix}/pub-{base64.b32encode(digest).decode().rstrip('=').lower()[:16]}"

    def address(self, pid: str) -> str:
        """Return the address of the landing page."""
        return f"{self._catalogue}pid/{pid}"
