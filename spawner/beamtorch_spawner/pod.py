"""What the pod of a lab looks like, pure: a grant in, the fields of a KubeSpawner out."""

import shlex
from dataclasses import dataclass, field
from typing import Any

from beamtorch_identity.credentials import UMASK
from beamtorch_spawner.pod_identity import PodIdentity, pod_identity
from beamtorch_spawner.wire import Grant

DEADLINE_MARGIN_SECONDS = 900
"""The kubelet counts a pod's hard end from the pod's own start, the fetching of its image included."""
LEASE_VARIABLE = "BEAMTORCH_LEASE"
SINGLE_COMMAND_LOG = "single-command.log"
BESIDE = 'log="$HOME/{log}"; ( {command} ) >"$log" 2>&1 & exec "$@"'
UMASKED = f'umask {UMASK:04o}; exec "$@"'


@dataclass(frozen=True)
class PodFields:
    """Traits of a KubeSpawner; what is None stays as the Hub's configuration says."""

    labels: dict[str, str]
    annotations: dict[str, str]
    pod_config: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    image: str | None = None
    command: list[str] | None = None
    arguments: list[str] | None = None
    default_url: str | None = None
    cores: float | None = None
    memory: int | None = None
    extended: dict[str, str] | None = None
    identity: PodIdentity | None = None
    working_dir: str | None = None


def pod_fields(grant: Grant, *, python: str = "python3") -> PodFields:
    """Return the fields of a grant's pod.

    Parameters
    ----------
    grant
        What was admitted. Without an environment the Hub's own configuration says what runs, and the pod only gets its
        marks and its latest end.
    python
        The interpreter in the image.
    """
    marks = PodFields(
        labels=dict(grant.labels),
        annotations=dict(grant.annotations),
        pod_config=_latest_end(grant),
        environment={LEASE_VARIABLE: grant.lease, **({} if grant.environment else grant.env)},
    )
    if grant.environment is None:
        return marks
    identity = pod_identity(grant)
    return PodFields(
        labels=marks.labels,
        annotations={**marks.annotations, **(identity.annotations if identity else {})},
        pod_config=marks.pod_config,
        environment={**grant.env, LEASE_VARIABLE: grant.lease},
        image=grant.image,
        command=_command(grant, python),
        arguments=list(grant.args),
        default_url=grant.default_url,
        cores=grant.resources.cores,
        memory=grant.resources.memory,
        extended={name: str(count) for name, count in grant.resources.extended.items()},
        identity=identity,
        working_dir=grant.server_root,
    )


def _latest_end(grant: Grant) -> dict[str, Any]:
    if grant.ceiling_seconds is None:
        return {}
    return {"activeDeadlineSeconds": grant.ceiling_seconds + DEADLINE_MARGIN_SECONDS}


def _command(grant: Grant, python: str) -> list[str]:
    first, *rest = grant.command
    server = with_command_beside(grant, [python if first == "python" else first, *rest])
    return ["sh", "-c", UMASKED, "server", *server] if grant.identification else server


def with_command_beside(grant: Grant, server: list[str]) -> list[str]:
    """Return the command of a server with the single command of its grant beside it, if there is one."""
    if not grant.single_command:
        return server
    beside = BESIDE.format(log=SINGLE_COMMAND_LOG, command=shlex.join(grant.single_command))
    # "$@" of the shell are the words after the first, which is the shell's own name.
    return ["sh", "-c", beside, "server", *server]
