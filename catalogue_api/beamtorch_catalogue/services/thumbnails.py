"""Small pictures of datasets: drawn when first asked for, kept in a folder that may be emptied at any time."""

import logging
import os
import tempfile
import threading
from pathlib import Path

import xxhash

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.extract import picture_of
from beamtorch_catalogue.extract.picture import draw
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import Dataset
from beamtorch_facility.data_layout import DataLayout, OutsideDataError
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""How long a request waits for its turn to draw; the browser then goes without and asks again later."""


class NoThumbnailError(CatalogueError):
    """A dataset of which no picture can be drawn."""

    code = "no-thumbnail"
    status = 404
    title = Words(en="No picture", zh="没有缩略图")


class Thumbnails:
    """Draws and keeps thumbnails; one is drawn at a time, so that they never take the machine."""

    def __init__(self, *, datasets: Datasets, layout: DataLayout, cache: Path) -> None:
        self._datasets, self._layout, self._cache = datasets, layout, cache
        self._turn = threading.Semaphore(1)

    def png(self, reader: Reader, dataset: DatasetId) -> bytes:
        """Return the picture of a dataset that the reader may read; raise `NoThumbnailError` if there is none."""
        found = self._datasets.dataset(reader, dataset)
        kept = self._cache / f"{found.id}-{_version(found)}.png"
        try:
            picture = kept.read_bytes()
        except OSError:
            picture = self._draw(found, kept)
        if not picture:
            raise _none(found)
        return picture

    def _draw(self, dataset: Dataset, kept: Path) -> bytes:
        if not self._turn.acquire(timeout=WAIT_SECONDS):
            raise _none(dataset)
        try:
            picture = self._picture(dataset)
        finally:
            self._turn.release()
        try:
            _keep(kept, picture)
        except OSError as error:
            log.warning("the thumbnail of %s was not kept: %s", dataset.id, error)
        return picture

    def _picture(self, dataset: Dataset) -> bytes:
        """Return a PNG, or nothing for a dataset without one."""
        for file in dataset.files:
            path = Path(file.path)
            if not self._is_inside(path, dataset):
                continue
            try:
                picture = picture_of(path, lambda other: self._is_inside(other, dataset))
                if picture is not None:
                    return draw(picture)
            except Exception as error:  # noqa: BLE001 - a picture is never worth a fault; readers raise anything
                log.info("no thumbnail from %s: %s", path, error)
        return b""

    def _is_inside(self, path: Path, dataset: Dataset) -> bool:
        """Tell whether a file belongs to the beamtime, looked at again: a link may have been put in its place."""
        try:
            folder, _ = self._layout.locate(path)
        except (OutsideDataError, OSError, ValueError, RuntimeError):
            return False
        return (folder.beamline, folder.beamtime) == (dataset.beamline, dataset.beamtime)


def _version(dataset: Dataset) -> str:
    stamp = "\n".join(f"{file.path} {file.size} {file.state}" for file in dataset.files[:100])
    return xxhash.xxh3_64_hexdigest((stamp + dataset.state).encode())


def _keep(kept: Path, picture: bytes) -> None:
    kept.parent.mkdir(parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=kept.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(picture)
        Path(part).replace(kept)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise


def _none(dataset: Dataset) -> NoThumbnailError:
    return NoThumbnailError(
        Words(
            en=f"There is no picture of “{dataset.name}” now. Open the dataset in a lab to look at it.",
            zh=f"“{dataset.name}”暂无缩略图。请在实验环境中打开数据集查看。",
        )
    )
