"""Registered control-room addresses on the wire: the routes uniqueipinfo/."""

from datetime import datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from beamtorch_facility.proposal import BeamlineId
from beamtorch_facility.words import Words
from beamtorch_spawner.wire.base import Wire
from beamtorch_spawner.wire.leases import ClientAddress, Peer


class Protection(StrEnum):
    """What stands before a release at a terminal."""

    NONE = "none"
    CONFIRM = "confirm"
    """Whoever starts has to say that the other's server may end."""
    LOCKED = "locked"
    """Staff froze the terminal: no start there; what runs goes on."""


class TerminalInfo(Wire):
    """What is registered for one address."""

    ip: ClientAddress
    beamline: BeamlineId
    name: str = Field(default="", max_length=100, description="how people call it")
    enabled: bool = True
    protection: Protection = Protection.NONE
    grace_seconds: int = Field(default=10, ge=0, le=3600, description="between the notice and the end of a server")
    minimum_seconds: int = Field(default=60, ge=0, le=86400, description="a server started here is left alone so long")
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None


class Terminal(TerminalInfo):
    """A registered address and what it holds now."""

    changed_at: datetime
    changed_by: str
    lease: str | None = Field(default=None, description="the lease that it holds")
    holder: str | None = Field(default=None, description="whose that is")


class HereNow(Wire):
    """What a browser at a terminal may know before it starts something: GET uniqueipinfo/here."""

    terminal: str | None = Field(description="the address, if it is registered and counts now")
    name: str = ""
    beamline: str | None = None
    locked: bool = False
    needs_confirmation: bool = False
    grace_seconds: int = 0
    holder: str | None = Field(default=None, description="whose server a start would end")
    holder_name: Words | None = None
    lease: str | None = None
    environment: Words | None = None
    since: datetime | None = None
    expires_at: datetime | None = None
    is_own: bool = Field(default=False, description="whether the holder is the one who asks")


class HereRequest(Wire):
    """Body of POST uniqueipinfo/here: who looks at the start page, from where."""

    username: str = Field(max_length=200)
    peer: Peer


class EndedSession(Wire):
    """A browser's session at the Hub that ended with a release."""

    number: int = Field(description="ask for those after the last one that you have")
    session: str = Field(description="SHA-256 of the Hub's session id, in hex")
    username: str
    at: datetime
