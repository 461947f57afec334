"""The configuration file that `beamtorch up` gives to JupyterHub."""

from beamtorch_hub.configure import configure
from beamtorch_hub.settings import PlatformSettings

configure(get_config(), PlatformSettings.from_environment())  # type: ignore[name-defined]  # noqa: F821 - JupyterHub's
