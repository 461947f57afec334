"""Kubernetes as the services see it: this platform's pods in one namespace, with the rights of a role there.

The role needs ``pods`` get, list, patch and delete in the namespace; where the cluster's own policy judges pods, also
``declaredpeople`` create and patch, which the hub's own account must not have.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
from kubernetes_asyncio import client, config
from kubernetes_asyncio.client.rest import ApiException

from beamtorch_spawner import marks
from beamtorch_spawner.cluster.admission_policy import GROUP, PEOPLE, PLURAL, VERSION, declarations, declared
from beamtorch_spawner.services.ports import ClusterUnreachableError, ClusterView
from beamtorch_spawner.wire import ClusterPod, Identification

SECONDS = 10
PAGE = 500


class KubernetesCluster:
    """One namespace of a Kubernetes, through a kubeconfig or as a pod of it."""

    def __init__(self, *, namespace: str, platform: str, kubeconfig: Path | None) -> None:
        self._namespace = namespace
        self._selector = f"{marks.PLATFORM}={platform}"
        self._kubeconfig = kubeconfig
        self._client: client.ApiClient | None = None

    async def view(self) -> ClusterView:
        """Return this platform's pods; raise `ClusterUnreachableError` if they cannot be listed."""
        # Older than the answer: what changes meanwhile must not look as if it had been seen.
        taken_at = datetime.now(UTC)
        pods: list[ClusterPod] = []
        following: str | None = None
        async with self._core() as core:
            while True:
                more = {"_continue": following} if following else {}
                page = await core.list_namespaced_pod(
                    self._namespace, label_selector=self._selector, limit=PAGE, _request_timeout=SECONDS, **more
                )
                pods += [_pod(pod) for pod in page.items]
                following = page.metadata._continue  # noqa: SLF001 - the generated client's name for “continue”
                if not following:
                    return ClusterView(taken_at=taken_at, pods=tuple(pods))

    async def annotate(self, pod: str, annotations: Mapping[str, str | None]) -> bool:
        """Change annotations of a pod; False if it is gone."""
        async with self._core() as core:
            try:
                await core.patch_namespaced_pod(
                    pod, self._namespace, {"metadata": {"annotations": dict(annotations)}}, _request_timeout=SECONDS
                )
            except ApiException as error:
                if error.status == HTTPStatus.NOT_FOUND:
                    return False
                raise
            return True

    async def end(self, pod: str, uid: str, *, grace_seconds: int) -> bool:
        """Delete a pod if it still is the one of that uid; False if it is gone or another."""
        options = client.V1DeleteOptions(
            grace_period_seconds=grace_seconds, preconditions=client.V1Preconditions(uid=uid)
        )
        async with self._core() as core:
            try:
                await core.delete_namespaced_pod(pod, self._namespace, body=options, _request_timeout=SECONDS)
            except ApiException as error:
                if error.status in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
                    return False
                raise
            return True

    async def declare(self, who: Identification) -> None:
        """Write down whose numbers a person's pods may have, for the cluster's own policy."""
        change = {"data": {who.username: declared(who)}}
        async with self._core() as core:
            people = client.CustomObjectsApi(core.api_client)
            where = (GROUP, VERSION, self._namespace, PLURAL)
            try:
                await people.patch_namespaced_custom_object(
                    *where, PEOPLE, change, _content_type="application/merge-patch+json", _request_timeout=SECONDS
                )
            except ApiException as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
                await people.create_namespaced_custom_object(*where, declarations(change), _request_timeout=SECONDS)

    async def aclose(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    @asynccontextmanager
    async def _core(self) -> AsyncIterator[Any]:
        try:
            if self._client is None:
                self._client = await self._connect()
            yield client.CoreV1Api(self._client)
        except (TimeoutError, ApiException, aiohttp.ClientError, OSError, config.ConfigException) as error:
            raise ClusterUnreachableError(f"{type(error).__name__}: {error}"[:300]) from error

    async def _connect(self) -> client.ApiClient:
        settings = client.Configuration()
        if self._kubeconfig is not None:
            await config.load_kube_config(config_file=str(self._kubeconfig), client_configuration=settings)
        else:
            config.load_incluster_config(client_configuration=settings)
        return client.ApiClient(settings)


def _pod(pod: Any) -> ClusterPod:
    statuses = pod.status.container_statuses or ()
    ended = next((one.state.terminated for one in statuses if one.name == "notebook" and one.state.terminated), None)
    return ClusterPod(
        name=pod.metadata.name,
        uid=pod.metadata.uid,
        labels=pod.metadata.labels or {},
        annotations=pod.metadata.annotations or {},
        phase=pod.status.phase or "Unknown",
        ready=bool(statuses) and all(one.ready for one in statuses),
        created_at=pod.metadata.creation_timestamp,
        started_at=pod.status.start_time,
        deletion_at=pod.metadata.deletion_timestamp,
        ended_at=ended.finished_at if ended else None,
        reason=(ended.reason if ended else None) or pod.status.reason,
    )
