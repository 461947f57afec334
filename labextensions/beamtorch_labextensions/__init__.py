"""Beamtorch in JupyterLab: the server's REST below ``/beamtorch/``, the texts, and the built browser's half."""

from typing import Any


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Tell JupyterLab where the browser's half lies."""
    return [{"src": "labextension", "dest": "beamtorch-lab"}]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server which module to load."""
    return [{"module": "beamtorch_labextensions"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Put our handlers into a starting Jupyter Server."""
    # Imported here, so that asking for the texts (entry point jupyterlab.locale) costs nothing.
    from beamtorch_labextensions.extension import load  # noqa: PLC0415

    load(server)
