"""The cluster whose pods this platform looks after."""

from beamtorch_spawner.cluster.kubernetes import KubernetesCluster

__all__ = ["KubernetesCluster"]
