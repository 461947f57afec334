"""Starts on a cluster: TorchSpawner with its API against plain KubeSpawner, one after another and 100 at once.

Run it as ``python benchmarks/spawn.py`` or ``just bench spawn`` with a KUBECONFIG whose cluster has the image of
``benchmarks/tiny`` (a web server of 2 MB, so that what is timed is the platform). Two JupyterHubs run side by side,
each with its proxy and a namespace of its own; rounds alternate between them, because what else runs on the machine
makes both slower. The admission is timed inside the hub as well: from the question to the grant. While 100 start, one
connection asks for a server's status as fast as it is answered: of our API, and of a plain hub, which has no other.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil

from beamtorch_hub.testing import Namespace, OtherHub

AT_ONCE = 100
IMAGE = "localhost/beamtorch-tiny:1"
RESULTS = Path(__file__).parent / "results" / "spawn.json"
PATIENCE_SECONDS = 300.0
LINES = """
c.JupyterHub.concurrent_spawn_limit = 0
c.JupyterHub.log_level = "WARN"
c.Spawner.http_timeout = 240
c.Spawner.start_timeout = 300
c.KubeSpawner.delete_grace_period = 0
c.KubeSpawner.image_pull_policy = "IfNotPresent"
"""
TIMED = """
import json, pathlib, time
from beamtorch_spawner.spawner import TorchSpawner


class TimedSpawner(TorchSpawner):
    async def checkpoint(self, name):
        if name == "asking":
            self._asked_at = time.perf_counter()
        if name == "granted":
            with pathlib.Path({log!r}).open("a") as log:
                log.write(json.dumps([self.user.name, time.perf_counter() - self._asked_at]) + "\\n")


c.JupyterHub.spawner_class = TimedSpawner
"""


@dataclass
class Found:
    """What the rounds of one of the two hubs gave."""

    single: list[float] = field(default_factory=list)
    single_admissions: list[float] = field(default_factory=list)
    bursts: list[dict[str, Any]] = field(default_factory=list)


@contextlib.contextmanager
def hub_of(kind: str, kubeconfig: Path, where: Path, image: str) -> Iterator[OtherHub]:
    where.mkdir()
    namespace = Namespace(kubeconfig, f"bt-bench-{kind}-{secrets.token_hex(3)}").make()
    is_torch = kind == "torch"
    lines = LINES + (TIMED.format(log=str(where / "admissions.log")) if is_torch else "")
    command = ("/bin/busybox", "httpd", "-f", "-p", "8888")
    hub = OtherHub(
        where, namespace, image, command=command, cores=None, memory=None, own_lines=lines, is_torch=is_torch
    )
    try:
        hub.begin()
        if is_torch:
            # A start is judged against quotas as it is in daily use.
            for scope, resource, limit in (("facility", "servers", 1000), ("facility", "nvidia.com/gpu", 4)):
                quota = {"scope": scope, "subject": "", "resource": resource, "limit": limit}
                hub.api("PUT", "quotas", json=quota).raise_for_status()
        for number in range(AT_ONCE):
            hub.http.post(f"users/u{number:03}").raise_for_status()
        yield hub
    finally:
        hub.end()
        namespace.remove()


def admissions(hub: OtherHub) -> list[float]:
    """Return the seconds of the admissions since the last call."""
    path = hub.where / "admissions.log"
    if not path.exists():
        return []
    found = [float(json.loads(line)[1]) for line in path.read_text().splitlines()]
    path.unlink()
    return found


def stop_all(hub: OtherHub, users: list[str]) -> None:
    for user in users:
        hub.http.delete(f"users/{user}/server")
    hub.wait(lambda: not hub.namespace.pods(), PATIENCE_SECONDS)
    hub.wait(lambda: not hub.http.get("users?state=active").json(), PATIENCE_SECONDS)


def one_by_one(hub: OtherHub, count: int) -> list[float]:
    times = []
    for number in range(count):
        user = f"u{number:03}"
        began = time.perf_counter()
        answer = hub.http.post(f"users/{user}/server", json={"user_options": {}})
        answer.raise_for_status()
        hub.wait(lambda user=user: hub.server(user).get("ready"), PATIENCE_SECONDS)
        times.append(time.perf_counter() - began)
        stop_all(hub, [user])
    return times


async def burst(hub: OtherHub) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=AT_ONCE + 10)
    async with httpx.AsyncClient(
        base_url=hub.http.base_url, headers=hub.http.headers, timeout=PATIENCE_SECONDS, limits=limits, trust_env=False
    ) as http:
        reads: list[float] = []
        reading = asyncio.create_task(read_status(hub, reads))
        began = time.perf_counter()
        ready: dict[str, float] = {}

        async def ask(user: str) -> int:
            return (await http.post(f"users/{user}/server", json={"user_options": {}})).status_code

        async def watch() -> None:
            while len(ready) < AT_ONCE and time.perf_counter() - began < PATIENCE_SECONDS:
                models = (await http.get("users", params={"state": "ready", "limit": 2 * AT_ONCE})).json()
                for model in models:
                    ready.setdefault(model["name"], time.perf_counter() - began)
                await asyncio.sleep(0.25)

        codes, _ = await asyncio.gather(asyncio.gather(*(ask(f"u{n:03}") for n in range(AT_ONCE))), watch())
        took = time.perf_counter() - began
        reading.cancel()
    return {
        "accepted": sum(code in {201, 202} for code in codes),
        "ready": len(ready),
        "seconds": took,
        "ready_seconds": sorted(ready.values()),
        "status_reads_per_second": len(reads) / took,
        "status_read_p95_ms": 1000 * statistics.quantiles(reads, n=20)[-1],
        "memory_mb": {
            name: psutil.Process(child.pid).memory_info().rss / 1e6
            for name, child in hub.children.items()
            if name in {"hub", "api"}
        },
    }


async def read_status(hub: OtherHub, reads: list[float]) -> None:
    """Ask for the status of a server again and again, on one connection."""
    path = f"http://127.0.0.1:{hub.ports['api']}/services/spawner/leases" if hub.is_torch else "users/u000"
    async with httpx.AsyncClient(
        base_url=hub.http.base_url, headers=hub.http.headers, timeout=60, trust_env=False
    ) as http:
        while True:
            began = time.perf_counter()
            answer = await http.get(path, params={"username": "u000", "active": "true"} if hub.is_torch else None)
            answer.raise_for_status()
            reads.append(time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds, per hub")
    parser.add_argument("--single", type=int, default=20, help="starts one after another, per round")
    parser.add_argument("--image", default=IMAGE, help=f"the image of benchmarks/tiny in the cluster ({IMAGE})")
    options = parser.parse_args()
    kubeconfig = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
    if not kubeconfig.exists():
        parser.error("no KUBECONFIG: this needs a Kubernetes that has the image of benchmarks/tiny")
    found = {"plain": Found(), "torch": Found()}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        hubs = {
            kind: stack.enter_context(hub_of(kind, kubeconfig, Path(folder) / kind, options.image)) for kind in found
        }
        for hub in hubs.values():
            one_by_one(hub, 1)
            admissions(hub)
        for number in range(options.rounds):
            order = list(hubs.items()) if number % 2 == 0 else list(reversed(hubs.items()))
            for kind, hub in order:
                found[kind].single += one_by_one(hub, options.single)
                found[kind].single_admissions += admissions(hub)
            for kind, hub in order:
                once = asyncio.run(burst(hub))
                once["pods"] = sum(pod.status.phase == "Running" for pod in hub.namespace.pods())
                once["admissions"] = admissions(hub)
                found[kind].bursts.append(once)
                stop_all(hub, [f"u{n:03}" for n in range(AT_ONCE)])
    report(found)


def cuts(values: list[float], scale: float = 1000) -> dict[str, float]:
    """Return p50, p95 and p99, in milliseconds unless told."""
    hundredths = statistics.quantiles([scale * value for value in values], n=100, method="inclusive")
    return {"p50": hundredths[49], "p95": hundredths[94], "p99": hundredths[98], "count": len(values)}


def report(found: dict[str, Found]) -> None:
    result: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "at_once": AT_ONCE,
        "start_ms": {kind: cuts(one.single) for kind, one in found.items()},
        "admission_ms": {
            "single": cuts(found["torch"].single_admissions),
            "of_100_at_once": cuts([seconds for once in found["torch"].bursts for seconds in once["admissions"]]),
        },
        "bursts": {kind: one.bursts for kind, one in found.items()},
    }
    ratios = [ours / theirs for ours, theirs in zip(found["torch"].single, found["plain"].single, strict=True)]
    result["single_ratio"] = {"median": statistics.median(ratios), "spread": statistics.quantiles(ratios, n=4)[::2]}
    print_singles(result)
    for kind, one in found.items():
        for once in one.bursts:
            memory = ", ".join(f"{name} {size:.0f} MB" for name, size in once["memory_mb"].items())
            middle = statistics.median(once["ready_seconds"])
            reads = f"{once['status_reads_per_second']:.0f} status reads/s, p95 {once['status_read_p95_ms']:.0f} ms"
            print(
                f"{kind:6} {AT_ONCE} at once: {once['ready']} ready, {once['pods']} pods, "
                f"all after {once['seconds']:.1f} s (half after {middle:.1f} s); "
                f"{reads}; {memory}"
            )
            once["ready_seconds"] = [round(seconds, 2) for seconds in once["ready_seconds"]]
            once["admissions"] = [round(seconds, 4) for seconds in once["admissions"]]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def print_singles(result: dict[str, Any]) -> None:
    print(f"{'':34}{'p50':>10}{'p95':>10}{'p99':>10}")
    lines = {
        "a start, plain KubeSpawner": result["start_ms"]["plain"],
        "a start, TorchSpawner": result["start_ms"]["torch"],
        "its admission": result["admission_ms"]["single"],
        "an admission of 100 at once": result["admission_ms"]["of_100_at_once"],
    }
    for name, one in lines.items():
        print(f"{name:34}{one['p50']:8.1f}ms{one['p95']:8.1f}ms{one['p99']:8.1f}ms")
    low, high = result["single_ratio"]["spread"]
    print(
        f"TorchSpawner / KubeSpawner, start by start: {result['single_ratio']['median']:.3f} ({low:.3f} to {high:.3f})"
    )


if __name__ == "__main__":
    main()
