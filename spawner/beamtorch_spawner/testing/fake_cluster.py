"""A cluster in memory: pods that are annotated and deleted as Kubernetes does it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from beamtorch_spawner import marks
from beamtorch_spawner.cluster.admission_policy import declared
from beamtorch_spawner.services.ports import ClusterUnreachableError, ClusterView
from beamtorch_spawner.wire import ClusterPod, Identification


@dataclass
class FakeCluster:
    """Pods by name; ``reachable`` makes it fail as a cluster does."""

    now: Callable[[], datetime]
    platform: str = marks.MANAGER
    pods: dict[str, ClusterPod] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    reachable: bool = True

    def add(self, name: str, *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> ClusterPod:
        """Add a running pod."""
        made = ClusterPod(
            name=name,
            uid=str(uuid4()),
            labels=dict(labels),
            annotations=dict(annotations),
            phase="Running",
            ready=True,
            created_at=self.now(),
            started_at=self.now(),
        )
        self.pods[name] = made
        return made

    async def view(self) -> ClusterView:
        """Return this platform's pods; raise `ClusterUnreachableError` if they cannot be listed."""
        self._answer()
        ours = [pod for pod in self.pods.values() if pod.labels.get(marks.PLATFORM) == self.platform]
        return ClusterView(taken_at=self.now(), pods=tuple(ours))

    async def annotate(self, pod: str, annotations: Mapping[str, str | None]) -> bool:
        """Change annotations of a pod; False if it is gone."""
        self._answer()
        if pod not in self.pods:
            return False
        both = {**self.pods[pod].annotations, **annotations}
        kept = {name: value for name, value in both.items() if value is not None}
        self.pods[pod] = self.pods[pod].model_copy(update={"annotations": kept})
        return True

    async def end(self, pod: str, uid: str, *, grace_seconds: int) -> bool:  # noqa: ARG002 - the protocol's signature
        """Delete a pod if it still is the one of that uid; False if it is gone or another."""
        self._answer()
        if pod not in self.pods or self.pods[pod].uid != uid:
            return False
        del self.pods[pod]
        self.ended.append(pod)
        return True

    async def declare(self, who: Identification) -> None:
        """Write down whose numbers a person's pods may have."""
        self._answer()
        self.people[who.username] = declared(who)

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""

    def _answer(self) -> None:
        if not self.reachable:
            raise ClusterUnreachableError("made up")
