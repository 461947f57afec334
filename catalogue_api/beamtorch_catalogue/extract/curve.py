"""Curves in text files: two or more columns of numbers below a header (chi, gr, iq, fq, sq, xy)."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.found import (
    Found,
    Permitted,
    Picture,
    Unsaid,
    unreadable,
    why_no_energy,
    with_energy,
)
from beamtorch_catalogue.extract.moments import moment
from beamtorch_catalogue.extract.path_lists import BeamlinePaths
from beamtorch_catalogue.extract.statistics import statistics_of
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_MOST_BYTES = 32 * 1024**2
_SETTING = re.compile(r"^\s*[#;]?\s*(?P<name>[A-Za-z][\w ()/-]{0,60}?)\s*[=:]\s*(?P<value>\S.*?)\s*$")
_QUANTITY = re.compile(r"^([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(m|mm|nm|A|Å|angstrom|K|C|s|eV|keV)?$")
_UNITS = {"wavelength": "angstrom", "temperature": "K", "distance": "mm", "exposure_time": "s", "energy": "keV"}
"""What integration programs mean when they write no unit."""
_SAME = {"distance_sample_to_detector": "distance", "exposure": "exposure_time", "count_time": "exposure_time"}
"""What integration programs call what we call otherwise."""
_TEXTS = {
    "composition": "composition",
    "mode": "mode",
    "dataformat": "data_format",
    "inputfile": "input_file",
    "version": "program",
    "sample": "sample",
    "samplename": "sample",
    "sample_name": "sample",
    "date": "start_time",
    "start_time": "start_time",
    "timestamp": "start_time",
}
_TOTAL_SCATTERING = frozenset({".gr", ".iq", ".fq", ".sq"})
_COLUMNS = 2


class Curve:
    """One curve in a text file."""

    suffixes = frozenset({".chi", ".gr", ".iq", ".fq", ".sq", ".xy"})
    is_series = False

    def read(self, files: list[Path], permitted: Permitted, paths: BeamlinePaths) -> Found:  # noqa: ARG002 - no links
        """Read the header and count the points."""
        path = files[0]
        form, technique = path.suffix[1:].lower(), "total scattering" if path.suffix in _TOTAL_SCATTERING else ""
        try:
            header, points = _parse(path)
        except (OSError, ValueError) as error:
            return Found(format=form, technique=technique, problem=unreadable(path, str(error), f"a {form} curve"))
        promised = _promised(header)
        problem = None
        if promised is not None and points.shape[1] < promised:
            problem = _too_short(path, points.shape[1], promised)
        settings = _settings(header)
        sample, started = settings.pop("sample", None), settings.pop("start_time", None)
        measured_at = moment(started, paths.nexus.time_zone) if isinstance(started, str) else None
        parameters = with_energy(settings | {"points": Quantity(value=points.shape[1])})
        columns = {name: statistics_of(column, "") for name, column in zip(("x", "y"), points, strict=True)}
        return Found(
            format=form,
            technique=technique,
            sample=sample if isinstance(sample, str) else None,
            measured_at=measured_at,
            parameters=parameters,
            problem=problem,
            unsaid=_gaps(parameters, has_sample=isinstance(sample, str), has_start=measured_at is not None),
            metadata={path: settings | {name: column for name, column in columns.items() if column is not None}},
        )

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:  # noqa: ARG002
        """Return the curve."""
        return Picture(values=_parse(path)[1], is_curve=True)


def _parse(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Return the lines of the header and the first two columns, shape (2, points)."""
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError("it is too long for a curve")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    header: list[str] = []
    points: list[tuple[float, float]] = []
    for line in lines:
        point = _point(line)
        if point is not None:
            points.append(point)
        elif points and line.strip():
            raise ValueError(f"“{line.strip()[:40]}” is not a point of it")
        else:
            header.append(line)
    if len(points) < _COLUMNS:
        raise ValueError("it has no two columns of numbers")
    return header, np.array(points, dtype=np.float64).T


def _point(line: str) -> tuple[float, float] | None:
    parts = line.replace(",", " ").split()
    if len(parts) < _COLUMNS or line.lstrip().startswith(("#", ";")):
        return None
    try:
        return float(parts[0]), float(parts[1])
    except ValueError:
        return None


def _promised(header: list[str]) -> int | None:
    """Return the number of points that FIT2D writes in the fourth line."""
    text = header[3].strip() if len(header) > 3 else ""  # noqa: PLR2004 - the fourth
    return int(text) if text.isdigit() else None


def _settings(header: list[str]) -> dict[str, Quantity | str]:
    parameters: dict[str, Quantity | str] = {}
    for line in header:
        found = _SETTING.match(line)
        if not found:
            continue
        name, value = found["name"].strip().lower().replace(" ", "_"), found["value"]
        name = _SAME.get(name, name)
        number = _QUANTITY.match(value)
        if name in _UNITS and number:
            unit = {"A": "angstrom", "C": "degC"}.get(number[2] or "", number[2]) or _UNITS[name]
            parameters[name] = _as_people_read(name, Quantity(value=float(number[1]), unit=unit))
        elif name in _TEXTS:
            parameters[_TEXTS[name]] = value[:200]
    return parameters


def _gaps(parameters: Mapping[str, Quantity | str], *, has_sample: bool, has_start: bool) -> dict[Unsaid, Words]:
    gaps: dict[Unsaid, Words] = {}
    if not has_sample:
        gaps["sample"] = Words(en="The header has no line “sample = …”.", zh="文件头没有“sample = …”一行。")
    if not has_start:
        gaps["start_time"] = Words(
            en="The header has no line “date = …” with a moment.", zh="文件头没有写明时间的“date = …”一行。"
        )
    if (why := why_no_energy(parameters, "wavelength = …, energy = …")) is not None:
        gaps["energy"] = why
    return gaps


def _as_people_read(name: str, quantity: Quantity) -> Quantity:
    """Return a wavelength in metres as people read it."""
    if name == "wavelength" and quantity.unit == "m":
        return Quantity(value=float(f"{quantity.value * 1e10:.9g}"), unit="angstrom")
    return quantity


def _too_short(path: Path, have: int, need: int) -> Words:
    return Words(
        en=f"{path.name} is truncated: it has {have} points and should have {need}. Copy it again from the beamline.",
        zh=f"{path.name} 不完整：现有 {have} 个点，应为 {need} 个。请从线站重新复制。",
    )
