"""The catalogue as a program of a user sees it: one method per question, typed answers, errors in words."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import httpx

from beamtorch_catalogue.client._sync.changes import ChangesClient
from beamtorch_catalogue.client._sync.datasets import DatasetsClient
from beamtorch_catalogue.client._sync.office import OfficeClient
from beamtorch_catalogue.client._sync.publishing import PublishingClient
from beamtorch_catalogue.client.asking import connection, place_and_token
from beamtorch_catalogue.wire import Attachment, AttachmentRequest, FileState, KnownFilePage
from beamtorch_facility.dataset import DatasetId


class CatalogueClient(DatasetsClient, ChangesClient, OfficeClient, PublishingClient):
    """A connection to one catalogue in one person's name; use it as a context manager.

    Parameters
    ----------
    url
        The catalogue's address, such as ``http://127.0.0.1:8000/services/catalogue/``.
    token
        A token of the Hub that may use the catalogue, or a key of the catalogue.
    transport
        What carries the requests; none: the network.
    """

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(**connection(url, token), transport=transport)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Connect as the lab or app that runs this, by ``BEAMTORCH_CATALOGUE_URL`` and ``JUPYTERHUB_API_TOKEN``."""
        return cls(*place_and_token(environment))

    @property
    def address(self) -> str:
        """Where the catalogue is."""
        return str(self._http.base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    # -- files, for ingestors --------------------------------------------------------------------

    def known_files(self, below: str, *, after: str | None = None) -> KnownFilePage:
        """Return one page of the catalogued files in a folder, by path."""
        parameters = {"below": below} | ({"after": after} if after else {})
        return self._ask("GET", "files", KnownFilePage, params=parameters)

    def report_files(self, states: Iterable[FileState]) -> int:
        """Tell which catalogued files are gone or back; return how many changed."""
        return self._ask("POST", "files:state", int, body=list(states))

    # -- attachments -----------------------------------------------------------------------------

    def attachments(self) -> list[Attachment]:
        """Return what the caller attached."""
        return self._ask("GET", "attachments", list[Attachment])

    def record_attachment(self, dataset: DatasetId | str, path: str) -> Attachment:
        """Note that the caller linked a dataset at a path such as ``~/datasets/tooth``."""
        return self._ask(
            "POST", "attachments", Attachment, body=AttachmentRequest(dataset=DatasetId(dataset), path=path)
        )

    def forget_attachment(self, dataset: DatasetId | str) -> None:
        """Note that the caller's link is gone."""
        self._send("DELETE", f"attachments/{DatasetId(dataset)}")
