"""The Hub's pages: sign-in, Start, waiting and errors, in the platform's look and in two languages."""

from pathlib import Path
from typing import Any

from beamtorch_facility.look import TEMPLATES as LOOK_TEMPLATES
from beamtorch_facility.words import Words
from beamtorch_hub.log_secrets import keep_secrets
from beamtorch_hub.pages.handlers import extra_routes, lead_to_start
from beamtorch_hub.pages.leases import LeaseDesk
from beamtorch_hub.pages.offers import Offers
from beamtorch_hub.pages.people import People
from beamtorch_hub.pages.refusal import explain
from beamtorch_hub.pages.sessions import EndedSessions, guard_sessions
from beamtorch_identity.opening import open_directory

TEMPLATES = Path(__file__).parent.parent / "templates"


def add_pages(c: Any, *, facility: Words, directory: Path) -> None:
    """Give a JupyterHub our pages instead of its own.

    Parameters
    ----------
    c
        JupyterHub's configuration object, as in ``jupyterhub_config.py``. The spawner API is found by
        ``BEAMTORCH_SPAWNER_URL`` and ``BEAMTORCH_SPAWNER_TOKEN`` in the environment of the Hub.
    facility
        Name of the facility, for the header of every page.
    directory
        The directory of people (YAML); knows the names behind the user names.
    """
    people = People(open_directory(directory, for_pages=True))
    offers = Offers.from_environment()
    desk = LeaseDesk.from_environment()
    keep_secrets()
    lead_to_start()
    guard_sessions(EndedSessions(desk.url, desk.token))
    c.JupyterHub.template_paths = [str(TEMPLATES), str(LOOK_TEMPLATES)]
    c.JupyterHub.extra_handlers = [*extra_routes()]
    # JupyterHub calls every callable here with the current user, so a function for templates is wrapped once more.
    c.JupyterHub.template_vars = {
        "facility": facility,
        "person": lambda user: people.greet(user),  # noqa: PLW0108 - JupyterHub copies all of a method's object
        "explain": lambda _: explain,
        "offers": lambda _: offers,
        "lease_desk": lambda _: desk,
        "announcement": None,
    }
