"""A small catalogue on loopback that keeps state and speaks the wire of the real one.

It has one person and one token; its queries know words and one range of energy in keV.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import TypeAdapter

from beamtorch_catalogue.wire import Attachment, AttachmentRequest, Count, Dataset, DatasetPage, DatasetSummary
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words

TOKEN = "fake-catalogue-token"  # noqa: S105 - opens nothing but the fake
_RANGE = re.compile(r"(?:energy[\s:]+)?(\d+(?:\.\d+)?)\.\.(\d+(?:\.\d+)?)\s*(\w+)?")


class NoSuchDatasetError(BeamtorchError):
    """Neither the dataset nor a right to it."""

    code = "no-such-dataset"
    status = 404
    title = Words(en="There is no such dataset for you", zh="没有您可见的此数据集")


class UnknownUnitError(BeamtorchError):
    """A unit of nothing."""

    code = "unknown-unit"
    status = 422
    title = Words(en="This unit is not known", zh="无法识别单位")


class NotLoggedInError(BeamtorchError):
    """A wrong token."""

    code = "not-logged-in"
    status = 403
    title = Words(en="Log in first", zh="请先登录")


@dataclass
class FakeCatalogue:
    """What the catalogue holds; tests change it at will."""

    datasets: dict[DatasetId, Dataset] = field(default_factory=dict)
    attachments: dict[DatasetId, Attachment] = field(default_factory=dict)
    thumbnails: dict[DatasetId, bytes] = field(default_factory=dict)
    trouble: BeamtorchError | None = None
    """Answered to everything while it is set."""
    gate: threading.Event = field(default_factory=threading.Event)
    """No answer leaves while it is not set."""
    url: str = ""

    def add(self, *datasets: Dataset) -> None:
        """Catalogue datasets."""
        self.datasets |= {dataset.id: dataset for dataset in datasets}

    @property
    def environment(self) -> dict[str, str]:
        """What a lab has to know."""
        return {"BEAMTORCH_CATALOGUE_URL": self.url, "JUPYTERHUB_API_TOKEN": TOKEN}

    # -- the answers ---------------------------------------------------------------------------------

    def _found(self, query: str) -> list[Dataset]:
        """Find by words and one range of energy."""
        match = _RANGE.search(query)
        if match and match[3] != "keV":
            raise UnknownUnitError(
                Words(
                    en=f"“{match[3]}” is not a unit here. Did you mean keV?",
                    zh=f"无法识别单位“{match[3]}”，您是指 keV 吗？",
                )
            )
        words = _RANGE.sub(" ", query).lower().split()
        found = [self._marked(d) for d in self.datasets.values() if _has(d, words) and (not match or _in(d, match))]
        found.sort(key=lambda dataset: str(dataset.measured_at), reverse=True)
        return found

    def search(self, query: str, limit: int, after: str | None) -> DatasetPage:
        """Answer one page, and how many there are as far as it shows that."""
        found = self._found(query)
        first = int(after or 0)
        rest = len(found) > first + limit
        summaries = (
            DatasetSummary(**d.model_dump(include=set(DatasetSummary.model_fields))) for d in found[first:][:limit]
        )
        return DatasetPage(
            datasets=tuple(summaries),
            total=min(first + limit, len(found)),
            total_is_capped=rest,
            next=str(first + limit) if rest else None,
            advice=None
            if found or not query
            else Words(en=f"Without “{query}” there are more.", zh=f"去掉“{query}”还有更多。"),
        )

    def count(self, query: str) -> Count:
        """Answer how many there are."""
        return Count(total=len(self._found(query)), total_is_capped=False)

    def dataset(self, dataset: str) -> Dataset:
        """Answer one, or say that there is none for this person."""
        if dataset not in self.datasets:
            raise NoSuchDatasetError(
                Words(
                    en=f"There is no dataset {dataset} that you may see. Ask your principal investigator.",
                    zh=f"没有您可见的数据集 {dataset}。请联系课题负责人。",
                )
            )
        return self._marked(self.datasets[DatasetId(dataset)])

    def record(self, request: AttachmentRequest) -> Attachment:
        """Note an attachment."""
        found = self.dataset(request.dataset)
        noted = Attachment(
            dataset=found.id, name=found.name, path=request.path, attached_at=datetime.now(UTC), state=found.state
        )
        self.attachments[found.id] = noted
        return noted

    def _marked(self, dataset: Dataset) -> Dataset:
        attachment = self.attachments.get(dataset.id)
        return dataset.model_copy(update={"attached_at": attachment.path if attachment else None})


def _has(dataset: Dataset, words: list[str]) -> bool:
    told = dataset.sample_description or Words(en="", zh="")
    text = " ".join((dataset.name, dataset.sample or "", dataset.technique, told.en, told.zh)).lower()
    return all(word in text for word in words)


def _in(dataset: Dataset, match: re.Match[str]) -> bool:
    return dataset.energy is not None and float(match[1]) <= dataset.energy.value <= float(match[2])


class _Door(BaseHTTPRequestHandler):
    """Translates HTTP into calls of the fake."""

    catalogue: ClassVar[FakeCatalogue]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        catalogue = self.catalogue
        catalogue.gate.wait()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.headers.get("Authorization") != f"token {TOKEN}":
                raise NotLoggedInError(Words(en="This token opens nothing here.", zh="该令牌在此无效。"))
            if catalogue.trouble:
                raise catalogue.trouble
            status, answer = self._route(urlsplit(self.path).path.strip("/").split("/"), body)
        except BeamtorchError as error:
            status, answer = error.status, error.problem()
        content = answer if isinstance(answer, bytes) else TypeAdapter(type(answer)).dump_json(answer)
        self.send_response(status)
        self.send_header("Content-Length", str(0 if status == 204 else len(content)))  # noqa: PLR2004 - no content
        self.end_headers()
        self.wfile.write(b"" if status == 204 else content)  # noqa: PLR2004 - no content

    def _route(self, path: list[str], body: bytes) -> tuple[int, Any]:  # noqa: PLR0911 - one for each route
        catalogue, query = self.catalogue, _query(self.path)
        match (self.command, *map(unquote, path)):
            case "GET", "datasets":
                return 200, catalogue.search(query.get("q", ""), int(query.get("limit", "25")), query.get("after"))
            case "GET", "datasets", "count":
                return 200, catalogue.count(query.get("q", ""))
            case "GET", "datasets", dataset:
                return 200, catalogue.dataset(dataset)
            case "GET", "datasets", dataset, "thumbnail.png" if dataset in catalogue.thumbnails:
                return 200, catalogue.thumbnails[DatasetId(dataset)]
            case "GET", "attachments":
                return 200, list(catalogue.attachments.values())
            case "POST", "attachments":
                return 201, catalogue.record(AttachmentRequest.model_validate_json(body))
            case "DELETE", "attachments", dataset:
                catalogue.attachments.pop(DatasetId(dataset), None)
                return 204, None
        raise NoSuchDatasetError(Words(en="There is nothing here.", zh="此处没有内容。"))


def _query(url: str) -> Mapping[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(url).query).items()}


@contextmanager
def fake_catalogue() -> Iterator[FakeCatalogue]:
    """Run an empty catalogue on a free port."""
    catalogue = FakeCatalogue()
    catalogue.gate.set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"catalogue": catalogue}))
    server.daemon_threads = True
    catalogue.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield catalogue
    finally:
        catalogue.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
