"""The code cell that reads a dataset: a pure function of what the catalogue knows about it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from beamtorch_catalogue.wire import Dataset, DatasetState, FileRecord
from beamtorch_facility.words import Words
from beamtorch_labextensions.column_text import ColumnHead

_MADE_BY = Words(en="made by the catalogue", zh="由数据目录生成")
_TOMOGRAPHY = frozenset({"data exchange", "nxtomo"})
_COLUMNS = {
    ".gr": ("r / Å", "G / Å⁻²"),
    ".fq": ("Q / Å⁻¹", "F / Å⁻¹"),
    ".sq": ("Q / Å⁻¹", "S"),
    ".iq": ("Q / Å⁻¹", "I"),
    ".chi": ("Q / Å⁻¹", "I"),
    ".xy": ("x", "I"),
    ".xye": ("x", "I"),
}
_HDF5 = frozenset({".h5", ".hdf5", ".hdf", ".nxs", ".nx5", ".cxi"})
_TIFF = frozenset({".tif", ".tiff"})
_PICTURES = frozenset({".png", ".jpg", ".jpeg"})
_CBF = frozenset({".cbf"})


@dataclass(frozen=True)
class Start:
    """The file of a dataset that a cell opens first."""

    file: FileRecord
    path: PurePosixPath
    """Where the session finds it, ``~`` for the home."""


def start_of(dataset: Dataset, folder: PurePosixPath) -> Start:
    """Choose the file to start with: the most telling format first, whole files before broken ones.

    Parameters
    ----------
    dataset
        As the catalogue tells it.
    folder
        Where the session finds the dataset's folder: the attached link, or the folder itself.
    """

    def order(file: FileRecord) -> tuple[int, bool]:
        rank = next(i for i, (matches, _) in enumerate(_KINDS) if matches(file))
        return rank, file.state is not DatasetState.COMPLETE

    file = min(dataset.files, key=order)
    path = PurePosixPath(file.path)
    inside = path.is_relative_to(dataset.folder)
    return Start(file, folder / path.relative_to(dataset.folder) if inside else path)


def loader_code(dataset: Dataset, start: Start, language: str, head: ColumnHead | None = None) -> str:
    """Return the text of the cell.

    Parameters
    ----------
    dataset, start
        The dataset and the file of it to open, from `start_of`.
    language
        Language tag of the comments.
    head
        What stands above the numbers of a column file, if it could be read.
    """
    write = next(write for matches, write in _KINDS if matches(start.file))
    facts = (dataset.name, dataset.proposal, _MADE_BY.within(language))
    return f"# {' · '.join(_one_line(fact) for fact in facts)}\n{write(start, head)}".rstrip("\n")


def is_column_file(file: FileRecord) -> bool:
    """Whether a file is text with two columns or more."""
    return _suffix(file) in _COLUMNS


def _suffix(file: FileRecord) -> str:
    return PurePosixPath(file.path).suffix.lower()


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _literal(path: PurePosixPath) -> str:
    # A JSON string is a Python string; names are free text and must neither end the literal nor the line.
    text = json.dumps(str(path), ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in text)


def _expanded(path: PurePosixPath) -> str:
    return f"Path({_literal(path)})" + (".expanduser()" if path.parts[0] == "~" else "")


def _tomography(start: Start, _head: ColumnHead | None) -> str:
    return f"""\
from beamtorch_apps.ct import find_axis, open_scan, reconstruct, show

scan = open_scan({_literal(start.path)})
row = scan.rows // 2
sinogram = scan.sinogram(row)
axis = find_axis(sinogram, scan.angles)
show(reconstruct(sinogram, scan.angles, axis.column))
"""


def _columns(start: Start, head: ColumnHead | None) -> str:
    x_label, y_label = _COLUMNS[_suffix(start.file)]
    x_label = (head and head.x_label) or x_label
    skip = f"skiprows={head.lines}, " if head and head.lines else ""
    return f"""\
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

path = {_expanded(start.path)}
x, y = np.loadtxt(path, {skip}usecols=(0, 1), unpack=True)

figure, axes = plt.subplots(figsize=(8, 4))
axes.plot(x, y, linewidth=1)
axes.set_xlabel("{x_label}")
axes.set_ylabel("{y_label}")
axes.set_title(path.name)
plt.show()
"""


def _hdf5(start: Start, _head: ColumnHead | None) -> str:
    return f"""\
from pathlib import Path

import h5py

path = {_expanded(start.path)}
with h5py.File(path) as file:
    file.visititems(lambda name, item: print(name, getattr(item, "shape", "")))
"""


def _picture(read: str, library: str) -> Callable[[Start, ColumnHead | None], str]:
    imports = "\n".join(sorted({"import matplotlib.pyplot as plt", "import numpy as np", library}))

    def write(start: Start, _head: ColumnHead | None) -> str:
        return f"""\
from pathlib import Path

{imports}

path = {_expanded(start.path)}
image = np.squeeze({read})
low, high = np.percentile(image, (1, 99))

plt.imshow(image, cmap="gray", vmin=low, vmax=high)
plt.colorbar()
plt.title(path.name)
plt.show()
"""

    return write


def _cbf(start: Start, _head: ColumnHead | None) -> str:
    return f"""\
from pathlib import Path

folder = {_expanded(start.path.parent)}
images = sorted(folder.glob("*.cbf"))
print(len(images), "images")

head, _, _ = images[0].read_bytes().partition(b"\\x0c\\x1a\\x04\\xd5")
print(head.decode("latin-1"))
"""


def _anything(start: Start, _head: ColumnHead | None) -> str:
    return f"""\
from pathlib import Path

folder = {_expanded(start.path.parent)}
for path in sorted(folder.iterdir()):
    print(f"{{path.stat().st_size:>15,}} B  {{path.name}}")
"""


# Tried from top to bottom; the last takes everything.
_KINDS: tuple[tuple[Callable[[FileRecord], bool], Callable[[Start, ColumnHead | None], str]], ...] = (
    (lambda file: file.format.lower() in _TOMOGRAPHY, _tomography),
    (is_column_file, _columns),
    (lambda file: _suffix(file) in _HDF5, _hdf5),
    (lambda file: _suffix(file) in _TIFF, _picture("tifffile.imread(path, key=0)", "import tifffile")),
    (lambda file: _suffix(file) in _PICTURES, _picture("plt.imread(path)", "import numpy as np")),
    (lambda file: _suffix(file) in _CBF, _cbf),
    (lambda _: True, _anything),
)
