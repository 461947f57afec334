"""What the process of a lab looks like on this machine, pure: a grant in, a command, variables and a folder out."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Launch:
    """A process to start."""

    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path


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
    """
    first, *rest = grant.command
    command = with_command_beside(grant, [place.python if first == "python" else first, *rest])
    root = ("--ServerApp.allow_root=True",) if place.is_root else ()
    return Launch(
        command=(*command, *grant.args, *root),
        environment=_environment(grant, username, hub_environment, place),
        folder=Path(grant.server_root),
    )


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
