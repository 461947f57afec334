"""What a process is to the kernel: numbers from the directory alone."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from beamtorch_facility.identity import Identity
from beamtorch_identity import becoming
from beamtorch_identity.becoming import UMASK

__all__ = ["UMASK", "Credentials"]


@dataclass(frozen=True)
class Credentials:
    """A user, a primary group and all other groups, by number."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    @classmethod
    def of(cls, person: Identity) -> Self:
        """Return what the kernel has to know of a person."""
        return cls(person.uid, person.gid, person.supplementary_gids)

    @classmethod
    def of_this_process(cls) -> Self:
        """Return what this process is."""
        return cls(os.geteuid(), os.getegid(), tuple(sorted(set(os.getgroups()) - {os.getegid()})))

    def command(
        self,
        words: Sequence[str],
        *,
        read_only: Iterable[Path] = (),
        writable: Iterable[Path] = (),
        environment_on_stdin: bool = False,
    ) -> tuple[str, ...]:
        """Return a command that runs another one as this person, for good and with nothing left of root.

        Parameters
        ----------
        words
            The other command.
        read_only, writable
            Folders that it needs even where the way to them is closed to others.
        environment_on_stdin
            Whether its variables come as JSON on the standard input: whenever the person had a say in them. The
            process itself must be started with none of these.
        """
        return (
            *(sys.executable, "-I", "-S", becoming.__file__, "--uid", str(self.uid), "--gid", str(self.gid)),
            *(word for group in self.groups for word in ("--group", str(group))),
            *(word for path in read_only for word in ("--show", str(path))),
            *(word for path in writable for word in ("--give", str(path))),
            *(("--environment-on-stdin",) if environment_on_stdin else ()),
            *("--", *words),
        )

    def take_on(self) -> None:
        """Make this process the person's, for good; errors as in `becoming.become`."""
        becoming.become(self.uid, self.gid, self.groups)
