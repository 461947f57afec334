"""What an extractor finds in a file, and what every extractor can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from beamtorch_catalogue.extract.path_lists import BeamlinePaths
from beamtorch_catalogue.units import unit_of_parameter
from beamtorch_catalogue.wire import FileValue
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

Permitted = Callable[[Path], bool]
"""Tells whether a file may be opened; a link inside a file must not lead to somebody else's data."""

Unsaid = Literal["start_time", "sample", "energy"]
"""What every dataset should have."""

ENERGY_TIMES_WAVELENGTH = 12.398419843320026
"""h c / e in keV·Å (CODATA 2018, exact)."""


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A further file that a file needs, and what is wrong with it."""

    path: Path
    problem: Words | None = None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file tells about its dataset."""

    format: str
    technique: str = ""
    sample: str | None = None
    measured_at: datetime | None = None
    parameters: Mapping[str, Quantity | str] = field(default_factory=dict)
    linked: tuple[Linked, ...] = ()
    problem: Words | None = None
    """Why the file cannot be used."""
    unsaid: Mapping[Unsaid, Words] = field(default_factory=dict)
    """Why the file does not tell what every dataset should have."""
    metadata: Mapping[Path, Mapping[str, FileValue]] = field(default_factory=dict)
    """What each file tells about itself, with statistics of its series."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What a thumbnail shows: an image, shape (rows, columns), or a curve, shape (2, points)."""

    values: NDArray[np.floating]
    is_curve: bool = False
    is_sparse: bool = False
    """Whether few bright pixels matter, such as reflections, which averaging would wash out."""


class Extractor(Protocol):
    """Reads one family of formats; further ones are found by the entry-point group ``beamtorch.extractors``."""

    suffixes: frozenset[str]
    """The endings of file names that it reads, in lower case and with the dot."""
    is_series: bool
    """Whether many files of one folder are one measurement."""

    def read(self, files: list[Path], permitted: Permitted, paths: BeamlinePaths) -> Found:
        """Return what the files of a measurement tell; a file that cannot be used gives a `problem`, not an error.

        Parameters
        ----------
        files
            One file, or all of a series in order.
        permitted
            Whether a file that they link to may be opened.
        paths
            Where files of their beamline say what.
        """
        ...

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:
        """Return what a thumbnail of a file shows, or None."""
        ...


def with_energy(parameters: dict[str, Quantity | str]) -> dict[str, Quantity | str]:
    """Add the photon energy to parameters that have a wavelength only, or an energy without a unit.

    Both can then be searched by the energy.
    """
    energy, wavelength = parameters.get("energy"), parameters.get("wavelength")
    if isinstance(energy, Quantity) and energy.unit.strip():
        return parameters
    if not isinstance(wavelength, Quantity) or wavelength.value <= 0:
        return parameters
    angstrom = _in_angstrom(wavelength)
    if angstrom is None:
        return parameters
    return parameters | {"energy": Quantity(value=float(f"{ENERGY_TIMES_WAVELENGTH / angstrom:.6g}"), unit="keV")}


def why_no_energy(parameters: Mapping[str, Quantity | str], looked_at: str) -> Words | None:
    """Say why nobody can search for the energy of a measurement; None if everybody can."""
    energy, wavelength = parameters.get("energy"), parameters.get("wavelength")
    if isinstance(energy, Quantity) and unit_of_parameter("energy", energy.unit) and energy.unit.strip():
        return None
    for name, name_zh, value in (("energy", "能量", energy), ("wavelength", "波长", wavelength)):
        if isinstance(value, Quantity):
            unit = value.unit.strip()
            why_en = f"has the unit “{unit}”, which nobody knows" if unit else "has no unit"
            why_zh = f"的单位“{unit}”无人知晓" if unit else "没有单位"
            return Words(en=f"The {name} {value.value:g} {why_en}.", zh=f"{name_zh} {value.value:g} {why_zh}。")
    return Words(
        en=f"The file has neither energy nor wavelength ({looked_at}).",
        zh=f"文件中既没有能量也没有波长（{looked_at}）。",
    )


def _in_angstrom(wavelength: Quantity) -> float | None:
    factor = _ANGSTROMS.get(wavelength.unit.strip().lower())
    if factor is not None:
        return wavelength.value * factor
    unit = unit_of_parameter("wavelength", wavelength.unit)
    return unit.to_si(wavelength.value) * 1e10 if unit is not None and unit.dimension == "[length]" else None


_ANGSTROMS = {"a": 1.0, "å": 1.0, "angstrom": 1.0, "angstroms": 1.0, "nm": 10.0, "pm": 0.01, "m": 1e10}
"""What is usual, so that pint need not be loaded for it."""


def truncated(path: Path, have: int, need: int) -> Words:
    """Say that a file ends too early."""
    return Words(
        en=f"{path.name} is truncated: it has {have} bytes and should have {need}. Copy it again from the beamline.",
        zh=f"{path.name} 不完整：现有 {have} 字节，应为 {need} 字节。请从线站重新复制。",
    )


def unreadable(path: Path, reason: str, format_name: str) -> Words:
    """Say that a file is not what its name says."""
    return Words(
        en=f"{path.name} cannot be read as {format_name}: {reason}. Copy it again from the beamline, or remove it.",
        zh=f"无法将 {path.name} 作为 {format_name} 读取：{reason}。请从线站重新复制或移除。",
    )
