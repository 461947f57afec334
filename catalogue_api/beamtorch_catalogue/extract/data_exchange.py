"""Data Exchange: the layout of the Advanced Photon Source for tomography (https://dxfile.readthedocs.io)."""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.fields import unit_of
from beamtorch_catalogue.extract.found import Found
from beamtorch_catalogue.extract.listed import read_listed
from beamtorch_catalogue.extract.path_lists import PathList
from beamtorch_catalogue.extract.tree import Tree
from beamtorch_facility.quantity import Quantity

_FRAMES = {"projections": "data", "flats": "data_white", "darks": "data_dark"}


def read(file: h5py.File, path: Path, paths: PathList) -> Found:
    """Read what a scan in this layout tells."""
    tree = Tree(file)
    listed = read_listed(tree, paths, file)
    parameters = listed.parameters
    for name, place in _FRAMES.items():
        frames = tree.first("exchange", place)
        if frames is not None and frames.ndim > 1:
            parameters[name] = Quantity(value=frames.shape[0])
    angles = tree.first("exchange", "theta")
    if angles is not None and angles.ndim == 1 and angles.size:
        unit = unit_of(angles) or "deg"
        parameters["angle_start"] = Quantity(value=float(angles[0]), unit=unit)
        parameters["angle_stop"] = Quantity(value=float(angles[-1]), unit=unit)
    return Found(
        format="Data Exchange",
        technique="tomography",
        sample=listed.sample,
        measured_at=listed.measured_at,
        parameters=parameters,
        unsaid=listed.unsaid,
        metadata={path: listed.metadata},
    )


def signal(file: h5py.File) -> tuple[h5py.Dataset | None, NDArray[np.intp] | None]:
    """Return the projections."""
    return Tree(file).first("exchange", "data"), None
