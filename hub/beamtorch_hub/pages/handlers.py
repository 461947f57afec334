"""The Hub's doors to its pages: Start, and the files of the look."""

import asyncio
import sys
from pathlib import Path
from typing import Any

from jupyterhub import handlers as hub_handlers
from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LogoutHandler as HubLogoutHandler
from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.scopes import needs_scope
from tornado.web import HTTPError, StaticFileHandler, authenticated

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.look import ASSETS as LOOK_ASSETS
from beamtorch_hub.pages.board import lay_out, servers_of
from beamtorch_hub.pages.refusal import Refusal, explain
from beamtorch_spawner.admitted import peer_of

ASSETS = Path(__file__).parent / "assets"
_SERVICES = ("catalogue", "spawner")
"""Services of ours that sign a browser in (`beamtorch_service.login`)."""
_FRESH_SECONDS = 300
_KEPT_SECONDS = 86_400
_LONGEST_LEASE = 64


class AssetHandler(StaticFileHandler):
    """A file of the look: open to everybody, kept for minutes, asked again in the background after that."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - tornado's signature
        """Say how long the file may be kept."""
        self.set_header("Cache-Control", f"public, max-age={_FRESH_SECONDS}, stale-while-revalidate={_KEPT_SECONDS}")
        self.set_header("X-Content-Type-Options", "nosniff")


class HomeHandler(BaseHandler):
    """Leads to Start."""

    @authenticated
    async def get(self) -> None:
        """Show the Start page of whoever asks."""
        await _show_start(self, self.current_user)


class StartHandler(SpawnHandler):
    """Start: looking (GET) never starts anything, sending a card's form (POST) does, as in JupyterHub."""

    @authenticated
    async def get(self, user_name: str | None = None, server_name: str = "") -> None:
        """Show the Start page, for oneself or as an admin for somebody else."""
        await self._look(user_name=user_name or self.current_user.name, server_name=server_name)

    @needs_scope("servers")
    async def _look(self, user_name: str, server_name: str) -> None:  # noqa: ARG002 - the scope is checked for it
        await _show_start(self, _somebody(self, user_name))

    @authenticated
    def post(self, user_name: str | None = None, server_name: str = "", display_name: str = "") -> Any:
        """Start what the form names; JupyterHub has checked the form's seal by now, no spawner need see it."""
        self.request.body_arguments.pop("_xsrf", None)
        return super().post(user_name, server_name or "", display_name)

    async def _render_form(
        self,
        for_user: Any,
        spawner_options_form: str,  # noqa: ARG002 - JupyterHub's signature
        message: str = "",
        html_message: str = "",  # noqa: ARG002 - JupyterHub's signature
    ) -> str:
        """Show a refused start in place; JupyterHub calls this while it handles the error."""
        error = sys.exc_info()[1]
        server_name = self.path_args[1] if len(self.path_args) > 1 else ""
        spawner = for_user.spawners.get(server_name)
        started = getattr(spawner, "_spawn_future", None)
        if started is not None and started.done() and not started.cancelled() and started.exception() is not None:
            error = started.exception()
        refusal = explain(message, exception=error, status=self.get_status())
        return await _start_page(self, for_user, refusal=refusal)


class ExtendHandler(BaseHandler):
    """Lets one of the person's servers run longer; the form carries JupyterHub's seal like every other."""

    @authenticated
    async def post(self) -> None:
        """Extend the lease that the form names, and show Start again."""
        desk = self.settings["template_vars"]["lease_desk"](None)
        try:
            await desk.extend(self.current_user.name, _lease(self.get_body_argument("lease", "")))
        except BeamtorchError as error:
            self.set_status(error.status)
            refusal = explain(error.detail.en, exception=error, status=error.status)
            self.finish(await _start_page(self, self.current_user, refusal=refusal))
            return
        self.redirect(f"{self.hub.base_url}home")


class LogoutHandler(HubLogoutHandler):
    """Signs out of the platform's own services, too: the next person at this browser starts with nothing."""

    async def handle_logout(self) -> None:
        """Drop the cookies of the services; the Hub withdraws their tokens."""
        for service in _SERVICES:
            self.clear_cookie(f"beamtorch-{service}", path=f"{self.base_url}services/{service}/")


def extra_routes() -> list[tuple[str, Any, dict[str, str]]]:
    """Return the routes that JupyterHub does not have."""
    return [
        (r"/look/(.*)", AssetHandler, {"path": str(LOOK_ASSETS)}),
        (r"/pages/(.*\.(?:css|js|webp))", AssetHandler, {"path": str(ASSETS)}),
    ]


def lead_to_start() -> None:
    """Put our Start and sign-out in front of JupyterHub's own.

    JupyterHub looks at its own routes before ``extra_handlers``, and it would start a server on a mere GET with
    query arguments; its list of routes is the only place where both can be changed for every authenticator.
    """
    ours = [
        (r"/home", HomeHandler),
        (r"/logout", LogoutHandler),
        (r"/torch/extend", ExtendHandler),
        (r"/spawn", StartHandler),
        (r"/spawn/([^/]+)", StartHandler),
        (r"/spawn/([^/]+)/([^/]+)", StartHandler),
    ]
    routes = hub_handlers.default_handlers
    routes[:] = ours + [route for route in routes if route not in ours]


def _somebody(handler: BaseHandler, name: str) -> Any:
    user = handler.current_user if name == handler.current_user.name else handler.find_user(name)
    if user is None:
        raise HTTPError(404, f"No such user: {name}")
    return user


async def _show_start(handler: BaseHandler, for_user: Any) -> None:
    for spawner in list(for_user.spawners.values()):
        if spawner.ready:
            # A server that died is noticed here and not first at “Open”.
            await spawner.poll_and_notify()
    handler.finish(await _start_page(handler, for_user))


async def _start_page(handler: BaseHandler, for_user: Any, refusal: Refusal | None = None) -> str:
    offers = handler.settings["template_vars"]["offers"](None)
    desk = handler.settings["template_vars"]["lease_desk"](None)
    told, leases, here, quotas = await asyncio.gather(
        offers.now(),
        desk.active(for_user.name),
        desk.here(for_user.name, peer_of(handler)),
        desk.quotas(for_user.name),
    )
    wanted = handler.get_argument("environment", "")
    html = await handler.render_template(
        "start.html",
        for_user=for_user,
        board=lay_out(servers_of(for_user), told, wanted=wanted, leases=leases, here=here, quotas=quotas),
        dataset=_dataset(handler.get_argument("dataset", "")),
        refusal=refusal,
    )
    return str(html)


def _lease(given: str) -> str:
    """Return a lease's id, or one that no lease has for what cannot be one."""
    return given if given.isalnum() and given.isascii() and len(given) <= _LONGEST_LEASE else "none"


def _dataset(given: str) -> str:
    """Return a dataset's id, or nothing for what cannot be one: the page is worth more than the argument."""
    try:
        return str(DatasetId(given)) if given else ""
    except MalformedNameError:
        return ""
