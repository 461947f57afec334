"""CBF images with the header of DECTRIS (miniCBF), and the same header in TIFF files of PILATUS detectors."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.found import Found, Permitted, Picture, moment, truncated, unreadable, with_energy
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
}
_DETECTOR = re.compile(r"Detector:\s*(.+)")
_MOMENT = re.compile(r"#\s*(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?)")
_FIELD = re.compile(r"X-Binary-([A-Za-z-]+):\s*(\d+)")
_ESCAPE_8, _ESCAPE_16 = -0x80, -0x8000
_MOST_PIXELS = 50_000_000


class Cbf:
    """A sweep of CBF images."""

    suffixes = frozenset({".cbf"})
    is_series = True

    def read(self, files: list[Path], permitted: Permitted) -> Found:  # noqa: ARG002 - these files link to nothing
        """Read the first and the last header, and check that no image ends early."""
        first, last = files[0], files[-1]
        try:
            head, tail = _header(first), _header(last)
        except (OSError, ValueError) as error:
            return Found(format="CBF", technique="crystallography", problem=unreadable(first, str(error), "CBF"))
        parameters = header_parameters(head)
        ending = header_parameters(tail)
        start, step = ending.get("angle_start"), ending.get("angle_increment")
        if isinstance(start, Quantity) and isinstance(step, Quantity):
            parameters["angle_stop"] = Quantity(value=round(start.value + step.value, 6), unit="deg")
        parameters["images"] = Quantity(value=len(files))
        return Found(
            format="CBF",
            technique="crystallography",
            measured_at=header_moment(head),
            parameters=with_energy(parameters),
            problem=next((problem for path in files if (problem := _check(path)) is not None), None),
        )

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:  # noqa: ARG002
        """Return the image."""
        values = image(path)
        return Picture(values=np.where(values < 0, np.nan, values), is_sparse=True)


def header_parameters(header: str) -> dict[str, Quantity | str]:
    """Return what a DECTRIS header tells."""
    parameters: dict[str, Quantity | str] = {}
    for name, (pattern, unit) in _QUANTITIES.items():
        found = pattern.search(header)
        if found:
            parameters[name] = Quantity(value=float(found[1]), unit=unit)
    detector = _DETECTOR.search(header)
    if detector:
        parameters["detector"] = detector[1].strip()
    return parameters


def header_moment(header: str) -> datetime | None:
    """Return when a DECTRIS header was written."""
    found = _MOMENT.search(header)
    return moment(found[1].replace("/", "-")) if found else None


def _header(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    if not head.startswith(b"###CBF"):
        raise ValueError("it does not begin as a CBF file does")
    return head.partition(_START)[0].decode("latin-1")


def _check(path: Path) -> Words | None:
    """Return what is wrong with the length of a file, from its header alone."""
    try:
        header = _header(path)
        need, have = _end(header), path.stat().st_size
    except (OSError, ValueError) as error:
        return unreadable(path, str(error), "CBF")
    return truncated(path, have, need) if have < need else None


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
