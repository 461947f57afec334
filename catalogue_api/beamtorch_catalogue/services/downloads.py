"""Files of datasets as they are: for whom the catalogue shows the dataset, and the kernel the file."""

from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.services.datasets import Datasets
from beamtorch_catalogue.services.readers import Reader
from beamtorch_catalogue.wire import Dataset
from beamtorch_facility.data_layout import DataLayout
from beamtorch_facility.dataset import DatasetId
from beamtorch_facility.words import Words
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.client import OpenFile
from beamtorch_identity.reader.client import Reader as FileReader
from beamtorch_identity.reader.errors import PathRefusedError


class NoSuchFileError(CatalogueError):
    """A file that does not belong to the dataset."""

    code = "no-such-file"
    status = 404
    title = Words(en="No such file in this dataset", zh="此数据集中没有该文件")


@dataclass(frozen=True)
class Download:
    """An open file with the name to keep it under."""

    file: OpenFile
    name: str


class Downloads:
    """Opens files of datasets in a person's name."""

    def __init__(self, *, datasets: Datasets, layout: DataLayout, files: FileReader) -> None:
        self._datasets, self._layout, self._files = datasets, layout, files

    async def open(self, reader: Reader, dataset: DatasetId, name: str) -> Download:
        """Open a file of a dataset.

        Parameters
        ----------
        name
            Path of the file below the dataset's folder.

        Raises
        ------
        NoSuchDatasetError
            For a dataset that the reader may not see.
        NoSuchFileError
            If the catalogue knows no such file of it.
        ReaderError
            If the file cannot be opened in the person's name; the error says why.
        """
        found = await to_thread.run_sync(self._datasets.file, reader, dataset, name)
        if found is None:
            raise NoSuchFileError(
                Words(
                    en=f"The dataset {dataset} has no file of this name. Its page lists the files that it has.",
                    zh=f"数据集 {dataset} 中没有此名称的文件。其页面列出了所含文件。",
                )
            )
        path = Path(found.path)
        file = await self._files.open(reader.person.username, below(self._layout, path))
        return Download(file, path.name)


def below(layout: DataLayout, path: Path) -> PathBelow:
    """Return where a catalogued file lies below the root; raise `PathRefusedError` if it does not."""
    try:
        return PathBelow.of(path, layout.root)
    except PathRefusedError:
        # The root itself may be reached by a link, and the file be named by where that leads.
        return PathBelow.of(path, layout.root.resolve())


def name_of(dataset: Dataset, path: str) -> str:
    """Return the name that `Downloads.open` takes for a file of a dataset."""
    return path.removeprefix(f"{dataset.folder.rstrip('/')}/")
