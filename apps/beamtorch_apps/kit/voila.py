"""How a notebook server serves one app by Voila, as plain arguments; knows nothing but the standard library."""

from pathlib import Path, PurePosixPath

APPS = Path(__file__).parents[1]
JUPYTER = Path(__file__).parent / "jupyter"
"""A Jupyter data path (``voila/templates/beamtorch``) with a Jupyter configuration path in ``config``."""
IDLE_SECONDS = 600
"""After so long without a page a kernel ends; Voila's own request to end it can get lost with the page."""
LABEXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "anywidget")
OTHERS = ("jupyterlab", "jupyter_lsp", "jupyter_server_terminals", "notebook_shim", "beamtorch_labextensions")


def voila_arguments(app: str, language: str) -> list[str]:
    """Return the arguments with which a Jupyter server (also ``jupyterhub-singleuser``) serves an app, and only that.

    Parameters
    ----------
    app
        The notebook below ``beamtorch_apps``, such as ``ct/ct.ipynb``.
    language
        Language tag; the page starts in it.
    """
    notebook = APPS / app
    query = "zh" if language.lower().startswith("zh") else "en"
    extensions = ", ".join([*(f'"{name}": False' for name in OTHERS), '"voila.server_extension": True'])
    return [
        f"--ServerApp.root_dir={notebook.parent}",
        f"--ServerApp.default_url=/voila/render/{PurePosixPath(app).name}?language={query}",
        f"--ServerApp.jpserver_extensions={{{extensions}}}",
        "--ServerApp.terminals_enabled=False",
        f"--MappingKernelManager.cull_idle_timeout={IDLE_SECONDS}",
        f"--MappingKernelManager.cull_interval={IDLE_SECONDS // 10}",
        "--MappingKernelManager.cull_connected=False",
        "--VoilaConfiguration.template=beamtorch",
        "--VoilaConfiguration.allow_template_override=NO",
        "--VoilaConfiguration.strip_sources=True",
        *(f"--VoilaConfiguration.extension_allowlist={name}" for name in LABEXTENSIONS),
    ]


def voila_environment(given: dict[str, str]) -> dict[str, str]:
    """Return variables with which Jupyter finds our template and our Voila settings."""
    return {
        "JUPYTER_PATH": _before(JUPYTER, given.get("JUPYTER_PATH", "")),
        "JUPYTER_CONFIG_PATH": _before(JUPYTER / "config", given.get("JUPYTER_CONFIG_PATH", "")),
        "JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp",
    }


def _before(first: Path, others: str) -> str:
    return f"{first}:{others}" if others else str(first)
