"""The labs of a platform wherever they are: processes of this machine, or pods of a cluster."""

from collections.abc import Callable, Mapping

import yaml

from beamtorch_facility.errors import BeamtorchError
from beamtorch_hub.cluster.settings import ClusterChoices, ClusterSettings, ClusterWish
from beamtorch_hub.files import write_text
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform.record import read_labs
from beamtorch_hub.platform.sweep import end_labs
from beamtorch_hub.settings import PlatformSettings, read_choices

# The client of Kubernetes takes half a second to import and only labs in a cluster need it: it is imported when called.

Announce = Callable[[str], None]


def find_cluster(
    home: PlatformHome, wish: ClusterWish, surroundings: Mapping[str, str], announce: Announce
) -> ClusterSettings:
    """Return the cluster that labs go to from now on, and keep what was chosen."""
    from beamtorch_hub.cluster.resolving import resolve  # noqa: PLC0415

    choices = (read_choices(home) or ClusterChoices()).with_wish(wish)
    found = resolve(home, choices, surroundings, announce)
    kept = choices.model_dump(mode="json", exclude_none=True)
    write_text(home.cluster_choices, yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))
    announce(f"labs are pods in the namespace {found.namespace} of {found.server}")
    announce(
        f"the hub, the spawner and the catalogue listen on {found.address} for them, the web pages on loopback alone"
    )
    if alive := _pods(found):
        announce(f"{alive} running lab(s) found, left alone")
    return found


def tell_forgotten(home: PlatformHome, surroundings: Mapping[str, str], announce: Announce) -> None:
    """Say so if a start without a cluster leaves labs of an earlier one behind; a cluster that is gone holds none."""
    try:
        choices = read_choices(home)
        if choices is None:
            return
        from beamtorch_hub.cluster.kube import Kube  # noqa: PLC0415
        from beamtorch_hub.cluster.resolving import find_kubeconfig, platform_name  # noqa: PLC0415

        kube = Kube(choices.kubeconfig or find_kubeconfig(surroundings))
        pods = kube.pods(namespace=choices.namespace, platform=platform_name(home))
    except (BeamtorchError, ImportError):
        return
    if pods:
        announce(
            f"{len(pods)} lab(s) of this platform still run in the namespace {choices.namespace}, and this start "
            "forgets them; to keep or to end them, stop it now, then “beamtorch up --cluster”"
        )


def end(home: PlatformHome, announce: Announce) -> int:
    """End all labs; return how many there were."""
    local = len(end_labs(home))
    settings = _settings(home)
    if settings is None or settings.cluster is None:
        return local
    from beamtorch_hub.cluster.ending import end_pods  # noqa: PLC0415

    return local + end_pods(settings, announce)


def count(home: PlatformHome, announce: Announce) -> int:
    """Return how many labs run."""
    settings = _settings(home)
    local = len(read_labs(home))
    if settings is None or settings.cluster is None:
        return local
    try:
        return local + _pods(settings.cluster)
    except BeamtorchError as error:
        announce(error.detail.en)
        return local


def _pods(cluster: ClusterSettings) -> int:
    from beamtorch_hub.cluster.kube import lab_pods  # noqa: PLC0415

    return len(lab_pods(cluster))


def _settings(home: PlatformHome) -> PlatformSettings | None:
    try:
        return PlatformSettings.load(home)
    except BeamtorchError:
        return None
