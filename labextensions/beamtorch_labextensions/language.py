"""The lab opens in the language that the person chose at the facility, until they choose another in the lab itself."""

import os
from collections.abc import MutableMapping
from pathlib import Path

_DEFAULTS = Path(__file__).parent / "defaults"


def offer_language(environment: MutableMapping[str, str]) -> None:
    """Layer the settings for ``BEAMTORCH_LANGUAGE`` under the person's own.

    JupyterLab reads defaults from every folder of ``JUPYTER_CONFIG_PATH``; what the person sets in the lab wins.
    """
    if not environment.get("BEAMTORCH_LANGUAGE", "").lower().startswith("zh"):
        return
    paths = [path for path in environment.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep) if path]
    chinese = str(_DEFAULTS / "zh_CN")
    if chinese not in paths:
        environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join([*paths, chinese])
