"""The groups of a pod are the directory's alone: a KubeSpawner told so, and a cluster that does not heed it found out.

An image is free text, and its /etc/group may give any number to the person. Kubernetes adds these unless the pod says
``supplementalGroupsPolicy: Strict`` (KEP-3619); a cluster from before that drops the word without saying so.
"""

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from jupyterhub.utils import maybe_future
from kubernetes_asyncio.client.rest import ApiException

from beamtorch_facility.words import Words
from beamtorch_spawner.cluster.admission_policy import NOT_SEEN_YET, NUMBERS
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.pod_identity import PodIdentity

T = TypeVar("T")
DECLARED_SECONDS = 10.0
STEP_SECONDS = 0.2
STRICT, MERGE = "Strict", "Merge"
POLICY = "supplementalGroupsPolicy"
CHECK = "beamtorch-strict-groups"
"""Name of the pod that is only asked about, never made."""
_HEEDED: set[tuple[str, str]] = set()
"""Clusters and namespaces that were seen to keep the word; they do not unlearn it."""


class GroupsNotStrictError(SpawnerError):
    """The cluster would let an image add groups."""

    code = "groups-not-strict"
    status = 501
    title = Words(en="The cluster cannot keep groups to the directory's", zh="集群无法限定用户组")


def take_identity(spawner: Any, identity: PodIdentity, policy: str) -> None:
    """Tell a KubeSpawner who its pod is; what the Hub's own configuration says of security stays beside it."""
    spawner.uid, spawner.gid = identity.uid, identity.gid
    spawner.supplemental_gids = identity.supplemental_gids
    # KubeSpawner gives the numbers to its own container; the pod's hold for whatever else comes to run in it.
    whole = {"runAsUser": identity.uid, "runAsGroup": identity.gid, POLICY: policy}
    spawner.pod_security_context = _beside(spawner.pod_security_context, whole)
    spawner.container_security_context = _beside(
        spawner.container_security_context, identity.container_security_context
    )
    spawner.volumes = _added(spawner.volumes, identity.volumes, "name")
    spawner.volume_mounts = _added(spawner.volume_mounts, identity.volume_mounts, "mountPath")


async def demand_strict_groups(spawner: Any, pod: Any) -> None:
    """Refuse a cluster that would make the pod without the word.

    Raises
    ------
    GroupsNotStrictError
        If the API server would drop it. A kubelet that does not know it refuses the pod itself (Kubernetes 1.33).
    ApiException
        If the cluster refuses the pod as such.
    """
    place = (str(spawner.api.api_client.configuration.host), str(spawner.namespace))
    if place in _HEEDED:
        return
    asked = copy.deepcopy(pod)
    asked.metadata.name = CHECK
    told = await once_declared(lambda: spawner.api.create_namespaced_pod(spawner.namespace, asked, dry_run="All"))
    if told.spec.security_context is None or told.spec.security_context.supplemental_groups_policy != STRICT:
        raise GroupsNotStrictError(
            Words(
                en="This cluster lets an image give groups to whoever runs it (it does not know "
                "supplementalGroupsPolicy), so the server was not started. The facility has to run Kubernetes 1.33 or "
                "later, or allow it in the hub's settings (supplemental_groups_policy).",
                zh="该集群不支持 supplementalGroupsPolicy，镜像可能为用户添加用户组，因此未启动服务器。"
                "请设施人员升级到 Kubernetes 1.33 或更高版本，或在 Hub 设置中允许（supplemental_groups_policy）。",
            )
        )
    _HEEDED.add(place)


async def once_declared(make: Callable[[], Awaitable[T]]) -> T:
    """Return what making a pod gives; a policy that has not seen yet who was just declared is asked again."""
    until = time.monotonic() + DECLARED_SECONDS
    while True:
        try:
            return await make()
        except ApiException as error:
            is_early = any(said in str(error.body) for said in (NUMBERS, *NOT_SEEN_YET))
            if not is_early or time.monotonic() > until:
                raise
        await asyncio.sleep(STEP_SECONDS)


def _beside(configured: Any, ours: dict[str, Any]) -> Any:
    if not callable(configured):
        return {**(configured or {}), **ours}

    async def both(spawner: Any) -> dict[str, Any]:
        return {**(await maybe_future(configured(spawner)) or {}), **ours}

    return both


def _added(configured: Any, ours: list[dict[str, Any]], key: str) -> Any:
    """Return volumes or mounts with ours; KubeSpawner takes a list, or a dictionary whose keys only give an order."""
    known = list(configured.values()) if isinstance(configured, dict) else list(configured or ())
    taken = {one[key] for one in ours}
    return [*(one for one in known if one.get(key) not in taken), *ours]
