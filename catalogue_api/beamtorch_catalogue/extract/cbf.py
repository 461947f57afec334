"""CBF images with the header of DECTRIS (miniCBF), and the same header in TIFF files of PILATUS detectors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.found import (
    Found,
    Permitted,
    Picture,
    Unsaid,
    truncated,
    unreadable,
    why_no_energy,
    with_energy,
)
from beamtorch_catalogue.extract.moments import moment
from beamtorch_catalogue.extract.path_lists import BeamlinePaths
from beamtorch_catalogue.extract.statistics import statistics_of
from beamtorch_catalogue.wire import FileValue
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_START = b"\x0c\x1a\x04\xd5"
_HEADER_BYTES = 64 * 1024
_NUMBER = r"([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)"
_QUANTITIES = {
    "wavelength": (re.compile(rf"Wavelength\s+{_NUMBER}\s*A"), "angstrom"),
    "exposure_time": (re.compile(rf"Exposure_time\s+{_NUMBER}\s*s"), "s"),
    "distance": (re.compile(rf"Detector_distance\s+{_NUMBER}\s*m"), "m"),
    "pixel_size": (re.compile(rf"Pixel_size\s+{_NUMBER}\s*m"), "m"),
    "angle_start": (re.compile(rf"Start_angle\s+{_NUMBER}\s*deg"), "deg"),
    "angle_increment": (re.compile(rf"Angle_increment\s+{_NUMBER}\s*deg"), "deg"),
    "transmission": (re.compile(rf"Filter_transmission\s+{_NUMBER}"), "%"),
    "two_theta": (re.compile(rf"Detector_2theta\s+{_NUMBER}\s*deg"), "deg"),
    "omega": (re.compile(rf"Omega\s+{_NUMBER}\s*deg"), "deg"),
    "phi": (re.compile(rf"Phi\s+{_NUMBER}\s*deg"), "deg"),
    "chi": (re.compile(rf"Chi\s+{_NUMBER}\s*deg"), "deg"),
    "kappa": (re.compile(rf"Kappa\s+{_NUMBER}\s*deg"), "deg"),
    "beam_center_x": (re.compile(rf"Beam_xy\s+\(\s*{_NUMBER}"), "pixel"),
    "beam_center_y": (re.compile(rf"Beam_xy\s+\([^,)]*,\s*{_NUMBER}"), "pixel"),
}
"""What miniCBF tells, by the names of DECTRIS."""
_FULL = {
    "wavelength": (re.compile(rf"_diffrn_radiation_wavelength\.wavelength\s+{_NUMBER}"), "angstrom"),
    "distance": (re.compile(rf"_diffrn_measurement\.sample_detector_distance\s+{_NUMBER}"), "mm"),
    "exposure_time": (re.compile(rf"_diffrn_scan_frame\.integration_time\s+{_NUMBER}"), "s"),
}
"""What full CBF tells, by the names of the imgCIF dictionary."""
_DETECTOR = re.compile(r"Detector:\s*(.+)")
_DAY, _TIME = r"\d{4}[-/:](?:\d\d|[A-Z][a-z]{2})[-/:]\d\d", r"\d\d:\d\d:\d\d(?:\.\d+)?"
_ZONE = r"(?:Z|[+-]\d\d:?\d\d)?"
_MOMENT = re.compile(rf"(?:#|_diffrn_scan_frame\.date)\s*[\"']?({_DAY}[T ]{_TIME}{_ZONE})")
_FIELD = re.compile(r"X-Binary-([A-Za-z-]+):\s*(\d+)")
_ESCAPE_8, _ESCAPE_16 = -0x80, -0x8000
_MOST_PIXELS = 50_000_000


class Cbf:
    """A sweep of CBF images."""

    suffixes = frozenset({".cbf"})
    is_series = True

    def read(self, files: list[Path], permitted: Permitted, paths: BeamlinePaths) -> Found:  # noqa: ARG002 - no links
        """Read every header once, and check by it that no image ends early."""
        zone = paths.nexus.time_zone
        try:
            head = _header(files[0])
        except (OSError, ValueError) as error:
            return Found(format="CBF", technique="crystallography", problem=unreadable(files[0], str(error), "CBF"))
        frames = [_frame(path, zone) for path in files]
        parameters = header_parameters(head)
        start, step = frames[-1].parameters.get("angle_start"), frames[-1].parameters.get("angle_increment")
        if isinstance(start, Quantity) and isinstance(step, Quantity):
            parameters["angle_stop"] = Quantity(value=round(start.value + step.value, 6), unit="deg")
        parameters["images"] = Quantity(value=len(files))
        parameters = with_energy(parameters)
        measured_at = header_moment(head, zone)
        return Found(
            format="CBF",
            technique="crystallography",
            measured_at=measured_at,
            parameters=parameters,
            problem=next((frame.problem for frame in frames if frame.problem is not None), None),
            unsaid=header_gaps(parameters, has_start=measured_at is not None),
            metadata=dict(zip(files, of_series([frame.parameters for frame in frames]), strict=True)),
        )

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:  # noqa: ARG002
        """Return the image."""
        values = image(path)
        return Picture(values=np.where(values < 0, np.nan, values), is_sparse=True)


@dataclass(frozen=True)
class _Frame:
    parameters: dict[str, Quantity | str] = field(default_factory=dict)
    problem: Words | None = None


def _frame(path: Path, zone: str | None) -> _Frame:
    """Return what one image tells, and what is wrong with its length, from its header alone."""
    try:
        header = _header(path)
        need, have = _end(header), path.stat().st_size
    except (OSError, ValueError) as error:
        return _Frame(problem=unreadable(path, str(error), "CBF"))
    written = header_moment(header, zone)
    parameters = header_parameters(header) | ({"start_time": written.isoformat()} if written else {})
    return _Frame(parameters, truncated(path, have, need) if have < need else None)


def of_series(images: Sequence[Mapping[str, Quantity | str]]) -> list[dict[str, FileValue]]:
    """Return the metadata of each image: all of the first, with statistics of what moves, then only what differs."""
    first: dict[str, FileValue] = dict(images[0])
    for name, value in images[0].items():
        if isinstance(value, Quantity):
            values = [v.value for image in images if isinstance(v := image.get(name), Quantity)]
            if min(values) < max(values) and (moving := statistics_of(values, value.unit)):
                first[f"{name}_of_series"] = moving
    others: list[dict[str, FileValue]] = [
        {name: value for name, value in image.items() if value != images[0].get(name)} for image in images[1:]
    ]
    return [first, *others]


def header_parameters(header: str) -> dict[str, Quantity | str]:
    """Return what a DECTRIS header tells, or one of imgCIF."""
    parameters: dict[str, Quantity | str] = {}
    for name, (pattern, unit) in (*_FULL.items(), *_QUANTITIES.items()):
        found = pattern.search(header)
        if found:
            parameters[name] = Quantity(value=float(found[1]), unit=unit)
    detector = _DETECTOR.search(header)
    if detector:
        parameters["detector"] = detector[1].strip()
    return parameters


def header_moment(header: str, zone: str | None = None) -> datetime | None:
    """Return when a DECTRIS header was written."""
    found = _MOMENT.search(header)
    return moment(found[1], zone) if found else None


def header_gaps(parameters: Mapping[str, Quantity | str], *, has_start: bool) -> dict[Unsaid, Words]:
    """Return why a header does not tell what every dataset should have."""
    gaps: dict[Unsaid, Words] = {
        "sample": Words(
            en="A header of this kind has no place for the sample's name.", zh="此类文件头没有样品名称的位置。"
        )
    }
    if not has_start:
        gaps["start_time"] = Words(en="The header has no moment that is understood.", zh="文件头中没有可识别的时间。")
    if (why := why_no_energy(parameters, "Wavelength")) is not None:
        gaps["energy"] = why
    return gaps


def _header(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if not head.startswith(b"###CBF"):
        raise ValueError("it does not begin as a CBF file does")
    return head.partition(_START)[0].decode("latin-1")


def _end(header: str) -> int:
    size = dict(_FIELD.findall(header)).get("Size")
    if size is None:
        raise ValueError("its header does not tell the size of the image")
    return len(header) + len(_START) + int(size)


def image(path: Path) -> NDArray[np.float64]:
    """Return the pixels of a CBF file, shape (rows, columns), from its byte-offset compression.

    Raises
    ------
    ValueError
        If it is compressed in another way, or damaged.
    """
    data = path.read_bytes()
    text, _, rest = data.partition(_START)
    header = text.decode("latin-1")
    fields = {name: int(value) for name, value in _FIELD.findall(header)}
    rows, columns = fields["Size-Second-Dimension"], fields["Size-Fastest-Dimension"]
    if "x-CBF_BYTE_OFFSET" not in header or rows * columns > _MOST_PIXELS:
        raise ValueError("only byte-offset compression is read")
    values = _byte_offset(rest[: fields["Size"]])
    return values[: rows * columns].reshape(rows, columns)


def _byte_offset(packed: bytes) -> NDArray[np.float64]:
    """Undo the compression: differences of one byte, with escapes to two and to four."""
    small = np.frombuffer(packed, dtype=np.int8)
    pieces: list[NDArray[np.int64]] = []
    at = 0
    for escape in np.flatnonzero(small == _ESCAPE_8).tolist():
        if escape < at:
            continue  # inside the number of an escape before
        pieces.append(small[at:escape].astype(np.int64))
        value, at = int.from_bytes(packed[escape + 1 : escape + 3], "little", signed=True), escape + 3
        if value == _ESCAPE_16:
            value, at = int.from_bytes(packed[at : at + 4], "little", signed=True), at + 4
        pieces.append(np.array([value], dtype=np.int64))
    pieces.append(small[at:].astype(np.int64))
    return np.cumsum(np.concatenate(pieces)).astype(np.float64)
