"""TIFF images, single or as a series: the header of DECTRIS, the tags of EPICS areaDetector and of ImageJ."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from beamtorch_catalogue.extract.cbf import header_gaps, header_moment, header_parameters, of_series
from beamtorch_catalogue.extract.found import (
    Found,
    Permitted,
    Picture,
    truncated,
    unreadable,
    with_energy,
)
from beamtorch_catalogue.extract.moments import moment, moment_of_seconds
from beamtorch_catalogue.extract.path_lists import BeamlinePaths
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

_MOST_BYTES = 256 * 1024**2
_COLOUR = 3
_MOST_TAGS = 200
_LONGEST = 200
_EPICS_SECONDS, _EPICS_NANOSECONDS, _EPICS_ATTRIBUTES = 65002, 65003, range(65010, 65536)
"""Private tags of areaDetector's NDFileTIFF plugin (its documentation, “TIFF tags”)."""
_EPICS_EPOCH = 631_152_000
"""The beginning of 1990, from which EPICS counts, in seconds since 1970."""
_SAMPLES = ("sample", "sample_name", "samplename", "sampletitle")
_UNITS = {"micron": "um", "\\u00B5m": "um", "µm": "um", "um": "um", "mm": "mm", "cm": "cm", "nm": "nm", "inch": "inch"}


class Tiff:
    """A series of TIFF images, or one."""

    suffixes = frozenset({".tif", ".tiff"})
    is_series = True

    def read(self, files: list[Path], permitted: Permitted, paths: BeamlinePaths) -> Found:  # noqa: ARG002 - no links
        """Read every image's tags, and check by them that none ends early."""
        zone = paths.nexus.time_zone
        looks = [_look(path, zone) for path in files]
        first = looks[0]
        problem = next((look.problem for look in looks if look.problem is not None), None)
        if not first.pages:
            return Found(format="TIFF", problem=problem)
        parameters: dict[str, Quantity | str] = {**first.parameters}
        sample = next((v for name in _SAMPLES if isinstance(v := parameters.pop(name, None), str)), None)
        parameters["images"] = Quantity(value=len(files) if len(files) > 1 else first.pages)
        parameters = with_energy(parameters)
        unsaid = header_gaps(parameters, has_start=first.started is not None)
        return Found(
            format="TIFF",
            sample=sample,
            measured_at=first.started,
            parameters=parameters,
            problem=problem,
            unsaid={name: words for name, words in unsaid.items() if name != "sample" or sample is None},
            metadata=dict(zip(files, of_series([look.metadata() for look in looks]), strict=True)),
        )

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:  # noqa: ARG002
        """Return the middle page."""
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[len(tiff.pages) // 2]
            if page.nbytes > _MOST_BYTES:
                return None
            values = np.asarray(page.asarray(), dtype=np.float64)
        return Picture(values=values.mean(axis=-1) if values.ndim == _COLOUR else values)


@dataclass(frozen=True)
class _Look:
    """What one file tells; no pages if it cannot be read."""

    parameters: Mapping[str, Quantity | str]
    started: datetime | None = None
    pages: int = 0
    problem: Words | None = None

    def metadata(self) -> dict[str, Quantity | str]:
        return {**self.parameters} | ({"start_time": self.started.isoformat()} if self.started else {})


def _look(path: Path, zone: str | None) -> _Look:
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages[0]
            tags = {tag.code: tag.value for tag in list(getattr(page, "tags", ()))[:_MOST_TAGS]}
            description = str(getattr(page, "description", ""))
            pages = len(tiff.pages)
            ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
            imagej = tiff.imagej_metadata or {}
        have, need = path.stat().st_size, max(ends, default=0)
    except Exception as error:  # noqa: BLE001 - of damaged files tifffile raises anything, also struct.error
        return _Look({}, problem=unreadable(path, str(error), "TIFF"))
    return _Look(
        header_parameters(description) | _attributes(tags) | _resolution(tags, imagej),
        header_moment(description, zone) or _started(tags, zone),
        pages,
        truncated(path, have, need) if have < need else None,
    )


def _started(tags: Mapping[int, Any], zone: str | None) -> datetime | None:
    seconds, nanoseconds = tags.get(_EPICS_SECONDS), tags.get(_EPICS_NANOSECONDS, 0)
    if isinstance(seconds, int) and isinstance(nanoseconds, int):
        return moment_of_seconds(_EPICS_EPOCH + seconds + nanoseconds * 1e-9)
    written = tags.get(306)
    return moment(written, zone) if isinstance(written, str) else None


def _attributes(tags: Mapping[int, Any]) -> dict[str, Quantity | str]:
    """Return the attributes that areaDetector writes as “name:value”."""
    found: dict[str, Quantity | str] = {}
    for code in _EPICS_ATTRIBUTES:
        text = tags.get(code)
        if not isinstance(text, str) or not (parts := text.partition(":"))[1]:
            break  # they follow each other
        name, value = parts[0].strip().lower()[:64], parts[2].strip()[:_LONGEST]
        try:
            found[name] = Quantity(value=float(value))
        except ValueError:
            found[name] = value
    return {name: value for name, value in found.items() if name and value != ""}


def _resolution(tags: Mapping[int, Any], imagej: Mapping[str, Any]) -> dict[str, Quantity | str]:
    """Return the size of a pixel, where ImageJ was told it."""
    unit, pixels = _UNITS.get(str(imagej.get("unit", ""))), tags.get(282)
    if unit is None or not isinstance(pixels, tuple) or not all(pixels):
        return {}
    return {"pixel_size": Quantity(value=float(f"{pixels[1] / pixels[0]:.9g}"), unit=unit)}
