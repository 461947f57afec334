"""Small pictures of datasets: drawn in the name of who first asks, kept in a folder that may be emptied at any time."""

import asyncio
import logging
import os
import tempfile
from pathlib import Path

import xxhash
from anyio import to_thread

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.tasks import THUMBNAIL
from beamtorch_catalogue.wire import Dataset
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_identity.reader.client import Reader as FileReader
from beamtorch_identity.reader.errors import FileRefusedError, ReaderError, TaskFailedError

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""How long a request waits for its turn to draw; the browser then goes without and asks again later."""


_MOST_FILES = 100
"""In which a picture is sought."""


class NoThumbnailError(CatalogueError):
    """A dataset of which no picture can be drawn."""

    code = "no-thumbnail"
    status = 404
    title = Words(en="No picture", zh="没有缩略图")


class Thumbnails:
    """Draws and keeps thumbnails; one is drawn at a time, so that they never take the machine.

    A picture is kept for the person in whose name it was drawn: somebody else may not be allowed to read its file.
    """

    def __init__(self, *, datasets: Datasets, files: FileReader, cache: Path) -> None:
        self._datasets, self._files, self._cache = datasets, files, cache
        self._turn = asyncio.Semaphore(1)

    async def png(self, reader: Reader, dataset: DatasetId) -> bytes:
        """Return the picture of a dataset that the reader may read; raise `NoThumbnailError` if there is none."""
        found = await to_thread.run_sync(self._datasets.dataset, reader, dataset)
        person = reader.person.username
        kept = self._cache / f"{found.id}-{_version(found)}-{person}.png"
        try:
            picture = await to_thread.run_sync(kept.read_bytes)
        except OSError:
            picture = await self._draw(found, person, kept)
        if not picture:
            raise _none(found)
        return picture

    async def _draw(self, dataset: Dataset, person: Username, kept: Path) -> bytes:
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise _none(dataset) from error
        try:
            picture = await self._picture(dataset, person)
        finally:
            self._turn.release()
        try:
            await to_thread.run_sync(_keep, kept, picture)
        except OSError as error:
            log.warning("the thumbnail of %s was not kept: %s", dataset.id, error)
        return picture

    async def _picture(self, dataset: Dataset, person: Username) -> bytes:
        """Return a PNG, or nothing for a dataset without one; what may be otherwise tomorrow is not kept."""
        files = [file.path for file in dataset.files[:_MOST_FILES]]
        given = {"files": files, "beamline": dataset.beamline, "beamtime": dataset.beamtime}
        try:
            return await self._files.work(person, THUMBNAIL, given)
        except TaskFailedError:
            return b""
        except FileRefusedError as error:
            raise _none(dataset) from error
        except ReaderError as error:
            log.warning("no thumbnail of %s: %s", dataset.id, error)
            raise _none(dataset) from error


def _version(dataset: Dataset) -> str:
    stamp = "\n".join(f"{file.path} {file.size} {file.state}" for file in dataset.files[:_MOST_FILES])
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
