"""What a hub with labs in a cluster is told about them: pure, settings in, JupyterHub's configuration out."""

from pathlib import Path
from typing import Any

from beamtorch_hub.cluster.settings import ClusterSettings
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.home_folders import HomeFolders
from beamtorch_hub.platform.ports import Ports

START_SECONDS = 300
"""An image that a node does not have yet takes its time."""
DATA, HOMES = "data", "homes"


def configure_labs(c: Any, *, cluster: ClusterSettings, places: PlatformHome, ports: Ports) -> None:
    """Configure TorchSpawner for a platform on one machine with labs in a cluster."""
    c.JupyterHub.spawner_class = "torch"
    c.Spawner.start_timeout = START_SECONDS
    spawner = c.TorchSpawner
    spawner.namespace = cluster.namespace
    spawner.image = cluster.lab_image
    spawner.image_pull_policy = "IfNotPresent"
    spawner.promised_cores = cluster.promised_cores
    spawner.volumes = volumes(cluster, places)
    spawner.volume_mounts = mounts(places)
    # Pods cannot reach the loopback address that people's browsers use; these win over what a grant says.
    spawner.environment = {
        f"BEAMTORCH_{name.upper()}_URL": f"http://{cluster.address}:{port}/services/{name}/"
        for name, port in (("catalogue", ports.catalogue), ("spawner", ports.spawner))
    }
    if cluster.uses_folders:
        spawner.pre_spawn_hook = HomeFolders(places.directory, places.homes).before_start


def volumes(cluster: ClusterSettings, places: PlatformHome) -> list[dict[str, Any]]:
    """Return the volumes of every pod: data and homes, from this machine or from claims."""
    if cluster.data_claim is not None and cluster.homes_claim is not None:
        return [_claim(DATA, cluster.data_claim), _claim(HOMES, cluster.homes_claim)]
    return [_folder(DATA, places.data), _folder(HOMES, places.homes)]


def mounts(places: PlatformHome) -> list[dict[str, Any]]:
    """Return where they appear: where they are on this machine, so that every path means the same everywhere."""
    return [
        {"name": DATA, "mountPath": str(places.data)},
        {"name": HOMES, "mountPath": str(places.homes)},
    ]


def _folder(name: str, path: Path) -> dict[str, Any]:
    return {"name": name, "hostPath": {"path": str(path), "type": "Directory"}}


def _claim(name: str, claim: str) -> dict[str, Any]:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim}}
