"""What a process is to the kernel: numbers from the directory alone, taken on for good before anything is run."""

import ctypes
import os
from dataclasses import dataclass
from typing import Self

from beamtorch_facility.identity import Identity

_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
_CAPABILITIES = 64
UMASK = 0o007
"""New files are for their owner and the group; a default ACL of the folder says more."""


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

    def command(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return a command that runs another one as this person, with nothing left of root; needs util-linux."""
        groups = ("--groups", ",".join(map(str, self.groups))) if self.groups else ("--clear-groups",)
        return (
            *("setpriv", "--reuid", str(self.uid), "--regid", str(self.gid), *groups),
            *("--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--", *words),
        )

    def take_on(self) -> None:
        """Make this process the person's, for good; only root may.

        Raises
        ------
        OSError
            If the kernel refuses, or did not do as it was told; the process must not go on then.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in range(_CAPABILITIES):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                break  # Beyond the last that this kernel knows.
        os.setgroups(self.groups)
        os.setresgid(self.gid, self.gid, self.gid)
        os.setresuid(self.uid, self.uid, self.uid)
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")
        os.umask(UMASK)
        if (os.getresuid(), os.getresgid()) != ((self.uid,) * 3, (self.gid,) * 3):
            raise OSError(0, "the process did not become the person")
        if set(os.getgroups()) - {self.gid} != set(self.groups) - {self.gid}:
            raise OSError(0, "the process did not get the person's groups")
