"""Where the parts of a scan lie in a file: Data Exchange (APS) and NXtomo (NeXus), the latter in several dialects."""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from beamtorch_apps.ct.errors import AnglesError, FlatFieldError, NotAScanError
from beamtorch_apps.ct.hdf5 import Missing, missing_error, resolve, scalar, text, walk
from beamtorch_apps.ct.reconstruction import Float64
from beamtorch_apps.ct.units import ANGLES, in_kiloelectronvolts, in_micrometres
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

ANGLE_WORDS = ("theta", "rotation", "angle", "omega", "phi")
STACK_DIMENSIONS = 3
PROJECTION, FLAT, DARK = 0, 1, 2


@dataclass(frozen=True)
class Frames:
    """Some frames of a stack."""

    stack: h5py.Dataset
    """Shape (frames, rows, columns)."""
    indices: NDArray[np.intp]
    """Increasing."""

    def __len__(self) -> int:
        return len(self.indices)


@dataclass(frozen=True)
class Parts:
    """What a layout found: frames, raw angles, and the words about them."""

    layout: str
    projections: Frames
    flats: Frames
    darks: Frames
    angles: Float64
    """Degrees, one for each projection, unchecked."""
    pixel_size: Quantity | None
    energy: Quantity | None
    sample: str
    title: str


def find_parts(file: h5py.File) -> Parts:
    """Find a scan in an open file, whichever layout it has.

    Raises
    ------
    NotAScanError
        If there is none.
    LinkedFileMissingError, AnglesError, FlatFieldError
        If there is one that lacks a part.
    """
    path = Path(file.filename)
    exchange = file.get("exchange")
    if isinstance(exchange, h5py.Group) and exchange.get("data", getlink=True) is not None:
        return _data_exchange(file, exchange)
    parts, missing = _tomo(file)
    if parts is not None:
        return parts
    if missing:
        raise missing_error(path, missing)
    raise NotAScanError(
        Words(
            en=f"{path} holds no CT scan: neither /exchange/data (Data Exchange) nor images with an image_key "
            "(NXtomo). Choose another file, or ask the beamline which file holds the scan.",
            zh=f"{path} 中没有 CT 扫描：既没有 /exchange/data（Data Exchange），也没有带 image_key 的图像（NXtomo）。"
            "请选择其他文件，或向线站询问哪个文件包含扫描。",
        )
    )


# -- Data Exchange ---------------------------------------------------------------------------------


def _data_exchange(file: h5py.File, exchange: h5py.Group) -> Parts:
    path = Path(file.filename)
    found: dict[str, h5py.Dataset | None] = {}
    for name in ("data", "data_white", "data_dark", "theta"):
        found[name], missing = resolve(exchange, name)
        if missing is not None:
            raise missing_error(path, [missing])
    data, white, dark, theta = found.values()
    if data is None or data.ndim != STACK_DIMENSIONS:
        raise NotAScanError(
            Words(
                en=f"/exchange/data of {path} is not a stack of images. Choose the file with the raw projections.",
                zh=f"{path} 的 /exchange/data 不是图像序列。请选择包含原始投影的文件。",
            )
        )
    if white is None or white.ndim != STACK_DIMENSIONS or len(white) == 0:
        raise no_flats(path, "/exchange/data_white")
    if theta is None:
        raise no_angles(path, "/exchange/theta")
    size = scalar(
        file,
        "measurement/instrument/detection_system/objective/resolution",
        "measurement/instrument/detector/actual_pixel_size",
        "measurement/instrument/detector/pixel_size_x",
    )
    energy = scalar(file, "measurement/instrument/monochromator/energy", "measurement/instrument/source/energy")
    return Parts(
        layout="Data Exchange",
        projections=Frames(data, np.arange(len(data))),
        flats=Frames(white, np.arange(len(white))),
        darks=Frames(dark if dark is not None else white, np.arange(0 if dark is None else len(dark))),
        angles=_degrees(theta),
        pixel_size=in_micrometres(*size) if size else None,
        energy=in_kiloelectronvolts(*energy) if energy else None,
        sample=_words(file, "measurement/sample/name", "measurement/sample/sample_name"),
        title=_words(file, "exchange/title", "exchange/name"),
    )


def _words(group: h5py.Group, *paths: str) -> str:
    return next((said for path in paths if (said := text(group.get(path)))), "")


def _degrees(angles: h5py.Dataset) -> Float64:
    factor = ANGLES.get(text(angles.attrs.get("units", "")).strip().lower(), 1.0)
    return np.asarray(angles[()], dtype=np.float64).ravel() * factor


def no_flats(path: Path, place: str) -> FlatFieldError:
    """Return the error for a scan without flat fields."""
    return FlatFieldError(
        Words(
            en=f"{path} has no flat fields ({place}). Without them the absorption is not known; "
            "choose a scan with flats, or add them to the file.",
            zh=f"{path} 中没有平场图像（{place}），无法得到吸收值。请选择带平场的扫描，或在文件中补充平场。",
        )
    )


def no_angles(path: Path, place: str) -> AnglesError:
    """Return the error for a scan without angles."""
    return AnglesError(
        Words(
            en=f"{path} has no angles ({place}). Add the angle of each projection in degrees to the file.",
            zh=f"{path} 中没有角度数据（{place}）。请在文件中补充每幅投影的角度（度）。",
        )
    )


# -- NXtomo ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Candidate:
    detector: h5py.Group
    key: NDArray[np.int64]
    stack: h5py.Dataset
    entry: h5py.Group

    @property
    def rank(self) -> tuple[bool, bool]:
        """A file may hold several detectors, and links to each; what says what it is wins, then the first."""
        return "NXtomo" in text(self.entry.get("definition")), text(self.detector.attrs.get("NX_class")) == "NXdetector"


def _tomo(file: h5py.File) -> tuple[Parts | None, list[Missing]]:
    missing: list[Missing] = []
    best: _Candidate | None = None
    for detector in walk(file):
        key = detector.get("image_key")
        if not isinstance(key, h5py.Dataset) or key.ndim != 1:
            continue
        entry = _entry(detector)
        stack, gone = _stack(detector, entry, len(key))
        if gone is not None:
            missing.append(gone)
        if stack is None:
            continue
        candidate = _Candidate(detector, np.asarray(key[()], dtype=np.int64), stack, entry)
        if best is None or candidate.rank > best.rank:
            best = candidate
    return (None if best is None else _nxtomo(file, best)), missing


def _entry(detector: h5py.Group) -> h5py.Group:
    """Return the (sub)entry that a detector belongs to."""
    group = detector
    while group.name != "/":
        if text(group.attrs.get("NX_class", "")) in {"NXentry", "NXsubentry"} or "definition" in group:
            return group
        group = group.parent
    parent = detector.parent
    return parent.parent if parent.name.endswith("instrument") else parent


def _stack(detector: h5py.Group, entry: h5py.Group, frames: int) -> tuple[h5py.Dataset | None, Missing | None]:
    places: list[tuple[h5py.Group, str]] = [(detector, "data")]
    plotted = entry.get("data")
    if isinstance(plotted, h5py.Group):
        places.append((plotted, "data"))
    gone: Missing | None = None
    for group, name in places:
        stack, missing = resolve(group, name)
        gone = gone or missing
        if isinstance(stack, h5py.Dataset) and stack.ndim == STACK_DIMENSIONS and len(stack) == frames:
            return stack, None
    return None, gone


def _nxtomo(file: h5py.File, found: _Candidate) -> Parts:
    path = Path(file.filename)
    index = {kind: np.flatnonzero(found.key == kind) for kind in (PROJECTION, FLAT, DARK)}
    if len(index[FLAT]) == 0:
        raise no_flats(path, f"image_key 1, {found.detector.name}/image_key")
    size = scalar(
        found.entry,
        "sample/x_pixel_size",
        f"instrument/{_last(found.detector)}/sample_x_pixel_size",
    ) or scalar(found.detector, "sample_x_pixel_size", "x_pixel_size")
    energy = scalar(
        found.entry,
        "beam/incident_energy",
        "instrument/beam/incident_energy",
        "sample/beam/incident_energy",
        "instrument/monochromator/energy",
        "instrument/dcm1/dcm_energy",
    )
    return Parts(
        layout="NXtomo",
        projections=Frames(found.stack, index[PROJECTION]),
        flats=Frames(found.stack, index[FLAT]),
        darks=Frames(found.stack, index[DARK]),
        angles=_tomo_angles(path, found, index[PROJECTION]),
        pixel_size=in_micrometres(*size) if size else None,
        energy=in_kiloelectronvolts(*energy) if energy else None,
        sample=_words(found.entry, "sample/name"),
        title=_words(found.entry, "title"),
    )


def _last(group: h5py.Group) -> str:
    return str(group.name).rpartition("/")[2]


def _tomo_angles(path: Path, found: _Candidate, projections: NDArray[np.intp]) -> Float64:
    missing: list[Missing] = []
    for group, name in _angle_places(found):
        angles, gone = resolve(group, name)
        if gone is not None:
            missing.append(gone)
        if isinstance(angles, h5py.Dataset) and angles.dtype.kind in "fiu":
            if angles.size == len(found.key):
                return _degrees(angles)[projections]
            if angles.size == len(projections):
                return _degrees(angles)
    if missing:
        raise missing_error(path, missing)
    raise no_angles(path, f"rotation_angle of {found.entry.name}")


def _angle_places(found: _Candidate) -> list[tuple[h5py.Group, str]]:
    """List where the angles may be, the standard places first, then what the plot's axes say."""
    places: list[tuple[h5py.Group, str]] = []
    for where in ("sample", "data"):
        group = found.entry.get(where)
        if isinstance(group, h5py.Group):
            places.append((group, "rotation_angle"))
    places.append((found.detector, "rotation_angle"))
    for where in (_last(found.detector), "data"):
        group = found.entry.get(where)
        if isinstance(group, h5py.Group):
            axes = np.atleast_1d(group.attrs.get("axes", []))
            places += [(group, name) for axis in axes[:1] if (name := text(axis)) not in {"", "."}]
            places += [(group, name) for name in group if any(word in name.lower() for word in ANGLE_WORDS)]
    return places
