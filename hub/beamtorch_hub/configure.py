"""What a Beamtorch hub is: one function that turns our settings into JupyterHub's."""

from typing import Any

from beamtorch_hub.cluster.configuring import configure_labs
from beamtorch_hub.home_folders import HomeFolders
from beamtorch_hub.pages import add_pages
from beamtorch_hub.platform.ports import LOOPBACK
from beamtorch_hub.platform.separation import person_folders, program_folders
from beamtorch_hub.platform.sweep import MARK
from beamtorch_hub.settings import PlatformSettings
from beamtorch_hub.sign_in.settings import configure_sign_in
from beamtorch_spawner.hub_api import HUB_SCOPES

SERVICE_SECONDS = 10
"""How long the Hub waits for a service when it starts; the supervisor looks after the services themselves."""
LAB_SECONDS = 120
SLOW_SPAWN_SECONDS = 3
"""After that the browser sees the progress page instead of waiting."""
SPAWNER_CHECK_SECONDS = 5
OURS = ("access:services!service=catalogue", "access:services!service=spawner")

CONSOLE = ("access:services!service=spawner", "custom:torch:admin", "custom:torch:sourceip")
"""A control room's own console starts and stops for people, and knows at which terminal they sit."""

TORCH_SCOPES = {
    "custom:torch:admit": "Ask the spawner API for admissions and report on them, as the hub's spawner does",
    "custom:torch:admin": "Run the spawner API: quotas, terminals, everybody's servers",
    "custom:torch:read": "See everything that the spawner API tells about the platform",
    "custom:torch:sourceip": "Say from which address a start came",
}
"""JupyterHub demands that scopes of others begin with “custom:”."""


def configure(c: Any, settings: PlatformSettings) -> None:
    """Configure JupyterHub as the hub of a Beamtorch platform.

    Parameters
    ----------
    c
        The configuration object of JupyterHub (``get_config()``).
    settings
        What this platform is told.
    """
    _addresses(c, settings)
    _state(c, settings)
    _people(c, settings)
    _servers(c)
    if settings.cluster is None:
        _labs_on_this_machine(c, settings)
    else:
        configure_labs(c, cluster=settings.cluster, places=settings.places, ports=settings.ports)
    c.JupyterHub.services = _services(settings)
    c.JupyterHub.custom_scopes = {name: {"description": said} for name, said in TORCH_SCOPES.items()}
    c.JupyterHub.load_roles = _roles()
    c.JupyterHub.default_url = "/hub/home"
    add_pages(c, facility=settings.facility, directory=settings.places.directory)


def _addresses(c: Any, settings: PlatformSettings) -> None:
    c.JupyterHub.bind_url = f"http://{LOOPBACK}:{settings.ports.public}"
    c.JupyterHub.hub_bind_url = f"http://{settings.inner_host}:{settings.ports.hub}"
    c.JupyterHub.cleanup_proxy = False
    c.ConfigurableHTTPProxy.should_start = False
    c.ConfigurableHTTPProxy.api_url = f"http://{LOOPBACK}:{settings.ports.proxy_api}"
    c.ConfigurableHTTPProxy.auth_token = settings.tokens.proxy.get_secret_value()


def _state(c: Any, settings: PlatformSettings) -> None:
    c.JupyterHub.db_url = f"sqlite:///{settings.places.state / 'hub.sqlite'}"
    c.JupyterHub.upgrade_db = True
    c.JupyterHub.cookie_secret_file = str(settings.places.cookie_secret)
    # Our tokens are 256 random bits: they need no stretching against guessing.
    c.JupyterHub.trust_user_provided_tokens = True


def _people(c: Any, settings: PlatformSettings) -> None:
    configure_sign_in(c, settings.sign_in, settings.places, settings.public_url)
    c.JupyterHub.shutdown_on_logout = False


def _servers(c: Any) -> None:
    c.JupyterHub.spawner_class = "torch-local"
    c.JupyterHub.allow_named_servers = True
    # A hub that ends, in order or not, leaves labs alone and finds them again.
    c.JupyterHub.cleanup_servers = False
    c.JupyterHub.init_spawners_timeout = SPAWNER_CHECK_SECONDS
    c.JupyterHub.tornado_settings = {"slow_spawn_timeout": SLOW_SPAWN_SECONDS}
    # Five refused starts must not end the hub, whatever the version.
    c.Spawner.consecutive_failure_limit = 0
    c.Spawner.start_timeout = LAB_SECONDS
    c.Spawner.http_timeout = LAB_SECONDS


def _labs_on_this_machine(c: Any, settings: PlatformSettings) -> None:
    places = settings.places
    # Pods carry no mark: on a cluster of one machine the sweep of processes would find and end theirs.
    c.Spawner.env_keep.append(MARK)
    c.TorchLocalSpawner.as_person = settings.separation.is_on
    if settings.separation.is_on:
        c.TorchLocalSpawner.program_folders = [str(folder) for folder in program_folders()]
        c.TorchLocalSpawner.person_folders = [str(folder) for folder in person_folders(places)]
        c.TorchLocalSpawner.pre_spawn_hook = HomeFolders(places.directory, places.homes).before_start


def _services(settings: PlatformSettings) -> list[dict[str, Any]]:
    tokens, ports, host = settings.tokens, settings.ports, settings.inner_host
    return [
        _web_service("catalogue", host, ports.catalogue, tokens.catalogue.get_secret_value()),
        _web_service("spawner", host, ports.spawner, tokens.spawner.get_secret_value()),
        {"name": "torch", "api_token": tokens.torch.get_secret_value(), "display": False},
        {"name": "ingest", "api_token": tokens.ingest.get_secret_value(), "display": False},
        {"name": "console", "api_token": tokens.console.get_secret_value(), "display": False},
        {"name": "platform", "api_token": tokens.platform.get_secret_value(), "display": False, "admin": True},
    ]


def _web_service(name: str, host: str, port: int, token: str) -> dict[str, Any]:
    return {
        "name": name,
        "url": f"http://{host}:{port}",
        "api_token": token,
        "oauth_redirect_uri": f"/services/{name}/oauth_callback",
        "oauth_no_confirm": True,
        "display": False,
        "timeout": SERVICE_SECONDS,
    }


def _roles() -> list[dict[str, Any]]:
    return [
        {"name": "user", "description": "People, with the platform's services", "scopes": ["self", *OURS]},
        {
            "name": "server",
            "description": "Labs and apps, with the platform's services in their owner's name",
            "scopes": ["users:activity!user", "access:servers!server", *OURS],
        },
        {"name": "torch", "scopes": ["access:services!service=spawner", "custom:torch:admit"], "services": ["torch"]},
        {"name": "ingest", "scopes": ["access:services!service=catalogue"], "services": ["ingest"]},
        {"name": "console", "scopes": list(CONSOLE), "services": ["console"]},
        {"name": "spawner", "scopes": list(HUB_SCOPES), "services": ["spawner"]},
    ]
