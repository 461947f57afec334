"""Units: what a text such as ``keV`` means in SI, and what to call its dimension. An unknown unit is never an error."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache

import pint

from beamtorch_facility.words import Words

_DEFINITIONS = (
    # As pint ships, these are pico-hours and ångström only in lower case.
    "photon = count = ph",
    "@alias angstrom = Angstrom = Angstroms = ANGSTROM",
    "@alias electron_volt = electronvolt",
    "@alias percent = pct",
)
_OPAQUE = {
    # Arbitrary units and reciprocal lattice units are compared with themselves alone; pint reads astronomy into “au”.
    "au": "arbitrary",
    "a.u.": "arbitrary",
    "arb": "arbitrary",
    "arb.": "arbitrary",
    "arb.unit": "arbitrary",
    "arb.units": "arbitrary",
    "arbitrary": "arbitrary",
    "r.l.u.": "reciprocal lattice",
    "rlu": "reciprocal lattice",
}
USUAL = (
    *("eV", "keV", "MeV", "meV", "GeV", "J", "Å", "angstrom", "pm", "nm", "um", "µm", "mm", "cm", "m", "s", "ms", "us"),
    *("ns", "min", "h", "K", "degC", "deg", "mrad", "rad", "mA", "A", "V", "Hz", "kHz", "Pa", "kPa", "bar", "mbar"),
    *("GPa", "ph/s", "counts", "%", "T", "1/angstrom", "1/nm", "mm/s"),
)
"""What people usually mean; offered when a unit is not understood."""

_MEANT = {
    **{(name, "A"): "angstrom" for name in ("wavelength", "pixel_size", "distance", "d_spacing")},
    ("temperature", "C"): "degC",
    ("temperature", "F"): "degF",
}

_DIMENSIONS = {
    "[length]^2 [mass] [time]^-2": Words(en="an energy", zh="能量"),
    "[length]": Words(en="a length", zh="长度"),
    "[length]^-1": Words(en="an inverse length", zh="长度的倒数"),
    "[time]": Words(en="a time", zh="时间"),
    "[time]^-1": Words(en="a rate", zh="速率"),
    "[temperature]": Words(en="a temperature", zh="温度"),
    "[current]": Words(en="a current", zh="电流"),
    "[length]^-1 [mass] [time]^-2": Words(en="a pressure", zh="压强"),
    "[current]^-1 [length]^2 [mass] [time]^-3": Words(en="a voltage", zh="电压"),
    "[length] [time]^-1": Words(en="a speed", zh="速度"),
    "[mass]": Words(en="a mass", zh="质量"),
    "": Words(en="a plain number or an angle", zh="纯数或角度"),
}
_ALLOWED = re.compile(r"(?:[^\W\d_]|[°µμÅ℃%])[\w°µμÅ℃%.^*/() -]{0,39}|1/[\w°µμÅ.^*()-]{1,37}|°[CF]?|%")
_HUGE_EXPONENT = re.compile(r"(?:\^|\*\*)\s*\(?\s*-?\s*(?:\d{2,}|\d+\s*\)?\s*(?:\^|\*\*))")
_PROBE = 2.0
ROUNDING = 1e-9
"""Relative width by which a range is widened: the same energy in eV and in keV differs in the last bit."""


@dataclass(frozen=True)
class Unit:
    """A unit that is understood: ``si = value * factor + offset``, in the base units of its dimension."""

    dimension: str
    factor: float = 1.0
    offset: float = 0.0

    def to_si(self, value: float) -> float:
        """Return a value of this unit in SI."""
        return value * self.factor + self.offset


@cache
def _registry() -> "pint.UnitRegistry":
    registry = pint.UnitRegistry(cache_folder=None)
    for definition in _DEFINITIONS:
        registry.define(definition)
    return registry


@lru_cache(maxsize=10_000)
def unit(text: str) -> Unit | None:
    """Return what a unit means, or None if nobody knows; parsed once per spelling (74 µs, then 0.1 µs)."""
    name = text.strip()
    if not name:
        return Unit(dimension="")
    opaque = _OPAQUE.get(name.lower().replace(" ", ""))
    if opaque is not None:
        return Unit(dimension=f"~{opaque}")
    if not _ALLOWED.fullmatch(name) or _HUGE_EXPONENT.search(name):
        return None
    try:
        return _affine(name)
    except Exception:  # noqa: BLE001 - pint raises what Python's own parser raises; the text is then no unit
        return None


def unit_of_parameter(name: str, text: str) -> Unit | None:
    """Return what a unit means for a parameter: an ``A`` is an ångström in a wavelength and an ampere elsewhere."""
    return unit(_MEANT.get((name, text.strip()), text))


def _affine(name: str) -> Unit | None:
    registry = _registry()
    parsed = registry.parse_units(name)
    zero = registry.Quantity(0.0, parsed).to_base_units().magnitude
    one = registry.Quantity(1.0, parsed).to_base_units().magnitude
    probe = registry.Quantity(_PROBE, parsed).to_base_units().magnitude
    factor = float(one - zero)
    if abs(probe - (_PROBE * factor + zero)) > ROUNDING * abs(probe):
        return None  # logarithmic, such as decibel: a range would not be one
    powers = sorted((base, int(p) if p == int(p) else p) for base, p in parsed.dimensionality.items())
    dimension = " ".join(base if power == 1 else f"{base}^{power}" for base, power in powers)
    return Unit(dimension=dimension, factor=factor, offset=float(zero))


def suggestion(text: str) -> str | None:
    """Return the unit that somebody probably meant."""
    folded: dict[str, str] = {}
    for name in USUAL:
        folded.setdefault(name.lower(), name)
    if text.lower() in folded:
        return folded[text.lower()]
    close = get_close_matches(text.lower(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def dimension_words(dimension: str) -> Words:
    """Return what a dimension is called."""
    if dimension.startswith("~"):
        name = dimension[1:]
        return Words(en=f"in {name} units", zh="任意单位" if name == "arbitrary" else "倒易点阵单位")
    return _DIMENSIONS.get(dimension, Words(en=f"of dimension {dimension}", zh=f"量纲为 {dimension}"))
