"""A namespace of a cluster, looked at past the platform."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from kubernetes_asyncio import client, config

from beamtorch_spawner import marks

T = TypeVar("T")


def in_a_loop_of_its_own(what: Coroutine[Any, Any, T]) -> T:
    """Return what a coroutine gives, also in a thread whose own loop runs, as a browser's driver has it."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, what).result()


@dataclass(frozen=True)
class Namespace:
    """One namespace of the cluster of a kubeconfig."""

    kubeconfig: Path
    namespace: str

    def ask(self, what: Callable[[client.CoreV1Api], Any]) -> Any:
        """Return what a call of the cluster's API gives."""

        async def within() -> Any:
            async with await config.new_client_from_config(config_file=str(self.kubeconfig)) as api:
                return await what(client.CoreV1Api(api))

        return in_a_loop_of_its_own(within())

    def make(self) -> Self:
        """Make the namespace."""
        body = client.V1Namespace(metadata=client.V1ObjectMeta(name=self.namespace))
        self.ask(lambda core: core.create_namespace(body))
        return self

    def remove(self) -> None:
        """Remove the namespace and all that is in it."""
        self.ask(lambda core: core.delete_namespace(self.namespace))

    def pods(self) -> list[Any]:
        """Return its pods."""
        return list(self.ask(lambda core: core.list_namespaced_pod(self.namespace)).items)

    def pods_of(self, user: str, server: str = "") -> list[Any]:
        """Return the pods that say to be this server."""
        return [pod for pod in self.pods() if _whose(pod) == (user, server)]

    def pod_of(self, user: str, server: str = "") -> Any:
        """Return the one pod of a server."""
        found = self.pods_of(user, server)
        if len(found) != 1:
            raise LookupError(f"{len(found)} pods of {user}/{server}")
        return found[0]


def _whose(pod: Any) -> tuple[str, str]:
    said = {**(pod.metadata.labels or {}), **(pod.metadata.annotations or {})}
    return said.get(marks.USERNAME, ""), said.get(marks.SERVER, "")
