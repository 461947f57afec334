"""Brings the tree of a beamtime in line with the directory: what is too much goes first, then what is missing comes.

Nothing is remembered between runs. Each file and folder is set at once by the kernel, so a run that was killed leaves
a tree of which a part is done, and the next run does the rest. The folder itself comes first and the areas' own folders
before what is in them: whoever left is locked out with the first few writes, however large the tree.
"""

import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from beamtorch_facility.data_layout import Area, BeamtimeFolder
from beamtorch_identity.acl.attributes import named_error, translated
from beamtorch_identity.acl.control import AccessControl
from beamtorch_identity.acl.errors import NotPermittedError, VanishedError
from beamtorch_identity.beamtimes.errors import BusyError, NobodyError
from beamtorch_identity.beamtimes.record import BeamtimeRecord
from beamtorch_identity.beamtimes.report import Pace, SyncReport
from beamtorch_identity.beamtimes.rights import (
    AreaRights,
    BeamtimeRights,
    Holders,
    Members,
    holders_of,
    rights_of_beamtime,
)
from beamtorch_identity.beamtimes.tree import Left, Names, Opened, open_below, walk


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Give the open folder of a beamtime, for one process at a time.

    Raises
    ------
    BusyError
        If another process has it.
    VanishedError
        If there is no such folder.
    """
    with translated(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(path) from error
        yield descriptor
    finally:
        os.close(descriptor)


def demand_a_team(folder: int, record: BeamtimeRecord, members: Members, control: AccessControl) -> None:
    """Refuse to take away everybody's rights because a directory lists nobody in the team.

    Raises
    ------
    NobodyError
        If the team is empty while somebody beside the staff has an entry.
    """
    if members.team:
        return
    staff = holders_of(record, Members((), members.staff))
    if Holders(*control.named(folder)) - staff:
        raise NobodyError.of_team(record.proposal)


class Syncer:
    """One run over one beamtime."""

    def __init__(
        self,
        *,
        control: AccessControl,
        folder: BeamtimeFolder,
        record: BeamtimeRecord,
        members: Members,
        today: date,
        dry_run: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._control = control
        self._record = record
        self._rights: BeamtimeRights = rights_of_beamtime(record, members, today)
        self._path = folder.path
        self._tell = tell
        self.report = SyncReport(record.name, dry_run=dry_run)

    def run(self, folder: int) -> SyncReport:
        """Set everything below an open folder; areas that are missing are made.

        Raises
        ------
        AclUnsupportedError, AclReadOnlyError, AclTooLongError
            If nothing can be set there; a single file that cannot be set is noted, and the run goes on.
        """
        began = time.monotonic()
        report, pace = self.report, Pace(self._tell)
        if not report.dry_run:
            self._make_areas(folder)
        waiting = self._pass(folder, pace, first=True)
        if waiting and not report.dry_run:
            # It meets again whatever the first one had to leave alone.
            report.start_again()
            self._pass(folder, pace, first=False)
        report.seconds = time.monotonic() - began
        return report

    def _make_areas(self, folder: int) -> None:
        for area in Area:
            try:
                os.mkdir(area.value, 0o700, dir_fd=folder)
            except FileExistsError:
                continue
            descriptor = open_below(folder, area.value)
            try:
                os.fchown(descriptor, self._rights.areas[area].heir, self._record.group)
            finally:
                os.close(descriptor)

    def _pass(self, folder: int, pace: Pace, *, first: bool) -> bool:
        """Go over everything once; tell whether the first pass left something for the second."""
        top = Opened(folder, os.fstat(folder), str(self._path))
        waiting = self._set(top, self._rights.folder, first=first)
        for area, rights in self._rights.areas.items():
            place = str(self._path / area.value)
            try:
                descriptor = open_below(folder, area.value)
            except FileNotFoundError:
                continue  # In a dry run it is not made.
            except OSError:
                self.report.leave(place, Left.REFUSED)
                continue
            names = Names(self.report.leave)
            try:
                for one in walk(descriptor, place, self.report.leave):
                    pace.step(self.report)
                    if one.seen.st_nlink == 1 or _is_folder(one) or names.are_all_met(one):
                        waiting |= self._set(one, rights, first=first)
            finally:
                os.close(descriptor)
            names.end()
        return waiting

    def _set(self, one: Opened, rights: AreaRights, *, first: bool) -> bool:
        """Bring one file or folder in line; tell whether that is left for the second pass."""
        report, owner = self.report, rights.new_owner(one.seen.st_uid)
        report.entries += 1
        try:
            change = self._control.difference(one.descriptor, one.seen, rights.grants, owner)
            if change is None:
                return False
            if first and not change.takes and not report.dry_run:
                return True
            if not report.dry_run:
                self._control.apply(one.descriptor, one.seen, rights.grants, owner)
        except OSError as error:
            self._failed(one, error)
            return False
        report.change(one.place, change)
        return False

    def _failed(self, one: Opened, error: OSError) -> None:
        known = named_error(error, one.place)
        if isinstance(known, VanishedError):
            self.report.leave(one.place, Left.VANISHED)
        elif isinstance(known, NotPermittedError):
            self.report.leave(one.place, Left.REFUSED)
        elif known is not None:
            raise known from error
        else:
            raise error


def _is_folder(one: Opened) -> bool:
    return stat.S_ISDIR(one.seen.st_mode)
