"""What the process of a lab looks like on this machine, pure: a grant in, a command, variables and a folder out."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from beamtorch_facility.words import Words
from beamtorch_identity.credentials import Credentials
from beamtorch_spawner.errors import NobodyToBeError
from beamtorch_spawner.pod import with_command_beside
from beamtorch_spawner.wire import Grant

LEASE_MARK = "BEAMTORCH_LEASE"
"""Variable that every process of a lab inherits, so that none can hide from its end."""


@dataclass(frozen=True)
class Place:
    """The machine, as far as a lab's process depends on it."""

    python: str
    is_root: bool
    search_path: str
    as_person: bool = False
    """Whether each lab has the numbers of its person; else all have those of the platform."""
    program_folders: tuple[Path, ...] = ()
    person_folders: tuple[Path, ...] = ()
    """What a person's lab needs even where the way to it is closed to others."""


@dataclass(frozen=True)
class Launch:
    """A process to start."""

    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path
    environment_on_stdin: bool = False
    """Whether the variables are the command's business, and none of whoever becomes the person first."""


def launch(grant: Grant, *, username: str, hub_environment: Mapping[str, str], place: Place) -> Launch:
    """Return the process for a grant.

    Parameters
    ----------
    grant
        What was admitted.
    username
        Whose server it is.
    hub_environment
        The variables that JupyterHub gives to every server; on a clash these win, they carry its security.
    place
        This machine.

    Raises
    ------
    NobodyToBeError
        If servers run as their people, and nobody knows who this one is.
    """
    first, *rest = grant.command
    command = with_command_beside(grant, [place.python if first == "python" else first, *rest])
    who = _person(grant, username) if place.as_person else None
    root = ("--ServerApp.allow_root=True",) if place.is_root and who is None else ()
    words = (*command, *grant.args, *root)
    if who is not None:
        words = who.command(
            words, read_only=place.program_folders, writable=place.person_folders, environment_on_stdin=True
        )
    return Launch(
        command=words,
        environment=_environment(grant, username, hub_environment, place),
        folder=Path(grant.server_root),
        environment_on_stdin=who is not None,
    )


def environment_at_start(what: Launch) -> dict[str, str]:
    """Return what the process is started with; a person's own variables never reach one that is still root."""
    if not what.environment_on_stdin:
        return what.environment
    return {LEASE_MARK: what.environment[LEASE_MARK]}


@contextmanager
def given_input(what: Launch) -> Iterator[IO[bytes]]:
    """Give the process its standard input: nothing, or its variables in a file that has no name."""
    with tempfile.TemporaryFile() as given:
        if what.environment_on_stdin:
            given.write(json.dumps(what.environment).encode())
            given.seek(0)
        yield given


def _person(grant: Grant, username: str) -> Credentials:
    who = grant.identification
    if who is None:
        raise NobodyToBeError(
            Words(
                en=f"No directory tells the numbers of “{username}”, and a server never runs under anybody else's. The "
                "facility has to name a directory of people.",
                zh=f"没有人员目录给出“{username}”的用户编号，而服务器不会以他人身份运行。须由设施人员指定人员目录。",
            )
        )
    return Credentials(who.uid, who.gid, who.supplemental_gids)


def _environment(grant: Grant, username: str, hub: Mapping[str, str], place: Place) -> dict[str, str]:
    variables = {
        "SHELL": "/bin/bash",
        "CPU_LIMIT": f"{grant.resources.cores:g}",
        "MEM_LIMIT": str(grant.resources.memory),
        **grant.env,
        **hub,
        "USER": username,
        "LOGNAME": username,
        "PATH": f"{Path(place.python).parent}:{place.search_path}",
        LEASE_MARK: grant.lease,
    }
    if grant.default_url:
        variables["JUPYTERHUB_DEFAULT_URL"] = grant.default_url
    return variables
