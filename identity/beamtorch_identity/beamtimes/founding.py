"""Makes the folder of a beamtime, ends its embargo, closes it, and keeps its rights what the directory says."""

import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout
from beamtorch_facility.identity import Identity
from beamtorch_identity.acl.attributes import translated
from beamtorch_identity.acl.control import AccessControl
from beamtorch_identity.acl.errors import VanishedError
from beamtorch_identity.acl.posix import PosixAccessControl
from beamtorch_identity.beamtimes.errors import BeamtimeExistsError, NotRootError, RecordUnreadableError
from beamtorch_identity.beamtimes.record import NAME, BeamtimeRecord, read_record, write_record
from beamtorch_identity.beamtimes.report import SyncReport
from beamtorch_identity.beamtimes.rights import ROOT, Members, holders_of, members_of
from beamtorch_identity.beamtimes.syncing import Syncer, demand_a_team, held

SEARCHABLE = 0o711
"""Of the folders above: everybody passes through, nobody but root lists them."""
STATES = frozenset({"released", "closed"})
"""Fields of a record that change while a beamtime goes on."""


def found_beamtime(
    layout: DataLayout, record: BeamtimeRecord, people: Iterable[Identity], *, today: date | None = None
) -> BeamtimeFolder:
    """Make the folder of a beamtime with all rights; without root plain folders, which say nothing about people.

    Doing it again brings the folder in line; a folder that has no record yet is taken over as it is.

    Raises
    ------
    BeamtimeExistsError
        If the folder belongs to a beamtime that was recorded otherwise.
    AclUnsupportedError
        If the file system keeps no ACLs.
    """
    if os.geteuid() == ROOT:
        Beamtimes(layout, today=lambda: today or utc_today()).create(record, people)
        return folder_of(layout, record)
    folder = folder_of(layout, record)
    for area in Area:
        folder.area(area).mkdir(parents=True, exist_ok=True)
    return folder


def folder_of(layout: DataLayout, record: BeamtimeRecord) -> BeamtimeFolder:
    """Return where a beamtime's folder is."""
    return layout.folder(record.beamline, record.beamtime, record.start)


def utc_today() -> date:
    """Return the day on which embargoes are judged, the same everywhere."""
    return datetime.now(UTC).date()


@dataclass(frozen=True)
class Beamtimes:
    """What can be done with beamtimes below one root; only root can."""

    layout: DataLayout
    control: AccessControl = field(default_factory=PosixAccessControl)
    today: Callable[[], date] = utc_today
    tell: Callable[[str], None] | None = None
    """Is told how far a run is."""
    dry_run: bool = False

    def create(self, record: BeamtimeRecord, people: Iterable[Identity]) -> SyncReport | None:
        """Make a beamtime's folder and set its rights; in a dry run None says that all of it would be new.

        Raises
        ------
        BeamtimeExistsError
            If it is there with other facts.
        NobodyError, GroupUnnumberedError
            If the directory does not say who gets rights; nothing is made then.
        """
        demand_root()
        members = members_of(record, people)
        holders_of(record, members)
        folder = folder_of(self.layout, record)
        if self.dry_run:
            if not folder.path.is_dir():
                return None
        else:
            make_folders(self.layout.root, folder.path)
        with held(folder.path) as descriptor:
            known = read_record(descriptor, folder.path)
            differing = [] if known is None else differences(known, record)
            if differing:
                raise BeamtimeExistsError(folder.path / NAME, differing)
            if known is not None:
                demand_a_team(descriptor, known, members, self.control)
            record = (known or record).as_of(self.today())
            if record != known and not self.dry_run:
                write_record(descriptor, folder.path, record)
            return self._syncer(folder, record, members).run(descriptor)

    def sync(self, folder: BeamtimeFolder, people: Iterable[Identity], *, empty_team: bool = False) -> SyncReport:
        """Bring a beamtime in line with the directory and the calendar.

        Raises
        ------
        NobodyError
            If the directory would have everybody's rights taken away.
        """
        return self._changed(folder, people, lambda record: record, empty_team=empty_team)

    def close(self, folder: BeamtimeFolder, people: Iterable[Identity]) -> SyncReport:
        """Declare raw complete: from now on it is root's, and nobody writes it."""
        return self._changed(folder, people, lambda old: old.model_copy(update={"closed": old.closed or self.today()}))

    def reopen(self, folder: BeamtimeFolder, people: Iterable[Identity]) -> SyncReport:
        """Take back that raw is complete."""
        return self._changed(folder, people, lambda old: old.model_copy(update={"closed": None}))

    def release(self, folder: BeamtimeFolder, people: Iterable[Identity]) -> SyncReport:
        """End the embargo today."""
        return self._changed(
            folder, people, lambda old: old.model_copy(update={"released": old.released or self.today()})
        )

    def _changed(
        self,
        folder: BeamtimeFolder,
        people: Iterable[Identity],
        change: Callable[[BeamtimeRecord], BeamtimeRecord],
        *,
        empty_team: bool = False,
    ) -> SyncReport:
        demand_root()
        with held(folder.path) as descriptor:
            known = read_record(descriptor, folder.path)
            if known is None:
                raise RecordUnreadableError(folder.path / NAME, "it is not there")
            if (known.beamline, known.beamtime) != (folder.beamline, folder.beamtime):
                raise RecordUnreadableError(folder.path / NAME, f"it is the one of {known.name}")
            members = members_of(known, people)
            if not empty_team:
                demand_a_team(descriptor, known, members, self.control)
            record = change(known).as_of(self.today())
            syncer = self._syncer(folder, record, members)
            if record != known and not self.dry_run:
                # First: should the run be killed, the next one goes on towards what was decided.
                write_record(descriptor, folder.path, record)
            report = syncer.run(descriptor)
            report.released = record.released is not None and known.released is None
            return report

    def _syncer(self, folder: BeamtimeFolder, record: BeamtimeRecord, members: Members) -> Syncer:
        return Syncer(
            control=self.control,
            folder=folder,
            record=record,
            members=members,
            today=self.today(),
            dry_run=self.dry_run,
            tell=self.tell,
        )


def demand_root() -> None:
    """Refuse to go on without the right to set rights."""
    if os.geteuid() != ROOT:
        raise NotRootError


def differences(known: BeamtimeRecord, wished: BeamtimeRecord) -> list[str]:
    """Return the names of the fields in which a wish is another beamtime than the one that is there."""
    names = [name for name in BeamtimeRecord.model_fields if name not in STATES]
    return [name for name in names if getattr(known, name) != getattr(wished, name)]


def make_folders(root: Path, folder: Path) -> None:
    """Make a beamtime's folder, closed, and let everybody pass through those above it up to the root."""
    with translated(root):
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
    between = [place for place in reversed(folder.parents) if place != root and place.is_relative_to(root)]
    for place in (root, *between):
        with translated(place):
            made = place in between and _make(place)
            mode = stat.S_IMODE(place.stat().st_mode)
            wanted = SEARCHABLE if made else mode | SEARCHABLE & 0o111
            if mode != wanted:
                place.chmod(wanted)
    with translated(folder):
        _make(folder)


def _make(place: Path) -> bool:
    """Make one folder unless it is there; a link in its place is none."""
    try:
        place.mkdir(mode=0o700)
    except FileExistsError:
        if place.is_symlink() or not place.is_dir():
            raise VanishedError.of(place) from None
        return False
    return True
