"""The page behind a persistent identifier: for everybody, without signing in, as much as its release allows.

The same address gives a page to people and records to programs, by what they accept (RFC 9110, section 12.5.1) or by
``?format=``; links in its header name the others (https://signposting.org/FAIR/).
"""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import HTMLResponse

from beamtorch_catalogue.citing.citation import citation
from beamtorch_catalogue.citing.forms import Form, written
from beamtorch_catalogue.citing.schema_org import json_ld
from beamtorch_catalogue.citing.work import Stage, Work
from beamtorch_catalogue.portal import labels
from beamtorch_catalogue.services.landings import Found, Landings, NoSuchPidError
from beamtorch_catalogue.services.readers import Reader
from beamtorch_facility.clock import Clock
from beamtorch_facility.look.written import quantity
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words
from beamtorch_service.frame import problem_response

_HTML = "text/html"
_OFFERED = {_HTML: None, **{form.media_type: form for form in Form}, "application/json": Form.JSONLD}
_UNLISTED = {"X-Robots-Tag": "noindex"}


class Frame(Protocol):
    """What every page of the portal has around it."""

    def html(self, name: str, reader: Reader | None, *, status: int = ..., **values: object) -> HTMLResponse:
        """Render a page."""
        ...


@dataclass(frozen=True)
class Landing:
    """The page behind an identifier."""

    landings: Landings
    clock: Clock

    def add(self, router: APIRouter, frame: Frame) -> None:
        """Add it to the pages of the portal."""

        @router.api_route("/pid/{pid:path}", methods=["GET", "HEAD"])
        async def landing(request: Request, pid: str) -> Response:
            return await self._answer(request, pid, frame)

    async def _answer(self, request: Request, pid: str, frame: Frame) -> Response:
        asked = request.query_params.get("format")
        form = _form(asked) if asked else preferred(request.headers.get("Accept", ""))
        try:
            found = await to_thread.run_sync(self.landings.find, pid)
        except NoSuchPidError as error:
            if form is not None:
                return _open(problem_response(error), None)
            return _open(frame.html("trouble.html", None, status=error.status, error=error), None)
        today = self.clock.now().date()
        if form is not None:
            return _open(Response(written(found.work, form, today), media_type=form.media_type), found.work)
        page = frame.html(
            "landing.html",
            None,
            found=found,
            work=found.work,
            cited=citation(found.work, today),
            embedded=_embedded(found.work),
            groups=_groups(found),
            forms=Form,
        )
        return _open(page, found.work)


def preferred(accept: str) -> Form | None:
    """Return the form that is wanted most; None for a page, which whoever accepts anything gets."""
    best, form, found = 0.0, None, False
    for part in accept.split(","):
        name, _, parameters = part.partition(";")
        media_type = name.strip().lower()
        if media_type not in _OFFERED and media_type not in {"*/*", "text/*"}:
            continue
        weight = _weight(parameters)
        if weight > best:
            best, form, found = weight, _OFFERED.get(media_type), True
    return form if found else None


def _weight(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value.strip()), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _form(asked: str) -> Form | None:
    return Form(asked) if asked in set(Form) else None


def _open(response: Response, work: Work | None) -> Response:
    """Let caches ask each time, since tomorrow more may be told; keep out of search engines what tells nothing."""
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept"
    if work is None or work.stage is Stage.WITHHELD:
        response.headers.update(_UNLISTED)
    if work is not None and response.status_code == HTTPStatus.OK:
        links = [f'<{work.url}>; rel="cite-as"']
        links += [f'<{work.url}?format={form.value}>; rel="describedby"; type="{form.media_type}"' for form in Form]
        response.headers["Link"] = ", ".join(links)
    return response


def _embedded(work: Work) -> Markup:
    """Return the JSON-LD for a script element; nothing in it can end that element."""
    text = json.dumps(json_ld(work), ensure_ascii=False, indent=1)
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return Markup(safe)  # noqa: S704 - every character that HTML looks at has been replaced


def _groups(found: Found) -> list[tuple[Words, list[tuple[Words, str]]]]:
    left = dict(found.parameters or {})
    groups = []
    for title, names in labels.GROUPS:
        rows = [(label, _written(left.pop(name))) for name, label in names.items() if name in left]
        if rows:
            groups.append((title, rows))
    if left:
        rows = [(labels.parameter(name), _written(value)) for name, value in sorted(left.items())]
        groups.append((labels.FURTHER, rows))
    return groups


def _written(value: Quantity | str) -> str:
    return quantity(value) if isinstance(value, Quantity) else value
