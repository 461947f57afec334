"""NeXus: NXtomo, NXmx, and by path lists whatever else follows the standard (https://manual.nexusformat.org)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.fields import child_of, children, quantity_of, text_of, unit_of
from beamtorch_catalogue.extract.found import Found, Unsaid
from beamtorch_catalogue.extract.listed import read_listed
from beamtorch_catalogue.extract.path_lists import PathList
from beamtorch_catalogue.extract.tree import Tree
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_IMAGE_KEYS = (("NXinstrument", "NXdetector", "image_key"), ("NXdata", "image_key"))
_ROTATION = re.compile(r"rotation_angle|theta|omega|rot|phi|chi|kappa", re.IGNORECASE)
_TURNING = (("NXsample",), ("NXdata",), ("NXsample", "NXtransformations"), ("NXsample", "NXgoniometer"))
_KINDS = {"projections": 0, "flats": 1, "darks": 2}
_FRAMES = 3
_EIGER = ("NXinstrument", "NXdetector", "detectorSpecific")
_NOTHING_SAID: dict[Unsaid, Words] = {
    name: Words(en="The file has no NXentry, where this would stand.", zh="文件中没有应记录此项的 NXentry。")
    for name in get_args(Unsaid)
}


def read(file: h5py.File, path: Path, paths: PathList) -> Found:
    """Read what the file's entry tells."""
    entry = entry_of(file)
    if entry is None:
        return Found(format="HDF5", unsaid=_NOTHING_SAID)
    tree = Tree(entry, *children(entry, "NXsubentry"))
    definition = _definition(tree, paths)
    listed = read_listed(tree, paths.of_definition(definition), file)
    keys = _image_keys(tree)
    is_tomography = keys is not None and bool(np.any(keys == 0) and np.any(keys == 1))
    is_eiger = not definition and tree.first(*_EIGER, "eiger_fw_version") is not None
    of_definition = paths.definitions.get(definition)
    technique = "tomography" if is_tomography else "crystallography" if is_eiger else ""
    return Found(
        format=definition or ("NXtomo" if is_tomography else "Eiger" if is_eiger else "NeXus"),
        technique=of_definition.technique if of_definition else technique,
        sample=listed.sample,
        measured_at=listed.measured_at,
        parameters=listed.parameters | _frames(keys) | _images(tree) | _angles(tree, keys),
        unsaid=listed.unsaid,
        metadata={path: listed.metadata},
    )


def _definition(tree: Tree, paths: PathList) -> str:
    """Return the application definition; of several the first that is known."""
    named = [text for item in tree.all("definition") if (text := text_of(item))]
    return next((text for text in named if text in paths.definitions), named[0] if named else "")


def entry_of(file: h5py.File) -> h5py.Group | None:
    """Return the default entry of a file, else its first."""
    default = child_of(file, text_of(file.attrs.get("default")) or "")
    if isinstance(default, h5py.Group):
        return default
    return next(children(file, "NXentry"), None)


def _image_keys(tree: Tree) -> NDArray[np.int64] | None:
    for parts in _IMAGE_KEYS:
        keys = tree.first(*parts)
        if keys is not None and keys.ndim == 1 and keys.size and np.issubdtype(keys.dtype, np.number):
            return np.asarray(keys[()], dtype=np.int64)
    return None


def _frames(keys: NDArray[np.int64] | None) -> dict[str, Quantity | str]:
    if keys is None:
        return {}
    return {name: Quantity(value=float(np.count_nonzero(keys == key))) for name, key in _KINDS.items()}


def _images(tree: Tree) -> dict[str, Quantity | str]:
    """Return the number of images that a detector of DECTRIS was told to take."""
    images, triggers = (quantity_of(tree.first(*_EIGER, name)) for name in ("nimages", "ntrigger"))
    if images is None:
        return {}
    return {"images": Quantity(value=images.value * (triggers.value if triggers else 1.0))}


def _angles(tree: Tree, keys: NDArray[np.int64] | None) -> dict[str, Quantity | str]:
    """Return first and last angle, of the projections if others are told apart; an axis that moves comes first."""
    still: dict[str, Quantity | str] = {}
    for angles in _rotations(tree):
        values = np.asarray(angles[()], dtype=np.float64)
        if keys is not None and keys.size == values.size:
            values = values[keys == 0]
        values = values[np.isfinite(values)]
        if values.size > 1:
            unit = unit_of(angles) or "deg"
            start, stop = (Quantity(value=float(value), unit=unit) for value in (values[0], values[-1]))
            if np.ptp(values) > 0:
                return {"angle_start": start, "angle_stop": stop}
            still = still or {"angle_start": start, "angle_stop": stop}
    return still


def _rotations(tree: Tree) -> Iterator[h5py.Dataset]:
    for classes in _TURNING:
        for group in tree.groups(*classes):
            for name in filter(_ROTATION.search, group):
                child = child_of(group, name)
                if isinstance(child, h5py.Dataset) and child.ndim == 1 and np.issubdtype(child.dtype, np.number):
                    yield child


def signal(file: h5py.File) -> tuple[h5py.Dataset | None, NDArray[np.intp] | None]:
    """Return the data that the file wants to be seen, and which frames of them are projections."""
    entry = entry_of(file)
    candidates = [item for item in _signals(entry if entry is not None else file) if item.size]
    # A stack of images says more than the monitor that some files name as their default.
    dataset = next((item for item in candidates if item.ndim >= _FRAMES), candidates[0] if candidates else None)
    keys = _image_keys(Tree(entry)) if entry is not None else None
    if dataset is None or keys is None or keys.size != dataset.shape[0]:
        return dataset, None
    return dataset, np.flatnonzero(keys == 0)


def _signals(entry: h5py.Group) -> Iterator[h5py.Dataset]:
    default = child_of(entry, text_of(entry.attrs.get("default")) or "")
    groups = [default] if isinstance(default, h5py.Group) else []
    for group in [*groups, *children(entry, "NXdata")]:
        named = text_of(group.attrs.get("signal"))
        marked = next(
            (n for n in group if isinstance(child_of(group, n), h5py.Dataset) and "signal" in group[n].attrs), ""
        )
        item = child_of(group, named or marked or "data")
        if isinstance(item, h5py.Dataset) and np.issubdtype(item.dtype, np.number) and item.ndim:
            yield item
    detector = Tree(entry).first("NXinstrument", "NXdetector", "data")
    if detector is not None and detector.ndim > 1:
        yield detector
