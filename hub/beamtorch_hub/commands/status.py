"""Say whether the platform runs, how its processes are, and which labs are open."""

import json
import os
from collections.abc import Sequence
from typing import Any

from beamtorch_facility.errors import BeamtorchError
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.errors import NotRunningError, SettingsUnreadableError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.banner import command
from beamtorch_hub.platform.children import ChildState, is_well, loopback_client
from beamtorch_hub.platform.lock import is_locked
from beamtorch_hub.platform.record import PlatformRecord, PlatformState, read_labs, read_record
from beamtorch_hub.platform.roster import roster
from beamtorch_hub.settings import PlatformSettings


def main(argv: Sequence[str]) -> int:
    """Print the state; the exit code is 0 only while a platform runs."""
    options = parser("status", __doc__)
    options.add_argument("--json", action="store_true", help="for programs")
    chosen = options.parse_args(argv)
    state = platform_status(home_of(chosen.home))
    print(json.dumps(state, indent=1, ensure_ascii=False) if chosen.json else _told(state, home_of(chosen.home)))
    return 0 if state["running"] else NotRunningError.exit_code


def platform_status(home: PlatformHome) -> dict[str, Any]:
    """Return what runs of a platform, asked now."""
    locked = is_locked(home)
    record = read_record(home) if locked else None
    cluster = _cluster(home)
    return {
        "running": record is not None,
        "state": record.state if record else PlatformState.STARTING if locked else "stopped",
        "home": str(home.root),
        "url": record.url if record else None,
        "pid": record.pid if record else None,
        "started": record.started.isoformat(timespec="seconds") if record else None,
        "children": _children(home, record) if record else [],
        "labs": [
            {"user": lab.user, "server": lab.server, "environment": lab.environment, "pid": lab.pid}
            for lab in read_labs(home).values()
        ],
        "cluster": cluster,
    }


def _cluster(home: PlatformHome) -> dict[str, Any] | None:
    """Return what is in the cluster that labs go to; None: they are processes of this machine."""
    try:
        cluster = PlatformSettings.load(home).cluster if home.cluster.exists() else None
    except SettingsUnreadableError:
        cluster = None
    if cluster is None:
        return None
    from beamtorch_hub.cluster.kube import lab_pods  # noqa: PLC0415 - half a second that only clusters need

    told: dict[str, Any] = {"namespace": cluster.namespace, "server": cluster.server, "answers": True}
    try:
        pods = lab_pods(cluster)
    except BeamtorchError as error:
        return {**told, "answers": False, "reason": error.detail.en, "pods": []}
    return {
        **told,
        "pods": [{"user": pod.user, "server": pod.server, "pod": pod.name, "phase": pod.phase.lower()} for pod in pods],
    }


def _children(home: PlatformHome, record: PlatformRecord) -> list[dict[str, Any]]:
    try:
        specs = {spec.name: spec for spec in roster(PlatformSettings.load(home), os.environ)}
    except SettingsUnreadableError:
        specs = {}
    with loopback_client() as client:
        return [
            {
                "name": child.name,
                "state": child.state,
                "healthy": child.state is ChildState.RUNNING
                and (child.name not in specs or is_well(specs[child.name], client)),
                "pid": child.pid,
                "starts": child.starts,
            }
            for child in record.children
        ]


def _told(state: dict[str, Any], home: PlatformHome) -> str:
    labs = [f"  lab        {lab['user']}/{lab['server'] or 'default'}, process {lab['pid']}" for lab in state["labs"]]
    cluster = state["cluster"] or {"pods": [], "answers": True}
    labs += [
        f"  lab        {pod['user']}/{pod['server'] or 'default'}, pod {pod['pod']} in {cluster['namespace']}, "
        f"{pod['phase']}"
        for pod in cluster["pods"]
    ]
    if not cluster["answers"]:
        labs.append(f"  cluster    {cluster['reason']}")
    if state["state"] == PlatformState.STARTING and not state["running"]:
        return f"The platform of {home.root} is just starting; {home.logs / 'platform.log'} may tell how far it is."
    if not state["running"]:
        kept = [f"{len(labs)} lab(s) still run; “{command('down', home)}” ends them:", *labs] if labs else []
        return "\n".join([f"No platform runs from {home.root}. Start it: {command('up', home)}", *kept])
    children = [
        f"  {child['name']:<10} {'well' if child['healthy'] else child['state'] + ', does not answer'}, "
        f"process {child['pid']}, started {child['starts']}×"
        for child in state["children"]
    ]
    return "\n".join([f"{state['url']} is {state['state']} (since {state['started']}, {home.root})", *children, *labs])
