"""Loads the server's half into Jupyter Server: routes with one session, and the person's language."""

import os
from pathlib import Path
from typing import Any

from jupyter_server.utils import url_path_join

from beamtorch_labextensions.handlers import ROUTES
from beamtorch_labextensions.language import offer_language
from beamtorch_labextensions.session import Session
from beamtorch_labextensions.ssh.handler import ROUTES as SSH


def load(server: Any) -> None:
    """Add our routes below the server's base."""
    offer_language(os.environ)
    session = Session(home=Path.home())
    base = server.web_app.settings["base_url"]
    routes = [(url_path_join(base, path), handler, {"session": session}) for path, handler in (*ROUTES, *SSH)]
    server.web_app.add_handlers(".*$", routes)
    server.log.info("beamtorch: catalogue at %s", os.environ.get("BEAMTORCH_CATALOGUE_URL", "(none)"))
