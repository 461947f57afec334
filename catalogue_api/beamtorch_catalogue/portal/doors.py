"""The portal's addresses: who looks, which page, and every refusal as a page of its own."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jinja2
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.datastructures import QueryParams

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.portal.addresses import asked, back_to, link
from beamtorch_catalogue.portal.asking import limits_of, span_of
from beamtorch_catalogue.portal.finding import mended
from beamtorch_catalogue.portal.landing import Landing
from beamtorch_catalogue.portal.view import Portal
from beamtorch_catalogue.query import QueryError
from beamtorch_catalogue.sending import OpenFileResponse
from beamtorch_catalogue.services.readers import Reader, Readers
from beamtorch_catalogue.services.search import Wish
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identifier import MalformedNameError
from beamtorch_facility.look import TEMPLATES as LOOK_TEMPLATES
from beamtorch_facility.look import written
from beamtorch_facility.words import Words
from beamtorch_service.login import HubLogin

_HERE = Path(__file__).parent
_ASSETS = frozenset({"portal.css", "portal.js"})
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_LOOK_SECONDS = 300
_FIELDS = frozenset({"energy_low", "energy_high", "from", "to"})
"""Fields beside the list, which become terms of the query."""


class _NoSuchPageError(CatalogueError):
    """An address that cannot belong to a dataset."""

    code = "no-such-page"
    status = 404
    title = Words(en="No such dataset for you", zh="没有您可读的此数据集")


def portal_router(*, portal: Portal, readers: Readers, login: HubLogin, landing: Landing | None = None) -> APIRouter:
    """Return the pages below the service's prefix: the search at ``/``, a dataset at ``/page/{id}``.

    Parameters
    ----------
    portal
        What the pages ask.
    readers
        Turns the Hub's caller into a reader.
    login
        Knows the browser's cookie, and sends browsers without one to the Hub.
    landing
        The page behind an identifier, at ``/pid/…``, which needs no signing in.
    """
    router = APIRouter(include_in_schema=False)
    frame = _Frame(portal=portal, readers=readers, login=login)
    _add_downloads(router, frame, portal)
    if landing is not None:
        landing.add(router, frame)

    @router.get("/")
    async def search(request: Request) -> Response:
        async def answer(reader: Reader) -> Response:
            return await _search(frame, portal, reader, request.query_params)

        return await frame.answer(request, answer)

    @router.get("/page/{dataset}")
    async def page(request: Request, dataset: str) -> Response:
        async def answer(reader: Reader) -> Response:
            return await _page(frame, portal, reader, request, _dataset_id(dataset))

        return await frame.answer(request, answer)

    @router.get("/quick/{dataset}")
    async def quick(request: Request, dataset: str) -> Response:
        async def answer(reader: Reader) -> Response:
            shown = await to_thread.run_sync(portal.showing.show, reader, _dataset_id(dataset))
            return frame.html("quick.html", reader, shown=shown)

        return await frame.answer(request, answer)

    @router.get("/portal-assets/{name}")
    async def asset(name: str) -> Response:
        if name not in _ASSETS:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return FileResponse(_HERE / "assets" / name, headers={"Cache-Control": f"public, max-age={_LOOK_SECONDS}"})

    return router


def _add_downloads(router: APIRouter, frame: "_Frame", portal: Portal) -> None:
    """Add the files of a dataset: as the REST API sends them, but a refusal is a page."""

    @router.get("/page/{dataset}/files/{path:path}")
    async def download(request: Request, dataset: str, path: str) -> Response:
        async def answer(reader: Reader) -> Response:
            opened = await portal.downloads.open(reader, _dataset_id(dataset), path)
            return OpenFileResponse(opened.file, opened.name, request.headers)

        return await frame.answer(request, answer)


class _Frame:
    """What every page of the portal has: who looks at it, the header, and refusals in place."""

    def __init__(self, *, portal: Portal, readers: Readers, login: HubLogin) -> None:
        self._portal, self._readers, self._login = portal, readers, login
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader([_HERE / "templates", LOOK_TEMPLATES]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        technique = portal.vocabulary.techniques
        self._pages.globals.update(written=written, labels=labels, technique=technique.label, icon_of=self._icon)

    @property
    def prefix(self) -> str:
        """Where the portal is."""
        return self._login.settings.prefix

    def _icon(self, technique: str) -> str:
        """Return the sign of a technique."""
        known = self._portal.vocabulary.techniques.get(technique)
        return known.icon if known and known.icon else "data"

    async def answer(self, request: Request, page: Callable[[Reader], Awaitable[Response]]) -> Response:
        """Answer a browser: sign it in first, and turn what is expected to go wrong into a page."""
        reader = None
        try:
            caller = await self._login.by_cookie(request)
            if caller is None:
                return self._login.send_to_hub(request)
            reader = await to_thread.run_sync(self._readers.reader, caller)
            return await page(reader)
        except BeamtorchError as error:
            return self.html("trouble.html", reader, status=error.status, error=error)

    def html(self, name: str, reader: Reader | None, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """Render a page."""
        settings = self._login.settings
        identity = reader.identity if reader else None
        hub, prefix = settings.hub_prefix, settings.prefix
        places = [("start", f"{hub}home", "Start", "启动"), ("data", prefix, "Data", "数据")]
        if identity is not None and identity.is_admin:
            places.append(("admin", f"{hub}admin", "Admin", "管理"))
        page = self._pages.get_template(name).render(
            facility=self._facility(),
            person=_person(reader),
            language=identity.language if identity and identity.language.startswith("zh") else "",
            places=places,
            hub_url=hub,
            look_url=f"{hub}look/",
            portal_url=prefix,
            **values,
        )
        return HTMLResponse(page, status_code=status, headers=_HEADERS)

    def _facility(self) -> Words:
        try:
            return self._portal.facility.name()
        except BeamtorchError:
            return Words(en="Data catalogue", zh="数据目录")


async def _search(frame: _Frame, portal: Portal, reader: Reader, given: QueryParams) -> Response:
    wanted = asked(given)
    if not _FIELDS.isdisjoint(given):
        wish = await to_thread.run_sync(_composed, portal, reader, wanted.first, given)
        return RedirectResponse(f"{frame.prefix}{link(wish)}", status_code=HTTPStatus.SEE_OTHER)
    try:
        is_alone = given.get("alone") == "1"
        found = await to_thread.run_sync(partial(portal.finding.find, reader, wanted, alone=is_alone))
    except QueryError as error:
        chips = portal.finding.chips_of_filters(wanted)
        values = {"found": None, "chips": chips, "error": error, "mended": mended(wanted, error)}
        return frame.html("search.html", reader, status=error.status, wish=wanted.wish, **values)
    return frame.html("search.html", reader, found=found, chips=found.chips, wish=wanted.wish, error=None, mended=None)


def _composed(portal: Portal, reader: Reader, wish: Wish, given: QueryParams) -> Wish:
    """Make the fields beside the list part of the query, which then has everything in its address."""
    energy = dates = None
    if "energy_low" in given or "energy_high" in given:
        energy = limits_of(given.get("energy_low", ""), given.get("energy_high", ""), given.get("energy_unit", ""))
    if "from" in given or "to" in given:
        dates = span_of(given.get("from", ""), given.get("to", ""))
    return portal.finding.composed(reader, wish, energy=energy, dates=dates)


async def _page(frame: _Frame, portal: Portal, reader: Reader, request: Request, dataset: DatasetId) -> Response:
    showing, files_after = portal.showing, request.query_params.get("files") or None
    shown = await to_thread.run_sync(showing.show, reader, dataset)
    around = await to_thread.run_sync(showing.around, reader, dataset, files_after)
    back = back_to(request.headers.get("Referer", ""), frame.prefix)
    return frame.html("dataset.html", reader, shown=shown, around=around, back=back)


def _dataset_id(text: str) -> DatasetId:
    try:
        return DatasetId(text)
    except MalformedNameError as error:
        raise _NoSuchPageError(
            Words(
                en="This address does not belong to a dataset. Search for the name that you were given.",
                zh="此地址不对应任何数据集，请按您得到的名称检索。",
            )
        ) from error


def _person(reader: Reader | None) -> dict[str, str] | None:
    if reader is None:
        return None
    name = reader.identity.full_name if reader.identity else Words(en=reader.name, zh=reader.name)
    return {"en": name.en, "zh": name.zh, "initials": written.initials(name.en)}
