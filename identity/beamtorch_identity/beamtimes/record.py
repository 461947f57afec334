"""What is known of one beamtime: a small YAML file in its folder, root's alone."""

import os
from datetime import date
from enum import StrEnum
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_identity.acl.attributes import translated
from beamtorch_identity.beamtimes.errors import RecordUnreadableError

NAME = ".beamtime.yaml"
_PART = f"{NAME}.part"
_MOST = 65_536
"""Bytes; a record has a few hundred."""


class EntriesBy(StrEnum):
    """Whose the entries of the lists are."""

    USERS = "users"
    GROUPS = "groups"


class BeamtimeRecord(BaseModel):
    """One beamtime, as whoever made its folder said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    beamline: BeamlineId
    beamtime: BeamtimeId
    proposal: ProposalId
    start: date = Field(description="first day; the month is a folder's name")
    entries: EntriesBy = Field(default=EntriesBy.USERS, description="whether people or their groups get entries")
    embargo_until: date | None = Field(default=None, description="first day for everybody; none: no day yet")
    released: date | None = Field(default=None, description="day on which the embargo ended; it never begins again")
    closed: date | None = Field(default=None, description="day from which raw is complete; none: data still come")
    owner: int = Field(default=0, ge=0, description="POSIX user who writes raw while the beamtime is open")
    group: int = Field(default=0, ge=0, description="POSIX group of new folders; gives nobody any right")

    @property
    def name(self) -> str:
        """Beamline and beamtime, as commands take them."""
        return f"{self.beamline}/{self.beamtime}"

    def is_embargoed(self, today: date) -> bool:
        """Tell whether only the team and the beamline's staff may read."""
        return self.released is None and (self.embargo_until is None or today < self.embargo_until)

    def as_of(self, today: date) -> "BeamtimeRecord":
        """Return the record with the embargo ended if its day has come."""
        ends = self.released is None and not self.is_embargoed(today)
        return self.model_copy(update={"released": today}) if ends else self


def read_record(folder: int, path: Path) -> BeamtimeRecord | None:
    """Return the record in an open folder, None if there is none.

    Parameters
    ----------
    folder
        Descriptor of the beamtime's folder.
    path
        Where that is, for messages.

    Raises
    ------
    RecordUnreadableError
        If it is no such file, or not root's (or this process's) own: rights are given by what it says.
    """
    try:
        descriptor = os.open(NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordUnreadableError(path / NAME, error.strerror) from error
    with os.fdopen(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if seen.st_uid not in {0, os.geteuid()} or seen.st_mode & 0o022:
            raise RecordUnreadableError(path / NAME, "others than its owner root could have written it")
        try:
            return BeamtimeRecord.model_validate(yaml.safe_load(file.read(_MOST)))
        except (OSError, ValidationError, yaml.YAMLError) as error:
            raise RecordUnreadableError(path / NAME, error) from error


def write_record(folder: int, path: Path, record: BeamtimeRecord) -> None:
    """Write the record: whole or not at all, whatever happens meanwhile."""
    text = yaml.safe_dump(record.model_dump(mode="json", exclude_defaults=True), sort_keys=False, allow_unicode=True)
    with translated(path / NAME):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(_PART, flags, mode=0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        os.rename(_PART, NAME, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
