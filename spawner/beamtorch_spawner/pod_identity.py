"""Who the processes of a pod are, pure: numbers and names from the directory, and nothing that would gain them more."""

import re
from dataclasses import dataclass
from typing import Any

from beamtorch_spawner import marks
from beamtorch_spawner.wire import Grant, Identification

VOLUME = "beamtorch-names"
_NAME = re.compile(r"[^\s:,]{1,64}")
_UNSAID = re.compile(r"[\x00-\x1f:,]")
ROOT, NOBODY = "root:x:0:", "nogroup:x:65534:"
"""Programs ask for these names; nobody in a pod is them."""

CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""Of every container with a person's numbers (Kubernetes' Pod Security Standard “restricted”)."""


@dataclass(frozen=True)
class PodIdentity:
    """What of a pod says who it is."""

    uid: int
    gid: int
    supplemental_gids: list[int]
    annotations: dict[str, str]
    volumes: list[dict[str, Any]]
    volume_mounts: list[dict[str, Any]]
    container_security_context: dict[str, Any]


def pod_identity(grant: Grant) -> PodIdentity | None:
    """Return who the pod of a grant is; None where no directory says it.

    Names come as files that the pod sees of its own annotations (downward API): no image has to be prepared for them,
    no other object is left behind, and nobody in the pod can change them.
    """
    who = grant.identification
    if who is None:
        return None
    files = {"passwd": marks.PASSWD, "group": marks.GROUP}
    return PodIdentity(
        uid=who.uid,
        gid=who.gid,
        supplemental_gids=list(who.supplemental_gids),
        annotations={marks.PASSWD: passwd(who, grant.server_root), marks.GROUP: group(who)},
        volumes=[{"name": VOLUME, "downwardAPI": {"items": [_item(file, mark) for file, mark in files.items()]}}],
        volume_mounts=[
            {"name": VOLUME, "mountPath": f"/etc/{file}", "subPath": file, "readOnly": True} for file in files
        ],
        container_security_context=dict(CONTAINER),
    )


def passwd(who: Identification, home: str) -> str:
    """Return /etc/passwd of somebody's pod (passwd(5))."""
    said = _UNSAID.sub(" ", who.full_name)
    return (
        "root:x:0:0:root:/root:/usr/sbin/nologin\n"
        "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        f"{who.username}:x:{who.uid}:{who.gid}:{said}:{_UNSAID.sub('_', home)}:/bin/bash\n"
    )


def group(who: Identification) -> str:
    """Return /etc/group of somebody's pod (group(5)); names that the file cannot hold are left out, numbers hold on."""
    named = {name: number for name, number in sorted(who.group_names.items()) if _NAME.fullmatch(name)}
    own = {} if who.gid in named.values() else {who.username: who.gid}
    rows = [f"{name}:x:{number}:{who.username}" for name, number in {**own, **named}.items() if name != "root"]
    return "\n".join([ROOT, NOBODY, *rows]) + "\n"


def _item(file: str, mark: str) -> dict[str, Any]:
    return {"path": file, "mode": 0o444, "fieldRef": {"fieldPath": f"metadata.annotations['{mark}']"}}
