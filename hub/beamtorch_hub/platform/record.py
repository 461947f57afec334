"""What runs now: the supervisor writes it down, every other command reads it."""

import contextlib
import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_hub.files import write_private
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.children import ChildState, born

SAME_PROCESS_SECONDS = 1.0
"""How far two readings of one process's start may lie apart."""


class PlatformState(StrEnum):
    """Where a platform stands, by the supervisor's own word."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


class ChildRecord(BaseModel):
    """One process of the platform."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int | None
    state: ChildState
    starts: int = Field(description="how often it was started; more than one: it ended, or was restarted")


class PlatformRecord(BaseModel):
    """A running platform."""

    model_config = ConfigDict(frozen=True)

    pid: int
    create_time: float = Field(description="start of the supervisor, seconds since 1970, as the system counts")
    state: PlatformState
    url: str
    started: datetime = Field(default_factory=lambda: datetime.now(UTC))
    children: tuple[ChildRecord, ...] = ()

    @property
    def is_alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return is_alive(self.pid, self.create_time)

    def child(self, name: str) -> ChildRecord | None:
        """Return one process."""
        return next((child for child in self.children if child.name == name), None)


class LabRecord(BaseModel):
    """One running lab or app, as the spawner wrote it down."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    pid: int
    create_time: float | None = None
    user: str = ""
    server: str = ""
    environment: str = ""

    @property
    def is_alive(self) -> bool:
        """Whether the lab still runs."""
        return is_alive(self.pid, self.create_time)


def is_alive(pid: int, create_time: float | None) -> bool:
    """Say whether a process of that number still is the one that started then."""
    now = born(pid)
    return now is not None and (create_time is None or abs(now - create_time) < SAME_PROCESS_SECONDS)


def read_record(home: PlatformHome) -> PlatformRecord | None:
    """Return what the last supervisor wrote; nobody may run any more."""
    try:
        return PlatformRecord.model_validate_json(home.record.read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def write_record(home: PlatformHome, record: PlatformRecord) -> None:
    """Write it for the other commands."""
    write_private(home.record, record.model_dump_json(indent=1))


def read_labs(home: PlatformHome) -> dict[Path, LabRecord]:
    """Return the labs that still run, by the file that tells of each."""
    labs = {}
    for path in sorted(home.labs.glob("*.json")):
        with contextlib.suppress(OSError, ValidationError, json.JSONDecodeError):
            lab = LabRecord.model_validate_json(path.read_text(encoding="utf-8"))
            if lab.is_alive:
                labs[path] = lab
    return labs
