"""What a start at a registered terminal claims; admissions ask through this, terminals answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from beamtorch_spawner.stores.database import Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import AdmissionRequest


@dataclass(frozen=True)
class Claim:
    """What a start at a registered terminal means."""

    terminal: str
    beamline: str
    displaces: LeaseRow | None = None
    evict_after: datetime | None = None


class Terminals(Protocol):
    """Knows what a start at a registered address displaces."""

    def source(self, request: AdmissionRequest) -> str | None:
        """Return the address that a start came from, as far as it can be believed."""
        ...

    def claim(
        self, stores: Stores, request: AdmissionRequest, *, source: str | None, confirm: str | None, now: datetime
    ) -> Claim | None:
        """Return what a start claims, None for an address that is nobody's terminal; raises if it may not."""
        ...

    def claimed(self, stores: Stores, row: LeaseRow, claim: Claim, *, actor: str, now: datetime) -> None:
        """Tell whom it concerns that a start was admitted which displaces somebody."""
        ...


class NoTerminals:
    """A facility without registered terminals."""

    def source(self, request: AdmissionRequest) -> str | None:  # noqa: ARG002 - the protocol's signature
        """Return nothing: no address means anything here."""
        return None

    def claim(
        self,
        stores: Stores,  # noqa: ARG002 - the protocol's signature
        request: AdmissionRequest,  # noqa: ARG002 - the protocol's signature
        *,
        source: str | None,  # noqa: ARG002 - the protocol's signature
        confirm: str | None,  # noqa: ARG002 - the protocol's signature
        now: datetime,  # noqa: ARG002 - the protocol's signature
    ) -> Claim | None:
        """Return nothing: nobody is displaced."""
        return None

    def claimed(self, stores: Stores, row: LeaseRow, claim: Claim, *, actor: str, now: datetime) -> None:
        """Tell nobody."""
