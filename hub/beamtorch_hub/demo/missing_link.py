"""Writes a NeXus file as a beamline's acquisition does: metadata inside, detector frames by a link to a second file."""

from pathlib import Path

import h5py
import numpy as np

from beamtorch_hub.demo.recipe import MissingLink
from beamtorch_hub.demo.spec import DemoDataset, DemoSpec

FLATS = 10
DARKS = 10
_PROJECTION, _FLAT, _DARK = 0, 1, 2


def write_master(path: Path, recipe: MissingLink, *, spec: DemoSpec, dataset: DemoDataset) -> None:
    """Write an NXtomo file in which everything is right but the file that ``data`` leads to is not there."""
    beamline = spec.stay(dataset).beamline
    keys = np.repeat([_FLAT, _DARK, _PROJECTION], [FLATS, DARKS, recipe.projections])
    angles = np.concatenate([np.zeros(FLATS + DARKS), np.linspace(0, 180, recipe.projections, endpoint=False)])
    with h5py.File(path, "w") as file:
        entry = _group(file, "entry", "NXentry")
        entry["definition"] = "NXtomo"
        entry["title"] = dataset.name
        if dataset.measured_at:
            entry["start_time"] = dataset.measured_at.isoformat()
        instrument = _group(entry, "instrument", "NXinstrument")
        instrument["name"] = str(beamline)
        beam = _group(instrument, "beam", "NXbeam")
        beam["incident_energy"] = recipe.energy
        beam["incident_energy"].attrs["units"] = "keV"
        detector = _group(instrument, "detector", "NXdetector")
        detector["image_key"] = keys
        detector["data"] = h5py.ExternalLink(recipe.absent, "/entry/data/data")
        sample = _group(entry, "sample", "NXsample")
        sample["name"] = dataset.sample or dataset.name
        sample["rotation_angle"] = angles
        sample["rotation_angle"].attrs["units"] = "degree"
        data = _group(entry, "data", "NXdata")
        data.attrs["signal"] = "data"
        data["data"] = h5py.SoftLink("/entry/instrument/detector/data")
        data["rotation_angle"] = h5py.SoftLink("/entry/sample/rotation_angle")
        data["image_key"] = h5py.SoftLink("/entry/instrument/detector/image_key")


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group
