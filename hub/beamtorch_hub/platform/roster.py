"""Which processes a platform is made of: a pure function of its settings."""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import beamtorch_hub
from beamtorch_facility.words import Words
from beamtorch_hub.errors import ProgramMissingError
from beamtorch_hub.platform.children import SOCKET, ChildSpec
from beamtorch_hub.platform.ports import LOOPBACK
from beamtorch_hub.platform.separation import program_folders
from beamtorch_hub.platform.sweep import MARK
from beamtorch_hub.settings import HOME_VARIABLE, PlatformSettings
from beamtorch_identity.credentials import Credentials

PROXY = "configurable-http-proxy"
NAMES = ("proxy", "reader", "spawner", "catalogue", "hub")
TASKS = tuple(f"--task={name}=beamtorch_catalogue.tasks:{name}" for name in ("thumbnail", "readable"))


def roster(settings: PlatformSettings, surroundings: Mapping[str, str]) -> tuple[ChildSpec, ...]:
    """Return the processes of a platform in the order in which they are started."""
    basis = common_environment(settings, surroundings)
    return (
        _proxy(settings, basis),
        _reader(settings, basis),
        _service(settings, basis, name="spawner", port=settings.ports.spawner, own=_spawner_variables(settings)),
        _catalogue(settings, basis),
        _hub(settings, basis),
    )


def common_environment(settings: PlatformSettings, surroundings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that every process of a platform gets."""
    # A platform may be started from a lab's own terminal; the variables of that lab are not this platform's.
    foreign = ("JUPYTERHUB_", "JPY_", "CONFIGPROXY_", "BEAMTORCH_")
    environment = {name: value for name, value in surroundings.items() if not name.startswith(foreign)}
    here = ",".join(_near(settings))
    outside = environment.get("NO_PROXY") or environment.get("no_proxy")
    environment["NO_PROXY"] = environment["no_proxy"] = f"{outside},{here}" if outside else here
    environment["PATH"] = search_path(surroundings)
    environment["PYTHONUNBUFFERED"] = "1"
    environment[HOME_VARIABLE] = environment[MARK] = str(settings.home)
    return environment


def _near(settings: PlatformSettings) -> list[str]:
    """Return the hosts to which no web proxy of the surroundings is the way."""
    cluster = settings.cluster
    return [LOOPBACK, "localhost", *((cluster.address, urlsplit(cluster.server).hostname or "") if cluster else ())]


def search_path(surroundings: Mapping[str, str]) -> str:
    """Return where programs are sought: beside this Python first."""
    return f"{Path(sys.executable).parent}:{surroundings.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"


def demand_programs(path: str) -> None:
    """Refuse to start where the proxy or its Node is not installed."""
    for program in ("node", PROXY):
        if shutil.which(program, path=path) is None:
            raise ProgramMissingError(
                Words(
                    en=f"“{program}” is not installed. Run ./beamtorch from the source folder once: it installs it.",
                    zh=f"未安装“{program}”。请在源代码目录运行一次 ./beamtorch，它会自动安装。",
                )
            )


def _proxy(settings: PlatformSettings, basis: Mapping[str, str]) -> ChildSpec:
    token = settings.tokens.proxy.get_secret_value()
    ports = settings.ports
    program = shutil.which(PROXY, path=basis["PATH"]) or PROXY
    return ChildSpec(
        name="proxy",
        command=(
            *(program, "--ip", LOOPBACK, "--port", str(ports.public)),
            *("--api-ip", LOOPBACK, "--api-port", str(ports.proxy_api)),
            *("--error-target", f"http://{settings.inner_host}:{ports.hub}/hub/error", "--log-level", "warn"),
        ),
        environment={**basis, "CONFIGPROXY_AUTH_TOKEN": token},
        health_url=f"http://{LOOPBACK}:{ports.proxy_api}/api/routes",
        health_headers={"Authorization": f"token {token}"},
    )


def _reader(settings: PlatformSettings, basis: Mapping[str, str]) -> ChildSpec:
    places, uid = settings.places, settings.catalogue_uid
    # Without other users' numbers on this machine, everything here is one user's, and so is what is read.
    shown = tuple(f"--show={path}" for path in program_folders())
    rights = ("--own-rights",) if uid is None else ("--service-uid", str(uid), *shown)
    return ChildSpec(
        name="reader",
        command=(
            *(sys.executable, "-m", "beamtorch_identity.reader", "--socket", str(places.reader)),
            *("--root", str(places.data), "--directory", str(places.directory), *rights, *TASKS),
        ),
        # Its children are bounded in memory, which a pool of threads for linear algebra would reserve.
        environment={**basis, "OPENBLAS_NUM_THREADS": "1"},
        health_url=f"{SOCKET}{places.reader}",
    )


def _catalogue(settings: PlatformSettings, basis: Mapping[str, str]) -> ChildSpec:
    """Return the catalogue; where it can, it runs as a user of its own, who can read nobody's data."""
    own = _catalogue_variables(settings)
    spec = _service(settings, basis, name="catalogue", port=settings.ports.catalogue, own=own)
    uid, places = settings.catalogue_uid, settings.places
    if uid is None:
        return spec
    seen = (*program_folders(), places.directory.parent)
    own_folders = (places.catalogue, places.reader.parent)
    return replace(spec, command=Credentials(uid, uid).command(spec.command, read_only=seen, writable=own_folders))


def _hub(settings: PlatformSettings, basis: Mapping[str, str]) -> ChildSpec:
    configuration = Path(beamtorch_hub.__file__).with_name("jupyterhub_config.py")
    return ChildSpec(
        name="hub",
        command=(sys.executable, "-m", "jupyterhub", "-f", str(configuration)),
        environment={
            **basis,
            "BEAMTORCH_SPAWNER_URL": f"http://{settings.inner_host}:{settings.ports.spawner}/services/spawner/",
            "BEAMTORCH_SPAWNER_TOKEN": settings.tokens.torch.get_secret_value(),
            **({"KUBECONFIG": str(settings.cluster.kubeconfig)} if settings.cluster else {}),
        },
        health_url=f"http://{settings.inner_host}:{settings.ports.hub}/hub/health",
    )


def _service(
    settings: PlatformSettings, basis: Mapping[str, str], *, name: str, port: int, own: Mapping[str, str]
) -> ChildSpec:
    prefix = f"/services/{name}/"
    return ChildSpec(
        name=name,
        command=(sys.executable, "-m", f"beamtorch_{name}"),
        environment={
            **basis,
            **own,
            "JUPYTERHUB_SERVICE_NAME": name,
            "JUPYTERHUB_SERVICE_PREFIX": prefix,
            "JUPYTERHUB_SERVICE_URL": f"http://{settings.inner_host}:{port}",
            "JUPYTERHUB_API_URL": settings.hub_api_url,
            "JUPYTERHUB_API_TOKEN": getattr(settings.tokens, name).get_secret_value(),
            "JUPYTERHUB_BASE_URL": "/",
            "BEAMTORCH_DIRECTORY": str(settings.places.directory),
            "BEAMTORCH_DATA_ROOT": str(settings.places.data),
            "BEAMTORCH_PUBLIC_URL": settings.public_url,
        },
        health_url=f"http://{settings.inner_host}:{port}{prefix}health",
    )


def _spawner_variables(settings: PlatformSettings) -> dict[str, str]:
    cluster = settings.cluster
    of_cluster = (
        {
            "BEAMTORCH_PLATFORM": cluster.platform,
            "BEAMTORCH_NAMESPACE": cluster.namespace,
            "BEAMTORCH_KUBECONFIG": str(cluster.kubeconfig),
            **({"BEAMTORCH_DECLARE_PEOPLE": "1"} if cluster.admission_policy else {}),
        }
        if cluster
        else {}
    )
    return {
        **of_cluster,
        "BEAMTORCH_SPAWNER_DATABASE": f"sqlite:///{settings.places.state / 'spawner.sqlite'}",
        "BEAMTORCH_ENVIRONMENTS": str(settings.places.environments),
        "BEAMTORCH_HOMES": str(settings.places.homes),
        "BEAMTORCH_POLICY": str(settings.places.policy),
    }


def _catalogue_variables(settings: PlatformSettings) -> dict[str, str]:
    places = settings.places
    return {
        "BEAMTORCH_CATALOGUE_DATABASE": f"sqlite:///{places.catalogue / 'catalogue.sqlite'}",
        "BEAMTORCH_READER": str(places.reader),
        "BEAMTORCH_CATALOGUE_MODELS": str(places.models),
        "BEAMTORCH_CATALOGUE_POLICY": str(places.catalogue_policy),
        **({} if settings.catalogue_uid is None else {"HOME": str(places.catalogue)}),
    }
