"""NeXus: NXtomo, and by path lists whatever else follows the standard (https://manual.nexusformat.org)."""

import re
from collections.abc import Iterator

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.fields import child_of, children, find, quantity_of, text_of, unit_of
from beamtorch_catalogue.extract.found import Found, moment, with_energy
from beamtorch_facility.quantity import Quantity

_QUANTITIES = {
    "energy": (
        "NXinstrument/NXmonochromator/energy",
        "NXinstrument/NXbeam/incident_energy",
        "NXsample/NXbeam/incident_energy",
        "NXbeam/incident_energy",
        "NXsample/incident_energy",
    ),
    "wavelength": (
        "NXinstrument/NXmonochromator/wavelength",
        "NXinstrument/NXbeam/incident_wavelength",
        "NXsample/NXbeam/incident_wavelength",
        "NXbeam/incident_wavelength",
        "NXinstrument/NXsource/incident_wavelength",
    ),
    "pixel_size": ("NXinstrument/NXdetector/x_pixel_size", "NXdetector/x_pixel_size"),
    "exposure_time": ("NXinstrument/NXdetector/count_time", "NXinstrument/NXdetector/exposure_time"),
    "distance": (
        "NXinstrument/NXdetector/distance",
        "NXinstrument/NXdetector/detector_distance",
        "NXinstrument/NXdetector/SDD",
    ),
    "temperature": ("NXsample/temperature", "NXsample/NXenvironment/temperature", "NXinstrument/NXenvironment/value"),
}
_TEXTS = {"title": ("title",), "instrument": ("NXinstrument/name",), "chemical_formula": ("NXsample/chemical_formula",)}
_TECHNIQUES = {
    "NXtomo": "tomography",
    "NXtomophase": "tomography",
    "NXmx": "crystallography",
    "NXsas": "small-angle scattering",
    "NXcanSAS": "small-angle scattering",
    "NXxas": "absorption spectroscopy",
    "NXfluo": "fluorescence",
    "NXptycho": "ptychography",
    "NXxpcs": "photon correlation",
}
_IMAGE_KEYS = ("NXinstrument/NXdetector/image_key", "NXdata/image_key")
_ROTATION = re.compile(r"rotation_angle|theta|omega|rot", re.IGNORECASE)
_KINDS = {"projections": 0, "flats": 1, "darks": 2}
_FRAMES = 3


def read(file: h5py.File) -> Found:
    """Read what the file's entry tells."""
    entry = entry_of(file)
    if entry is None:
        return Found(format="HDF5")
    definition = text_of(find(entry, "definition")) or ""
    parameters: dict[str, Quantity | str] = {}
    for name, paths in _QUANTITIES.items():
        for path in paths:
            value = quantity_of(find(entry, path))
            if value is not None:
                parameters[name] = value
                break
    for name, paths in _TEXTS.items():
        text = next((text for path in paths if (text := text_of(find(entry, path)))), None)
        if text:
            parameters[name] = text
    keys = _image_keys(entry)
    parameters |= _frames(keys) | _angles(entry, keys)
    is_tomography = keys is not None and bool(np.any(keys == 0) and np.any(keys == 1))
    started = text_of(find(entry, "start_time"))
    return Found(
        format=definition or ("NXtomo" if is_tomography else "NeXus"),
        technique=_TECHNIQUES.get(definition, "tomography" if is_tomography else ""),
        sample=text_of(find(entry, "NXsample/name")),
        measured_at=moment(started) if started else None,
        parameters=with_energy(parameters),
    )


def entry_of(file: h5py.File) -> h5py.Group | None:
    """Return the default entry of a file, else its first."""
    default = child_of(file, text_of(file.attrs.get("default")) or "")
    if isinstance(default, h5py.Group):
        return default
    return next(children(file, "NXentry"), None)


def _image_keys(entry: h5py.Group) -> NDArray[np.int64] | None:
    for path in _IMAGE_KEYS:
        keys = find(entry, path)
        if keys is not None and keys.ndim == 1 and keys.size and np.issubdtype(keys.dtype, np.number):
            return np.asarray(keys[()], dtype=np.int64)
    return None


def _frames(keys: NDArray[np.int64] | None) -> dict[str, Quantity | str]:
    if keys is None:
        return {}
    return {name: Quantity(value=float(np.count_nonzero(keys == key))) for name, key in _KINDS.items()}


def _angles(entry: h5py.Group, keys: NDArray[np.int64] | None) -> dict[str, Quantity | str]:
    """Return first and last angle, of the projections if others are told apart."""
    for angles in _rotations(entry):
        values = np.asarray(angles[()], dtype=np.float64)
        if keys is not None and keys.size == values.size:
            values = values[keys == 0]
        values = values[np.isfinite(values)]
        if values.size > 1:
            unit = unit_of(angles) or "deg"
            start, stop = (Quantity(value=float(value), unit=unit) for value in (values[0], values[-1]))
            return {"angle_start": start, "angle_stop": stop}
    return {}


def _rotations(entry: h5py.Group) -> Iterator[h5py.Dataset]:
    for group in [*children(entry, "NXsample"), *children(entry, "NXdata")]:
        for name in group:
            child = child_of(group, name) if _ROTATION.search(name) else None
            if isinstance(child, h5py.Dataset) and child.ndim == 1 and np.issubdtype(child.dtype, np.number):
                yield child


def signal(file: h5py.File) -> tuple[h5py.Dataset | None, NDArray[np.intp] | None]:
    """Return the data that the file wants to be seen, and which frames of them are projections."""
    entry = entry_of(file)
    candidates = [item for item in _signals(entry if entry is not None else file) if item.size]
    # A stack of images says more than the monitor that some files name as their default.
    dataset = next((item for item in candidates if item.ndim >= _FRAMES), candidates[0] if candidates else None)
    keys = _image_keys(entry) if entry is not None else None
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
    detector = find(entry, "NXinstrument/NXdetector/data")
    if detector is not None and detector.ndim > 1:
        yield detector
