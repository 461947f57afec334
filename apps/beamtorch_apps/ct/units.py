"""The few units that a scan's own metadata come in, brought to those that people at a beamline say."""

import numpy as np

from beamtorch_facility.quantity import Quantity

LENGTHS = {"m": 1e6, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3}
ENERGIES = {"ev": 1e-3, "kev": 1.0, "mev": 1e3, "gev": 1e6}
ANGLES = {"deg": 1.0, "degree": 1.0, "degrees": 1.0, "°": 1.0, "rad": 180 / np.pi, "radian": 180 / np.pi}
ANGLES |= {"radians": 180 / np.pi, "mrad": 0.18 / np.pi}


def in_micrometres(value: float, unit: str) -> Quantity | None:
    """Return a length in µm; none where the unit is unknown, because a guess would scale the volume."""
    factor = LENGTHS.get(unit.strip().lower()) if unit.strip() else None
    return Quantity(value=value * factor, unit="µm") if factor and value > 0 and np.isfinite(value) else None


def in_kiloelectronvolts(value: float, unit: str) -> Quantity | None:
    """Return a photon energy in keV; none where the unit is unknown."""
    factor = ENERGIES.get(unit.strip().lower())
    return Quantity(value=value * factor, unit="keV") if factor and value > 0 and np.isfinite(value) else None


def per_centimetre(pixel_size: Quantity | None) -> float | None:
    """Return what turns attenuation per pixel into 1/cm."""
    return None if pixel_size is None else 1e4 / pixel_size.value
