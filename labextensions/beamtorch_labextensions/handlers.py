"""The doors below ``/beamtorch/``: each asks the session in a thread, so that no slow answer holds up a notebook."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from pydantic import BaseModel, ValidationError
from tornado.web import authenticated

from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_labextensions.errors import MalformedRequestError
from beamtorch_labextensions.session import Session
from beamtorch_labextensions.wire import AttachRequest

_Answer = TypeVar("_Answer")
_MOST = 100

_REFUSED = Words(
    en="The lab's server refused this. Reload the page; if that does not help, stop the lab and start it again.",
    zh="实验室服务器拒绝了该请求。请重新加载页面；如仍无效，请停止后重新启动实验室。",
)
_FAILED = Words(
    en="The lab's server could not do this; its log says why. Try again; if it fails again, tell the beamline staff.",
    zh="实验室服务器未能完成该操作，原因见其日志。请重试；若仍失败，请告知线站人员。",
)
_FIRST_SERVER_ERROR = 500


class Problems(JupyterHandler):
    """The part of a door that tells every failure as a problem document."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send every failure as a problem document; a traceback only reaches the log."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, BeamtorchError):
            problem = error.problem()
        else:
            detail = _FAILED if status_code >= _FIRST_SERVER_ERROR else _REFUSED
            problem = {"status": status_code, "detail": detail.en, "detail_zh": detail.zh}
        self.set_status(problem["status"])
        self.finish(json.dumps(problem, default=str), set_content_type="application/problem+json")

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Keep expected errors out of the log of failures."""
        if isinstance(value, BeamtorchError):
            self.log.info("%s: %s", value.code, value.detail.en)
        else:
            super().log_exception(typ, value, tb)


class BeamtorchHandler(Problems, APIHandler):
    """What our doors have in common: the session, and answers as JSON."""

    auth_resource = "beamtorch"

    def initialize(self, session: Session) -> None:
        """Take the session from the routes."""
        self.session = session

    async def ask(self, work: Callable[..., _Answer], *arguments: Any) -> _Answer:
        """Do blocking work in a thread."""
        return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)

    def tell(self, answer: BaseModel) -> None:
        """Send a model."""
        self.finish(answer.model_dump_json())


class SearchHandler(BeamtorchHandler):
    """The list of results."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer one page of datasets."""
        query = self.get_query_argument("q", "")
        after = self.get_query_argument("after", None)
        self.tell(await self.ask(self.session.search, query, _limit(self.get_query_argument("limit", "25")), after))


class CountHandler(BeamtorchHandler):
    """How many datasets there are."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer it, up to the catalogue's cap."""
        self.tell(await self.ask(self.session.count, self.get_query_argument("q", "")))


class DatasetHandler(BeamtorchHandler):
    """One dataset."""

    @authenticated
    @authorized
    async def get(self, dataset: str) -> None:
        """Answer everything about it."""
        self.tell(await self.ask(self.session.dataset, DatasetId(dataset)))


class ThumbnailHandler(BeamtorchHandler):
    """The small picture of a dataset."""

    @authenticated
    @authorized
    async def get(self, dataset: str) -> None:
        """Answer it as PNG; a browser may keep it, a dataset's picture seldom changes."""
        picture = await self.ask(self.session.thumbnail, DatasetId(dataset))
        self.set_header("Cache-Control", "private, max-age=300")
        self.finish(picture, set_content_type="image/png")


class AttachmentsHandler(BeamtorchHandler):
    """What is attached."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """List the attachments."""
        self.tell(await self.ask(self.session.attached))

    @authenticated
    @authorized
    async def post(self) -> None:
        """Attach the dataset that the body names."""
        try:
            request = AttachRequest.model_validate_json(self.request.body)
        except ValidationError as error:
            raise MalformedRequestError(
                Words(en='Send {"dataset": "<id>"}.', zh='请发送 {"dataset": "<id>"}。'), field="dataset"
            ) from error
        self.set_status(201)
        self.tell(await self.ask(self.session.attach, request))


class AttachmentHandler(BeamtorchHandler):
    """One attachment."""

    @authenticated
    @authorized
    async def delete(self, dataset: str) -> None:
        """Detach the dataset."""
        await self.ask(self.session.detach, DatasetId(dataset))
        self.set_status(204)
        self.finish()


class LoaderCodeHandler(BeamtorchHandler):
    """The cell that reads a dataset."""

    @authenticated
    @authorized
    async def get(self) -> None:
        """Answer code and path for the dataset of the query."""
        dataset = DatasetId(self.get_query_argument("dataset", ""))
        language = self.get_query_argument("language", "en")
        self.tell(await self.ask(self.session.loader_code, dataset, language))


def _limit(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= _MOST:
        return int(text)
    raise MalformedRequestError(
        Words(en=f"limit is a number from 1 to {_MOST}.", zh=f"limit 应为 1 到 {_MOST} 的整数。"), field="limit"
    )


# Path below the server's base, and who answers it.
ROUTES: tuple[tuple[str, type[BeamtorchHandler]], ...] = (
    (r"beamtorch/catalogue/datasets", SearchHandler),
    (r"beamtorch/catalogue/datasets/count", CountHandler),
    (r"beamtorch/catalogue/datasets/([^/]+)", DatasetHandler),
    (r"beamtorch/catalogue/datasets/([^/]+)/thumbnail\.png", ThumbnailHandler),
    (r"beamtorch/attachments", AttachmentsHandler),
    (r"beamtorch/attachments/([^/]+)", AttachmentHandler),
    (r"beamtorch/loader-code", LoaderCodeHandler),
)
