"""KubeSpawner's view of the pods, with its age: one that stopped to follow the cluster is noticed and replaced."""

import time
from typing import Any

from kubespawner.spawner import PodReflector

STALE_SECONDS = 45.0
"""A healthy view reads everything again after 10 s without news, and every 30 s with."""


class WatchedPodReflector(PodReflector):
    """The pods of a namespace, and when they were last read whole."""

    def __init__(self, *args: Any, **traits: Any) -> None:
        self.read_at = time.monotonic()
        super().__init__(*args, **traits)

    async def _list_and_update(self, *args: Any, **more: Any) -> Any:
        version = await super()._list_and_update(*args, **more)
        self.read_at = time.monotonic()
        return version

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
