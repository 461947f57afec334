"""The portal's addresses: who looks, which page, and every refusal as a page of its own."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import jinja2
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.portal.view import PAGE, Portal, link
from beamtorch_catalogue.query import QueryError
from beamtorch_catalogue.sending import OpenFileResponse
from beamtorch_catalogue.services.readers import Reader, Readers
from beamtorch_catalogue.services.search import Wish
from beamtorch_facility.dataset import DatasetId, DatasetKind
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


class _NoSuchPageError(CatalogueError):
    """An address that cannot belong to a dataset."""

    code = "no-such-page"
    status = 404
    title = Words(en="No such dataset for you", zh="没有您可读的此数据集")


def portal_router(*, portal: Portal, readers: Readers, login: HubLogin) -> APIRouter:
    """Return the pages below the service's prefix: the search at ``/``, a dataset at ``/page/{id}``.

    Parameters
    ----------
    portal
        What the pages ask.
    readers
        Turns the Hub's caller into a reader.
    login
        Knows the browser's cookie, and sends browsers without one to the Hub.
    """
    router = APIRouter(include_in_schema=False)
    frame = _Frame(portal=portal, readers=readers, login=login)
    _add_downloads(router, frame, portal)

    @router.get("/")
    async def search(
        request: Request,
        *,
        q: Annotated[str, Query(max_length=4000)] = "",
        kind: str = "",
        technique: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = PAGE,
        after: Annotated[str, Query(max_length=500)] = "",
    ) -> Response:
        wish = Wish(q=q.strip(), kind=_kind(kind), technique=technique or None, limit=limit, after=after or None)

        async def answer(reader: Reader) -> Response:
            return await _search(frame, reader, wish)

        return await frame.answer(request, answer)

    @router.get("/page/{dataset}")
    async def page(request: Request, dataset: str) -> Response:
        async def answer(reader: Reader) -> Response:
            return frame.html("dataset.html", reader, shown=await _show(portal, reader, dataset))

        return await frame.answer(request, answer)

    @router.get("/quick/{dataset}")
    async def quick(request: Request, dataset: str) -> Response:
        async def answer(reader: Reader) -> Response:
            return frame.html("quick.html", reader, shown=await _show(portal, reader, dataset))

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
        self._pages.globals.update(written=written, labels=labels)

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


async def _search(frame: _Frame, reader: Reader, wish: Wish) -> Response:
    try:
        found = await to_thread.run_sync(frame._portal.find, reader, wish)  # noqa: SLF001 - the frame is ours
    except QueryError as error:
        return frame.html(
            "search.html", reader, status=error.status, found=None, wish=wish, error=error, mended=_mended(wish, error)
        )
    return frame.html("search.html", reader, found=found, wish=wish, error=None, mended=None)


async def _show(portal: Portal, reader: Reader, dataset: str) -> Any:
    return await to_thread.run_sync(portal.show, reader, _dataset_id(dataset))


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


def _kind(given: str) -> DatasetKind | None:
    return DatasetKind(given) if given in set(DatasetKind) else None


def _mended(wish: Wish, error: QueryError) -> tuple[str, str] | None:
    """Return the query with what was probably meant, and its address."""
    meant, position = error.facts.get("suggestion"), error.facts.get("position")
    if not meant or position is None:
        return None
    q = wish.q[:position] + str(meant) + wish.q[position + int(error.facts.get("length", 0)) :]
    return q, link(Wish(q=q, kind=wish.kind, technique=wish.technique))


def _person(reader: Reader | None) -> dict[str, str] | None:
    if reader is None:
        return None
    name = reader.identity.full_name if reader.identity else Words(en=reader.name, zh=reader.name)
    return {"en": name.en, "zh": name.zh, "initials": written.initials(name.en)}
