"""Becomes a person for good, then runs a command: ``python -I -S becoming.py --uid N --gid N … -- COMMAND``.

It needs nothing but Python's own library, because it runs before a person's process has anything else. Folders on the
way to the program or to the person's files may be closed to others (a platform in root's own home): `open_ways` shows
just what is needed at its usual path, in a mount namespace of the process's own (mount_namespaces(7)).

Variables that a person chose (LD_AUDIT and the like) would be heeded by the loader while this process is still root, so
they come on the standard input and count for the command alone.
"""

import argparse
import ctypes
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_DROP = 38, 24
_CAPABILITIES = 64
_CLONE_NEWNS = 0x20000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_REMOUNT = 0x1, 0x2, 0x4, 0x20
_MS_BIND, _MS_REC, _MS_SLAVE = 0x1000, 0x4000, 0x80000
_SEARCH = 0o001
_ENTER_ALONE = 0o066
_NOT_EXECUTED = 126
UMASK = 0o007
"""New files are for their owner and the group; a default ACL of the folder says more."""


def become(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Make this process a person's, with nothing left of root; only root may.

    Raises
    ------
    OSError
        If the kernel refuses, or did not do as it was told; the process must not go on then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(_CAPABILITIES):
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break  # Beyond the last that this kernel knows.
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")
    os.umask(UMASK)
    if (os.getresuid(), os.getresgid()) != ((uid,) * 3, (gid,) * 3):
        raise OSError(0, "the process did not become the person")
    if set(os.getgroups()) - {gid} != set(groups) - {gid}:
        raise OSError(0, "the process did not get the person's groups")


def closed_ways(paths: Iterable[Path]) -> dict[Path, list[Path]]:
    """Return the uppermost folders that others may not pass through, each with the paths that lie below it."""
    found: dict[Path, list[Path]] = {}
    for path in sorted({path.resolve() for path in paths}):
        ways = [folder for folder in reversed(path.parents) if not folder.stat().st_mode & _SEARCH]
        if ways:
            found.setdefault(ways[0], []).append(path)
    return found


def open_ways(*, read_only: Iterable[Path], writable: Iterable[Path]) -> None:
    """Show some folders at their usual paths although the way to them is closed; of what else is there, nothing.

    Raises
    ------
    OSError
        If the kernel does not let this process have mounts of its own (CAP_SYS_ADMIN).
    """
    kept = {path.resolve() for path in writable}
    ways = closed_ways({*read_only, *kept})
    if not ways:
        return
    _call("unshare", _CLONE_NEWNS)
    os.umask(_ENTER_ALONE)
    # What the machine mounts later appears here, too; what is mounted here stays here.
    _mount(None, "/", _MS_REC | _MS_SLAVE)
    for closed, paths in ways.items():
        outermost = [path for path in paths if not any(other in path.parents for other in paths)]
        held = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in outermost}
        _mount("tmpfs", str(closed), _MS_NOSUID | _MS_NODEV, kind="tmpfs", options="mode=0711,size=1m")
        for path, descriptor in held.items():
            path.mkdir(parents=True)
            _mount(f"/proc/self/fd/{descriptor}", str(path), _MS_BIND | _MS_REC)
            os.close(descriptor)
            if not any(path == one or path in one.parents for one in kept):
                _mount(None, str(path), _MS_BIND | _MS_REMOUNT | _MS_RDONLY)


def _mount(source: str | None, target: str, flags: int, *, kind: str | None = None, options: str | None = None) -> None:
    words = [word.encode() if word is not None else None for word in (source, target, kind)]
    _call("mount", *words, ctypes.c_ulong(flags), options.encode() if options else None)


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _environment_of_stdin() -> dict[str, str]:
    told: dict[str, str] = json.load(sys.stdin)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return told


def main(argv: Sequence[str]) -> int:
    """Become the person and run the command; it takes this process over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uid", type=int, required=True)
    parser.add_argument("--gid", type=int, required=True)
    parser.add_argument("--group", type=int, action="append", default=[])
    parser.add_argument("--show", type=Path, action="append", default=[], help="a folder that may be read")
    parser.add_argument("--give", type=Path, action="append", default=[], help="a folder that may be written")
    parser.add_argument(
        "--environment-on-stdin",
        action="store_true",
        help="the command's variables come as JSON; none of them counts before this process is the person",
    )
    parser.add_argument("command", nargs="+")
    told = parser.parse_args(argv)
    try:
        environment = _environment_of_stdin() if told.environment_on_stdin else dict(os.environ)
        open_ways(read_only=told.show, writable=told.give)
        become(told.uid, told.gid, told.group)
        # A working folder that was opened before is another one to the kernel than what is shown at its path now.
        os.chdir(os.getcwd())  # noqa: PTH109 - of this process
        os.execvpe(told.command[0], told.command, environment)  # noqa: S606 - the command is the point
    except OSError as error:
        sys.stderr.write(f"cannot run {told.command[0]} as uid {told.uid}: {error}\n")
        return _NOT_EXECUTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
