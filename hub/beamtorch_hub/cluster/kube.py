"""The few questions and orders that the `beamtorch` command has for a cluster; every failure becomes a sentence."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiohttp
from kubernetes_asyncio import client, config

from beamtorch_facility.words import Words
from beamtorch_hub.cluster.settings import ClusterSettings
from beamtorch_hub.errors import ClusterNotUsableError
from beamtorch_spawner.cluster.admission_policy import GROUP, PLURAL
from beamtorch_spawner.marks import MANAGED_BY, MANAGER, PLATFORM, SERVER, USERNAME

T = TypeVar("T")
SECONDS = 10.0
"""How long one question may take."""
END_GRACE_SECONDS = 30
NEEDED = (
    ("pods", ("create", "delete", "get", "list", "patch", "watch")),
    ("events", ("list", "watch")),
)
"""What the spawner and the service do in the namespace."""
TO_DECLARE = ((f"{PLURAL}.{GROUP}", ("create", "patch")),)
"""And where the cluster's own policy is told whose numbers pods may have."""


class LabPod(NamedTuple):
    """A pod of this platform."""

    name: str
    user: str
    server: str
    phase: str
    created: datetime


class ClusterFacts(NamedTuple):
    """What a first look at a cluster shows."""

    server: str
    node_addresses: tuple[tuple[str, ...], ...]
    """The internal addresses of each node; none if we may not look at nodes."""
    networks: tuple[str, ...]
    """Of its pods and services, as far as the cluster tells."""


class Kube:
    """One cluster, as a kubeconfig file reaches it.

    Every method raises `ClusterNotUsableError` if the cluster does not answer or refuses.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def look(self) -> ClusterFacts:
        """Ask whether the cluster answers, and what its nodes are."""

        async def ask(api: client.ApiClient) -> ClusterFacts:
            await client.VersionApi(api).get_code()
            server = str(api.configuration.host)
            try:
                nodes = (await client.CoreV1Api(api).list_node()).items
            except client.ApiException as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    raise
                return ClusterFacts(server, (), ())
            addresses = tuple(
                tuple(entry.address for entry in node.status.addresses or () if entry.type.endswith("IP"))
                for node in nodes
            )
            networks = [node.spec.pod_cidr for node in nodes if node.spec.pod_cidr]
            return ClusterFacts(server, addresses, (*networks, *await _service_networks(api)))

        return self._do(ask)

    def ensure_namespace(self, name: str) -> bool:
        """Make a namespace if it is missing; True: it was made."""

        async def ask(api: client.ApiClient) -> bool:
            core = client.CoreV1Api(api)
            try:
                await core.read_namespace(name)
            except client.ApiException as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    # Who may not look at namespaces may still work in one; the rights are asked for next.
                    if error.status == HTTPStatus.FORBIDDEN:
                        return False
                    raise
            else:
                return False
            await core.create_namespace({"metadata": {"name": name, "labels": {MANAGED_BY: MANAGER}}})
            return True

        return self._do(ask)

    def missing_rights(self, namespace: str, *, declares_people: bool = False) -> list[str]:
        """Return what we would need in the namespace and may not do, such as “create pods”."""

        async def allowed(api: client.ApiClient, verb: str, resource: str) -> str | None:
            name, _, group = resource.partition(".")
            wish = {"namespace": namespace, "verb": verb, "resource": name, "group": group}
            review = await client.AuthorizationV1Api(api).create_self_subject_access_review(
                {"spec": {"resourceAttributes": wish}}
            )
            return None if review.status.allowed else f"{verb} {resource}"

        async def ask(api: client.ApiClient) -> list[str]:
            needed = (*NEEDED, *(TO_DECLARE if declares_people else ()))
            asked = [allowed(api, verb, resource) for resource, verbs in needed for verb in verbs]
            return [missing for missing in await asyncio.gather(*asked) if missing]

        return self._do(ask)

    def pods(self, *, namespace: str, platform: str) -> list[LabPod]:
        """Return the pods of a platform that have not come to their end."""

        async def ask(api: client.ApiClient) -> list[LabPod]:
            found = await client.CoreV1Api(api).list_namespaced_pod(namespace, label_selector=_ours(platform))
            return [_lab(pod) for pod in found.items if pod.status.phase not in {"Succeeded", "Failed"}]

        return self._do(ask)

    def end(self, *, namespace: str, platform: str) -> None:
        """Ask for the end of all pods of a platform; their programs get half a minute to save what they have."""

        async def ask(api: client.ApiClient) -> None:
            await client.CoreV1Api(api).delete_collection_namespaced_pod(
                namespace, label_selector=_ours(platform), grace_period_seconds=END_GRACE_SECONDS
            )

        self._do(ask)

    def _do(self, what: Callable[[client.ApiClient], Awaitable[T]]) -> T:
        async def within() -> T:
            async with asyncio.timeout(SECONDS), await self._client() as api:
                return await what(api)

        try:
            return asyncio.run(within())
        except client.ApiException as error:
            raise _refused(self._kubeconfig, error) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self._kubeconfig, error) from error

    async def _client(self) -> client.ApiClient:
        try:
            return await config.new_client_from_config(config_file=str(self._kubeconfig))
        except (config.ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ClusterNotUsableError(
                Words(
                    en=f"{self._kubeconfig} does not say how to reach a cluster ({error}). Get it anew from whoever "
                    "runs the cluster, or name another one with KUBECONFIG.",
                    zh=f"{self._kubeconfig} 中没有可用的集群信息（{error}）。请向集群管理员重新获取，或用 KUBECONFIG "
                    "指定其他文件。",
                )
            ) from error


async def _service_networks(api: client.ApiClient) -> list[str]:
    """Return the networks of services; older clusters, and those that hide them, tell none."""
    try:
        found = (await client.NetworkingV1Api(api).list_service_cidr()).items
    except client.ApiException:
        return []
    return [network for one in found for network in one.spec.cidrs or ()]


def kube_of(cluster: ClusterSettings) -> Kube:
    """Return the way to the cluster of a platform."""
    return Kube(cluster.kubeconfig)


def lab_pods(cluster: ClusterSettings) -> list[LabPod]:
    """Return the pods that a platform has now."""
    return kube_of(cluster).pods(namespace=cluster.namespace, platform=cluster.platform)


def _ours(platform: str) -> str:
    return f"{MANAGED_BY}={MANAGER},{PLATFORM}={platform}"


def _lab(pod: Any) -> LabPod:
    marks = {**(pod.metadata.labels or {}), **(pod.metadata.annotations or {})}
    phase = "Ending" if pod.metadata.deletion_timestamp else str(pod.status.phase)
    return LabPod(
        name=pod.metadata.name,
        user=marks.get(USERNAME, "?"),
        server=marks.get(SERVER, ""),
        phase=phase,
        created=pod.metadata.creation_timestamp,
    )


def _refused(kubeconfig: Path, error: client.ApiException) -> ClusterNotUsableError:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return ClusterNotUsableError(
            Words(
                en=f"The cluster does not accept the credentials in {kubeconfig}. They may have expired; get new ones.",
                zh=f"集群不接受 {kubeconfig} 中的凭据，可能已过期，请重新获取。",
            )
        )
    return ClusterNotUsableError(
        Words(
            en=f"The cluster refused ({error.status} {error.reason}): what {kubeconfig} lets us do is not enough. Ask "
            "whoever runs the cluster for a namespace in which you may create pods, and name it with --namespace.",
            zh=f"集群拒绝了请求（{error.status} {error.reason}）：{kubeconfig} 的权限不足。请向集群管理员申请一个可以"
            "创建 Pod 的命名空间，并用 --namespace 指定。",
        )
    )


def _unreachable(kubeconfig: Path, error: BaseException) -> ClusterNotUsableError:
    said = str(error) or type(error).__name__
    return ClusterNotUsableError(
        Words(
            en=f"The cluster of {kubeconfig} does not answer ({said}). “kubectl get nodes” tells more; is it up, and "
            "is this the right file?",
            zh=f"{kubeconfig} 指向的集群没有响应（{said}）。可用 kubectl get nodes 查看；"
            "集群是否在运行，文件是否正确？",
        )
    )
