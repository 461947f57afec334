"""What the panel asks for, done with the person's own token and under their own rights. All of it may block."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from beamtorch_catalogue.attach import attach, detach
from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.wire import Attachment, Count, Dataset, DatasetPage, DatasetState
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words
from beamtorch_labextensions.column_text import read_column_head
from beamtorch_labextensions.loader_code import is_column_file, loader_code, start_of
from beamtorch_labextensions.wire import AttachedDataset, AttachedDatasets, AttachRequest, LoaderCode


@dataclass
class Session:
    """One person's lab: their home and their view of the catalogue."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _client: CatalogueClient | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def client(self) -> CatalogueClient:
        """The one client, made at first need so that a lab without a catalogue still starts."""
        with self._lock:
            if self._client is None:
                self._client = CatalogueClient.from_environment(self.environment)
            return self._client

    def close(self) -> None:
        """Give the connection back."""
        if self._client is not None:
            self._client.close()

    def search(self, query: str, limit: int, after: str | None) -> DatasetPage:
        """Find datasets."""
        return self.client.search(query, limit=limit, after=after)

    def count(self, query: str) -> Count:
        """Tell how many datasets there are."""
        return self.client.count(query)

    def dataset(self, dataset: DatasetId) -> Dataset:
        """Tell everything about one dataset."""
        return self.client.dataset(dataset)

    def thumbnail(self, dataset: DatasetId) -> bytes:
        """Return the small picture of a dataset (PNG)."""
        return self.client.thumbnail(dataset)

    def attached(self) -> AttachedDatasets:
        """List what is attached, each with what is wrong with it in this home."""
        return AttachedDatasets(attachments=tuple(self._judge(one) for one in self.client.attachments()))

    def attach(self, request: AttachRequest) -> AttachedDataset:
        """Make a dataset appear in the home."""
        even = request.even_if_incomplete
        return self._judge(attach(self.client, request.dataset, self.home, even_if_incomplete=even))

    def detach(self, dataset: DatasetId) -> None:
        """Take a dataset out of the home; its files stay where they are."""
        detach(self.client, dataset, self.home)

    def loader_code(self, dataset: DatasetId, language: str) -> LoaderCode:
        """Write the cell that reads a dataset."""
        found = self.client.dataset(dataset)
        folder = self._shown(found.attached_at) if found.attached_at else PurePosixPath(found.folder)
        start = start_of(found, folder)
        path = self._absolute(str(start.path))
        head = read_column_head(path) if is_column_file(start.file) else None
        return LoaderCode(
            code=loader_code(found, start, language, head), path=str(path), shown_path=str(self._shown(str(path)))
        )

    def _absolute(self, shown: str) -> Path:
        return self.home / shown[2:] if shown.startswith("~/") else Path(shown)

    def _shown(self, path: str) -> PurePosixPath:
        whole = PurePosixPath(path)
        return "~" / whole.relative_to(self.home) if whole.is_relative_to(self.home) else whole

    def _judge(self, attachment: Attachment) -> AttachedDataset:
        return AttachedDataset(**attachment.model_dump(), problem=self._problem(attachment))

    def _problem(self, attachment: Attachment) -> Words | None:
        link = self._absolute(attachment.path)
        shown = self._shown(str(link))
        if not link.is_symlink():
            return Words(
                en=f"The link {shown} is gone from your home. Attach the dataset again, or detach it.",
                zh=f"您的家目录中已没有链接 {shown}。请重新挂接，或取消挂接。",
            )
        if not link.exists() or attachment.state is DatasetState.MISSING:
            return Words(
                en=f"The files behind {shown} are gone. Ask the beamline staff, or detach it.",
                zh=f"{shown} 指向的文件已不存在。请联系线站人员，或取消挂接。",
            )
        if not os.access(link, os.R_OK | os.X_OK):
            return Words(
                en=f"You may no longer read {shown}. Ask the principal investigator, or detach it.",
                zh=f"您已无权读取 {shown}。请联系课题负责人，或取消挂接。",
            )
        if attachment.state is DatasetState.BROKEN:
            return Words(
                en=f"A file of {attachment.name} is damaged; its page in the catalogue says which.",
                zh=f"{attachment.name} 中有文件损坏，详见数据目录中的数据集页面。",
            )
        return None
