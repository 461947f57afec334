"""What an extractor finds in a file, and what every extractor can do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

Permitted = Callable[[Path], bool]
"""Tells whether a file may be opened; a link inside a file must not lead to somebody else's data."""

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

    def read(self, files: list[Path], permitted: Permitted) -> Found:
        """Return what the files of a measurement tell; a file that cannot be used gives a `problem`, not an error."""
        ...

    def picture(self, path: Path, permitted: Permitted) -> Picture | None:
        """Return what a thumbnail of a file shows, or None."""
        ...


def with_energy(parameters: dict[str, Quantity | str]) -> dict[str, Quantity | str]:
    """Add the photon energy to parameters that have a wavelength in ångström only, so that both can be searched."""
    wavelength = parameters.get("wavelength")
    if "energy" in parameters or not isinstance(wavelength, Quantity) or wavelength.value <= 0:
        return parameters
    if wavelength.unit.strip().lower() not in {"a", "å", "angstrom", "angstroms"}:
        return parameters
    energy = float(f"{ENERGY_TIMES_WAVELENGTH / wavelength.value:.6g}")
    return parameters | {"energy": Quantity(value=energy, unit="keV")}


def moment(text: str) -> datetime | None:
    """Return a moment that a file wrote down; without a time zone it is the beamline's own."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone() if found.tzinfo is None else found
    except (ValueError, OverflowError, OSError):
        return None


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
