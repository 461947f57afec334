"""KubeSpawner's view of the pods, with its age: one that stopped to follow the cluster is noticed and replaced."""

import contextlib
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientError
from kubernetes_asyncio import watch
from kubernetes_asyncio.client import ApiException
from kubespawner.spawner import PodReflector

STALE_SECONDS = 45.0
"""A healthy view reads everything again after 10 s without news, and every 30 s with."""
REPLAY_SECONDS = 2


class PodsInView(dict[str, dict[str, Any]]):
    """The pods by “namespace/name”; of those that went it keeps when they did."""

    def __init__(
        self,
        pods: Mapping[str, dict[str, Any]],
        ends: dict[str, datetime],
        before: Mapping[str, dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(pods)
        self._ends = ends
        for key in pods:
            ends.pop(key, None)
        # Read whole again: what went while nobody watched went without a word.
        for key, pod in (before or {}).items():
            if key not in pods:
                ends[key] = finished_at(pod) or datetime.now(UTC)

    def __setitem__(self, key: str, pod: dict[str, Any]) -> None:
        super().__setitem__(key, pod)
        self._ends.pop(key, None)

    def pop(self, key: str, default: Any = None) -> Any:
        """Take a pod out, as KubeSpawner does when the cluster says that it is deleted."""
        pod = super().pop(key, default)
        self._ends[key] = finished_at(pod or {}) or datetime.now(UTC)
        return pod


def finished_at(pod: dict[str, Any]) -> datetime | None:
    """Return when the last container of a pod ended, by the cluster's own word; None: one may still run."""
    states = [one.get("state", {}).get("terminated") for one in pod.get("status", {}).get("containerStatuses") or ()]
    ends = [datetime.fromisoformat(state["finishedAt"]) for state in states if state and state.get("finishedAt")]
    return max(ends) if ends and len(ends) == len(states) else None


class WatchedPodReflector(PodReflector):
    """The pods of a namespace, when they were last read whole, and when those that went did so."""

    resources: Any

    def __init__(self, *args: Any, **traits: Any) -> None:
        self.read_at = time.monotonic()
        self.ends: dict[str, datetime] = {}
        self._version = ""
        super().__init__(*args, **traits)

    async def _list_and_update(self, *args: Any, **more: Any) -> Any:
        before, since = self.resources, self._version
        version = await super()._list_and_update(*args, **more)
        self.resources = PodsInView(self.resources, self.ends, before)
        self.read_at = time.monotonic()
        if since and (gone := {key for key in before if key not in self.resources and not finished_at(before[key])}):
            self.ends |= await self._ends_since(since, gone)
        self._version = version
        return version

    async def _ends_since(self, version: str, gone: set[str]) -> dict[str, datetime]:
        """Return when pods ended that went between two looks; the cluster tells what it did since the first look."""
        ends: dict[str, datetime] = {}
        asked = {"namespace": self.namespace, "label_selector": self.label_selector, "resource_version": version}
        with contextlib.suppress(ApiException, TimeoutError, ClientError):
            async with watch.Watch() as told:
                async for event in told.stream(self.api.list_namespaced_pod, timeout_seconds=REPLAY_SECONDS, **asked):
                    pod = event["raw_object"]
                    key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
                    if key in gone and (at := finished_at(pod)):
                        ends[key] = at
                    if ends.keys() == gone:
                        break
        return ends

    @property
    def age(self) -> float:
        """Seconds since the pods were last read whole."""
        return time.monotonic() - self.read_at

    @property
    def is_alive(self) -> bool:
        """Whether it still follows the cluster."""
        return self.watch_task is None or not self.watch_task.done()

    @property
    def is_fresh(self) -> bool:
        """Whether what it shows may be believed."""
        return self.is_alive and self.age < STALE_SECONDS
