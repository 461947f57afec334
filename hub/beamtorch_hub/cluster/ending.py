"""The end of lab pods: by the hub, so that everything is told properly, and by the cluster where the hub cannot."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from beamtorch_hub.cluster.kube import END_GRACE_SECONDS, kube_of, lab_pods
from beamtorch_hub.cluster.settings import ClusterSettings
from beamtorch_hub.errors import ClusterNotUsableError
from beamtorch_hub.settings import PlatformSettings

POLL_SECONDS = 0.3
AT_ONCE = 16
HUB_SECONDS = END_GRACE_SECONDS + 15.0
GONE_SECONDS = END_GRACE_SECONDS + 15.0


def end_pods(settings: PlatformSettings, announce: Callable[[str], None]) -> int:
    """End all labs of a platform and wait until they are gone; return how many there were.

    A cluster that does not answer is announced, not raised: whatever else is to end, ends.
    """
    cluster = settings.cluster
    if cluster is None:
        return 0
    try:
        found = lab_pods(cluster)
        if found:
            announce(f"ending {len(found)} lab(s) in the namespace {cluster.namespace}")
            _stop_servers(settings)
            _end_rest(cluster)
    except ClusterNotUsableError as error:
        announce(f"{error.detail.en} Its pods were left; “beamtorch down” ends them once it is back")
        return 0
    return len(found)


def _stop_servers(settings: PlatformSettings) -> None:
    """Let the hub stop every server, so that leases end at the moment their pods do; a dead hub is no obstacle."""
    headers = {"Authorization": f"token {settings.tokens.platform.get_secret_value()}"}
    until = time.monotonic() + HUB_SECONDS
    try:
        with (
            httpx.Client(base_url=settings.hub_api_url, headers=headers, trust_env=False, timeout=30) as hub,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            list(pool.map(hub.delete, _servers(hub)))
            while _servers(hub) and time.monotonic() < until:
                time.sleep(POLL_SECONDS)
    except (httpx.HTTPError, ValueError, KeyError):
        return


def _servers(hub: httpx.Client) -> list[str]:
    people = hub.get("/users", params={"state": "active", "limit": 1000}).raise_for_status().json()
    return [
        f"/users/{person['name']}/servers/{name}" if name else f"/users/{person['name']}/server"
        for person in people
        for name in person["servers"]
    ]


def _end_rest(cluster: ClusterSettings) -> None:
    if lab_pods(cluster):
        kube_of(cluster).end(namespace=cluster.namespace, platform=cluster.platform)
    until = time.monotonic() + GONE_SECONDS
    while lab_pods(cluster) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
