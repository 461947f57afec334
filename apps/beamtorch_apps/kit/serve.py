"""Starts the Jupyter server of one app: ``python -m beamtorch_apps.kit.serve ct/ct.ipynb [more arguments]``.

Below JupyterHub it becomes the person's single-user server; elsewhere a plain server on loopback. The process is
replaced, so that whoever started it ends the server by its number.
"""

import os
import sys
from collections.abc import Sequence

from beamtorch_apps.kit.voila import APPS, voila_arguments, voila_environment


def main(argv: Sequence[str]) -> int:
    """Become the server."""
    if not argv or not (APPS / argv[0]).is_file():
        known = ", ".join(str(path.relative_to(APPS)) for path in sorted(APPS.glob("*/*.ipynb")))
        print(f"There is no app “{argv[0] if argv else ''}”. These are: {known}.", file=sys.stderr)  # noqa: T201
        return 2
    app, *more = argv
    os.environ.update(voila_environment(dict(os.environ)))
    module = "jupyterhub.singleuser" if os.environ.get("JUPYTERHUB_API_TOKEN") else "jupyter_server"
    words = voila_arguments(app, os.environ.get("BEAMTORCH_LANGUAGE", "en"))
    return os.execv(sys.executable, [sys.executable, "-m", module, *words, *more])  # noqa: S606 - no shell, our own words


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
