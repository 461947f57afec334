"""The cluster in memory, which most tests use, and a real one do the same; and the reconciler with real pods."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_asyncio import client, config
from sqlalchemy import text

from beamtorch_spawner import marks
from beamtorch_spawner.cluster import kubernetes
from beamtorch_spawner.cluster.kubernetes import KubernetesCluster
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.ports import ClusterUnreachableError
from beamtorch_spawner.services.reconcile import Reconciler
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.testing.fake_cluster import FakeCluster
from beamtorch_spawner.wire import LeaseState

GPU = "nvidia.com/gpu"
OURS = {marks.PLATFORM: marks.MANAGER}


@dataclass
class InMemory:
    """The fake, filled as tests fill it."""

    cluster: FakeCluster

    async def put(self, name: str, *, labels: dict[str, str], annotations: dict[str, str], gpus: int = 0) -> None:
        del gpus
        self.cluster.add(name, labels=labels, annotations=annotations)

    async def over(self, name: str) -> None:
        pod = self.cluster.pods[name]
        self.cluster.pods[name] = pod.model_copy(
            update={"phase": "Failed", "reason": "Error", "ended_at": datetime.now(UTC)}
        )

    def away(self) -> FakeCluster:
        return FakeCluster(now=lambda: datetime.now(UTC), reachable=False)

    async def gone(self, name: str) -> None:
        assert name not in self.cluster.pods


@dataclass
class Real:
    """A namespace of a real cluster; a pod of it is one container that waits."""

    cluster: KubernetesCluster
    core: client.CoreV1Api
    namespace: str
    image: str
    dead: Path

    async def put(self, name: str, *, labels: dict[str, str], annotations: dict[str, str], gpus: int = 0) -> None:
        amounts = {GPU: str(gpus)} if gpus else {}
        needs = client.V1ResourceRequirements(limits=amounts, requests=amounts)
        box = client.V1Container(
            name="notebook", image=self.image, image_pull_policy="IfNotPresent", resources=needs, command=None
        )
        meta = client.V1ObjectMeta(name=name, labels=labels, annotations=annotations)
        spec = client.V1PodSpec(containers=[box], termination_grace_period_seconds=1, restart_policy="Never")
        await self.core.create_namespaced_pod(self.namespace, client.V1Pod(metadata=meta, spec=spec))
        await self._until(name, lambda pod: pod is not None and pod.status.phase == "Running")

    async def over(self, name: str) -> None:
        """Let a pod's time be over, which ends its container."""
        await self.core.patch_namespaced_pod(name, self.namespace, {"spec": {"activeDeadlineSeconds": 1}})
        await self._until(
            name, lambda pod: pod.status.phase == "Failed" and pod.status.container_statuses[0].state.terminated
        )

    def away(self) -> KubernetesCluster:
        return KubernetesCluster(namespace=self.namespace, platform=marks.MANAGER, kubeconfig=self.dead)

    async def gone(self, name: str) -> None:
        await self._until(name, lambda pod: pod is None)

    async def _until(self, name: str, is_so: Callable[[Any], Any]) -> None:
        for _ in range(600):
            try:
                pod = await self.core.read_namespaced_pod(name, self.namespace)
            except client.ApiException as error:
                if error.status != 404:
                    raise
                pod = None
            if is_so(pod):
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(name)


def dead(kubeconfig: Path, where: Path) -> Path:
    """Return a kubeconfig at whose address nobody answers."""
    told = yaml.safe_load(kubeconfig.read_text())
    told["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    path = where / "dead.kubeconfig"
    path.write_text(yaml.safe_dump(told))
    return path


async def pause_image(core: client.CoreV1Api) -> str:
    """Return the smallest image that a node tells of; a young node tells of none for half a minute."""
    for _ in range(120):
        for node in (await core.list_node()).items:
            for image in node.status.images or ():
                for name in image.names or ():
                    if "pause" in name:
                        return name
        await asyncio.sleep(1)
    raise TimeoutError("no node of this cluster has told of a pause image")


@asynccontextmanager
async def real(kubeconfig: Path, where: Path) -> AsyncIterator[Real]:
    async with await config.new_client_from_config(config_file=str(kubeconfig)) as api:
        core = client.CoreV1Api(api)
        namespace = f"bt-contract-{secrets.token_hex(4)}"
        await core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
        cluster = KubernetesCluster(namespace=namespace, platform=marks.MANAGER, kubeconfig=kubeconfig)
        try:
            yield Real(cluster, core, namespace, await pause_image(core), dead(kubeconfig, where))
        finally:
            await cluster.aclose()
            await core.delete_namespace(namespace)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.cluster)])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[InMemory | Real]:
    """The one and the other."""
    if request.param == "memory":
        yield InMemory(FakeCluster(now=lambda: datetime.now(UTC)))
        return
    async with real(request.getfixturevalue("kubeconfig"), tmp_path) as made:
        yield made


async def seen(stage):
    return {pod.name: pod for pod in (await stage.cluster.view()).pods}


async def test_a_view_shows_our_pods_whole_and_nobody_else_s(stage):
    before = datetime.now(UTC)
    annotations = {marks.USERNAME: "zhang", marks.RESOURCES: json.dumps({"cores": 1})}
    await stage.put("ours", labels={**OURS, marks.LEASE: "abc"}, annotations=annotations)
    await stage.put("another-platform", labels={marks.PLATFORM: "other"}, annotations={})
    await stage.put("nobody-s", labels={}, annotations={})
    view = await stage.cluster.view()
    assert [pod.name for pod in view.pods] == ["ours"]
    (pod,) = view.pods
    assert pod.labels[marks.LEASE] == "abc"
    assert annotations.items() <= pod.annotations.items()
    assert (pod.phase, pod.deletion_at, pod.ended_at, pod.reason) == ("Running", None, None, None)
    assert before - timedelta(seconds=2) <= pod.created_at <= view.taken_at + timedelta(seconds=1)


async def test_every_page_of_a_long_list_is_read(stage, monkeypatch):
    monkeypatch.setattr(kubernetes, "PAGE", 2)
    for number in range(5):
        await stage.put(f"pod-{number}", labels=OURS, annotations={})
    assert set(await seen(stage)) == {f"pod-{number}" for number in range(5)}


async def test_annotations_are_set_changed_and_taken_away(stage):
    await stage.put("ours", labels=OURS, annotations={"kept": "yes", "old": "1"})
    assert await stage.cluster.annotate("ours", {"old": "2", "new": "3"})
    assert {"kept": "yes", "old": "2", "new": "3"}.items() <= (await seen(stage))["ours"].annotations.items()
    assert await stage.cluster.annotate("ours", {"old": None})
    assert "old" not in (await seen(stage))["ours"].annotations
    assert not await stage.cluster.annotate("not-there", {"a": "b"})


async def test_only_the_pod_that_was_meant_is_ended(stage):
    await stage.put("ours", labels=OURS, annotations={})
    uid = (await seen(stage))["ours"].uid
    assert not await stage.cluster.end("ours", "6f1c2b9e-0000-4000-8000-000000000000", grace_seconds=0)
    assert not await stage.cluster.end("not-there", uid, grace_seconds=0)
    assert "ours" in await seen(stage)
    assert await stage.cluster.end("ours", uid, grace_seconds=1)
    await stage.gone("ours")
    assert not await stage.cluster.end("ours", uid, grace_seconds=1)


async def test_a_pod_that_is_over_says_when(stage):
    await stage.put("ours", labels=OURS, annotations={})
    await stage.over("ours")
    pod = (await seen(stage))["ours"]
    assert pod.phase == "Failed"
    assert pod.reason
    assert abs((pod.ended_at - datetime.now(UTC)).total_seconds()) < 60


async def test_a_cluster_that_does_not_answer_is_said_to_be_away(stage):
    dead = stage.away()
    with pytest.raises(ClusterUnreachableError):
        await dead.view()
    with pytest.raises(ClusterUnreachableError):
        await dead.annotate("ours", {"a": "b"})
    with pytest.raises(ClusterUnreachableError):
        await dead.end("ours", "uid", grace_seconds=0)
    await dead.aclose()


@pytest.mark.cluster
async def test_an_empty_database_is_rebuilt_an_orphan_ends_and_a_stranger_stays_on_a_real_cluster(
    desk, kubeconfig, tmp_path
):
    desk.policy["orphan_seconds"] = 100
    desk.clock.wall = datetime.now(UTC)
    held = desk.run("zhang", "gpu", cores=1, memory="1G", extra_resource={GPU: 2})
    lost = desk.run("okafor", "gpu", cores=1, memory="1G", extra_resource={GPU: 1})
    async with real(kubeconfig, tmp_path) as stage:
        for lease, gpus in ((held, 2), (lost, 1)):
            grant = desk.admissions.outcome(lease).grant
            name = f"pod-{desk.leases.one(lease).username}"
            await stage.put(name, labels=dict(grant.labels), annotations=dict(grant.annotations), gpus=gpus)
        await stage.put("stranger", labels=OURS, annotations={})
        with desk.database.transaction() as stores:
            for table in ("audit", "events", "request_keys", "leases"):
                stores.session.execute(text(f"DELETE FROM {table}"))
        desk.hub.running.discard(("okafor", "gpu"))
        desk.clock.go(10)
        policy = Policy.model_validate(desk.policy)
        reconciler = Reconciler(
            database=desk.database, clock=desk.clock, hub=desk.hub, cluster=stage.cluster, policy=lambda: policy
        )
        report = await reconciler.run(dry_run=False, ends_pods=True)
        actions = {one.pod: one.action for one in report.differences}
        assert actions == {"pod-zhang": "adopt", "pod-okafor": "wait", "stranger": "leave"}
        rebuilt = desk.leases.one(held)
        assert (rebuilt.state, rebuilt.resources.extended) == (LeaseState.RUNNING, {GPU: 2})
        assert marks.ORPHAN_SINCE in (await seen(stage))["pod-okafor"].annotations
        desk.clock.go(101)
        report = await reconciler.run(dry_run=False, ends_pods=True)
        assert {one.pod: one.action for one in report.differences} == {"pod-okafor": "end-pod", "stranger": "leave"}
        await stage.gone("pod-okafor")
        assert set(await seen(stage)) == {"pod-zhang", "stranger"}
    with desk.database.reading() as stores:
        (told,) = stores.audit.sought(AuditSought(action="orphan-ended"))
    assert "okafor" in told.detail
