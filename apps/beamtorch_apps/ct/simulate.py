"""Writing a simulated scan as a beamline would: counts with noise, flats and darks, metadata, and the truth inside."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_apps.ct.phantom import Exposure, Solid, beam
from beamtorch_apps.ct.reconstruction import Float32, Float64
from beamtorch_apps.ct.results import part_of, telling_full

FIELDS = 10
"""Flats, and darks, on each side of the scan."""
OPACITY = 2.0
"""Largest line integral: exp(−2) of the light is left, as a beamline would choose the energy."""


@dataclass(frozen=True)
class Scene:
    """What is scanned, and how."""

    name: str
    seed: int
    size: int
    """Columns of the detector."""
    rows: int
    projections: int
    span: float
    """Degrees."""
    axis: float
    energy: float
    """keV."""
    pixel_size: float
    """µm."""
    layout: str
    """``nxtomo`` or ``exchange``."""
    flats: str = "before"
    """``before``, or ``both`` sides of the scan."""


@dataclass(frozen=True)
class Measured:
    """A scan in memory; counts are uint16."""

    projections: NDArray[np.uint16]
    flats: NDArray[np.uint16]
    darks: NDArray[np.uint16]
    angles: Float64
    truth: Float32
    """Attenuation per pixel, shape (rows, size, size), the axis in the middle."""


def measure(scene: Scene) -> Measured:
    """Scan a body; the same scene gives the same counts."""
    rng = np.random.default_rng(scene.seed)
    exposure = Exposure()
    solid = Solid(scene.seed)
    angles = np.asarray(np.arange(scene.projections) * (scene.span / scene.projections), dtype=np.float64)
    lines = np.empty((scene.projections, scene.rows, scene.size), dtype=np.float32)
    truth = np.empty((scene.rows, scene.size, scene.size), dtype=np.float32)
    for row in range(scene.rows):
        body = solid.slice_at(2.0 * (row + 0.5) / scene.rows - 1.0)
        lines[:, row] = body.sinogram(scene.size, angles, scene.axis)
        truth[row] = body.truth(scene.size)
    strength = np.float32(OPACITY / lines.max())
    light = beam(scene.size, scene.rows, exposure)
    sides = 2 if scene.flats == "both" else 1

    def counted(mean: Float64, frames: int) -> NDArray[np.uint16]:
        return np.clip(rng.poisson(mean, (frames, *mean.shape[-2:])), 0, 65535).astype(np.uint16)

    return Measured(
        projections=np.stack([counted(light * np.exp(-strength * one) + exposure.dark, 1)[0] for one in lines]),
        flats=counted(light + exposure.dark, FIELDS * sides),
        darks=counted(np.full_like(light, exposure.dark), FIELDS * sides),
        angles=angles,
        truth=truth * strength,
    )


def write_scan(path: Path, scene: Scene) -> None:
    """Simulate a scan and write it, complete or not at all.

    Raises
    ------
    NoRoomError, ResultUnwritableError
    """
    measured = measure(scene)
    part = part_of(path)
    try:
        with telling_full(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            with h5py.File(part, "w", locking=False) as file:
                (_write_exchange if scene.layout == "exchange" else _write_nxtomo)(file, scene, measured)
            part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _put(group: h5py.Group, name: str, value: object, unit: str = "") -> None:
    group[name] = value
    if unit:
        group[name].attrs["units"] = unit


def _write_truth(parent: h5py.Group, scene: Scene, measured: Measured) -> None:
    group = parent.create_group("simulation")
    group.attrs["NX_class"] = "NXcollection"
    _put(group, "truth", measured.truth, "1/pixel")
    _put(group, "rotation_axis", scene.axis, "pixel")
    group["seed"] = scene.seed
    group["description"] = "Analytic ellipses (Shepp-Logan head with grains), Poisson noise; not a measurement."


def _write_exchange(file: h5py.File, scene: Scene, measured: Measured) -> None:
    file["implements"] = "exchange:measurement"
    exchange = file.create_group("exchange")
    exchange["title"] = f"{scene.name} (simulated)"
    for name, value in (("data", measured.projections), ("data_white", measured.flats), ("data_dark", measured.darks)):
        _put(exchange, name, value, "counts")
    _put(exchange, "theta", measured.angles, "degrees")
    measurement = file.create_group("measurement")
    measurement["sample/name"] = scene.name
    measurement["instrument/name"] = "simulated"
    _put(measurement, "instrument/monochromator/energy", scene.energy, "keV")
    _put(measurement, "instrument/detection_system/objective/resolution", scene.pixel_size, "um")
    _put(measurement, "instrument/detector/exposure_time", 0.05, "s")
    file["process/acquisition/start_date"] = _now()
    _write_truth(file, scene, measured)


def _group(parent: h5py.Group, name: str, nexus_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nexus_class
    return group


def _write_nxtomo(file: h5py.File, scene: Scene, measured: Measured) -> None:
    half = FIELDS
    blocks = [
        measured.flats[:half],
        measured.darks[:half],
        measured.projections,
        measured.flats[half:],
        measured.darks[half:],
    ]
    keys = np.repeat([1, 2, 0, 1, 2], [len(block) for block in blocks]).astype(np.int32)
    still = np.zeros(len(blocks[0]) + len(blocks[1]))
    after = np.full(len(blocks[3]) + len(blocks[4]), measured.angles[-1])
    file.attrs["default"] = "entry"
    entry = _group(file, "entry", "NXentry")
    entry.attrs["default"] = "data"
    entry["definition"], entry["title"] = "NXtomo", f"{scene.name} (simulated)"
    entry["start_time"] = entry["end_time"] = _now()
    instrument = _group(entry, "instrument", "NXinstrument")
    instrument["name"] = "simulated"
    source = _group(instrument, "source", "NXsource")
    source["type"], source["name"], source["probe"] = "Synchrotron X-ray Source", "simulated", "x-ray"
    _put(_group(instrument, "beam", "NXbeam"), "incident_energy", scene.energy, "keV")
    detector = _group(instrument, "detector", "NXdetector")
    _put(detector, "data", np.concatenate(blocks), "counts")
    detector["image_key"] = keys
    for name in ("x_pixel_size", "y_pixel_size"):
        _put(detector, name, scene.pixel_size, "um")
    _put(detector, "count_time", 0.05, "s")
    sample = _group(entry, "sample", "NXsample")
    sample["name"] = scene.name
    _put(sample, "rotation_angle", np.concatenate((still, measured.angles, after)), "degree")
    data = _group(entry, "data", "NXdata")
    data.attrs["signal"], data.attrs["axes"] = "data", ["rotation_angle", ".", "."]
    data["data"] = h5py.SoftLink("/entry/instrument/detector/data")
    data["rotation_angle"] = h5py.SoftLink("/entry/sample/rotation_angle")
    data["image_key"] = h5py.SoftLink("/entry/instrument/detector/image_key")
    _write_truth(entry, scene, measured)
