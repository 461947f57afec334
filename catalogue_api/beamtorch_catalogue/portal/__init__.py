"""The catalogue in a browser: search, quick view, the page of a dataset. Server-rendered, with small scripts."""

from beamtorch_catalogue.portal.doors import portal_router
from beamtorch_catalogue.portal.landing import Landing
from beamtorch_catalogue.portal.view import Portal

__all__ = ["Landing", "Portal", "portal_router"]
