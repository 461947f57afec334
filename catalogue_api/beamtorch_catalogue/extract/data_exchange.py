"""Data Exchange: the layout of the Advanced Photon Source for tomography (https://dxfile.readthedocs.io)."""

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.fields import find, quantity_of, text_of, unit_of
from beamtorch_catalogue.extract.found import Found, moment, with_energy
from beamtorch_facility.quantity import Quantity

_INSTRUMENT = "measurement/instrument"
_QUANTITIES = {
    "energy": (f"{_INSTRUMENT}/monochromator/energy", f"{_INSTRUMENT}/source/energy"),
    "wavelength": (f"{_INSTRUMENT}/monochromator/wavelength",),
    "pixel_size": (
        f"{_INSTRUMENT}/detector/pixel_size_x",
        f"{_INSTRUMENT}/detector/actual_pixel_size_x",
        f"{_INSTRUMENT}/detector/x_pixel_size",
        f"{_INSTRUMENT}/detection_system/objective/resolution",
    ),
    "exposure_time": (f"{_INSTRUMENT}/detector/exposure_time", "process/acquisition/exposure_time"),
    "distance": (f"{_INSTRUMENT}/detector/distance", f"{_INSTRUMENT}/detector_motor_stack/setup/camera_distance"),
    "temperature": ("measurement/sample/temperature", f"{_INSTRUMENT}/environment/temperature"),
}
_FRAMES = {"projections": "exchange/data", "flats": "exchange/data_white", "darks": "exchange/data_dark"}
_MOMENTS = ("measurement/sample/file_creation_datetime", "file_creation_datetime", "process/acquisition/start_date")


def read(file: h5py.File) -> Found:
    """Read what a scan in this layout tells."""
    parameters: dict[str, Quantity | str] = {}
    for name, paths in _QUANTITIES.items():
        for path in paths:
            value = quantity_of(find(file, path))
            if value is not None:
                parameters[name] = value
                break
    for name, path in _FRAMES.items():
        frames = find(file, path)
        if frames is not None and frames.ndim > 1:
            parameters[name] = Quantity(value=frames.shape[0])
    angles = find(file, "exchange/theta")
    if angles is not None and angles.ndim == 1 and angles.size:
        unit = unit_of(angles) or "deg"
        parameters["angle_start"] = Quantity(value=float(angles[0]), unit=unit)
        parameters["angle_stop"] = Quantity(value=float(angles[-1]), unit=unit)
    title = text_of(find(file, "exchange/title"))
    if title:
        parameters["title"] = title
    written = next((text for path in _MOMENTS if (text := text_of(find(file, path)))), None)
    return Found(
        format="Data Exchange",
        technique="tomography",
        sample=text_of(find(file, "measurement/sample/name")),
        measured_at=moment(written) if written else None,
        parameters=with_energy(parameters),
    )


def signal(file: h5py.File) -> tuple[h5py.Dataset | None, NDArray[np.intp] | None]:
    """Return the projections."""
    return find(file, "exchange/data"), None
