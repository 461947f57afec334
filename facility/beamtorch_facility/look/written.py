"""How numbers and sizes are written on every page; the same in both languages."""

from beamtorch_facility.quantity import Quantity

_DISK = ("B", "kB", "MB", "GB", "TB", "PB")
_MEMORY = ("B", "KiB", "MiB", "GiB", "TiB")
_UNITS = {"um": "µm", "degC": "°C", "angstrom": "Å", "deg": "°", "degree": "°", "degrees": "°"}
_WHOLE_BELOW = 1e15
_TWO_DIGITS = 10


def number(value: float) -> str:
    """Return a number with a real minus sign, thousands grouped in whole ones, six significant digits else."""
    whole = float(value).is_integer() and abs(value) < _WHOLE_BELOW
    text = f"{int(value):,}" if whole else f"{value:.6g}"
    return text.replace("-", "−")


def file_size(size: int) -> str:
    """Return a size on disk in powers of 1000, such as ``15.1 GB``."""
    return _scaled(size, 1000, _DISK)


def memory(size: int) -> str:
    """Return a size of memory in powers of 1024, such as ``64 GiB``."""
    return _scaled(size, 1024, _MEMORY)


def quantity(measured: Quantity) -> str:
    """Return a measured value with its unit, such as ``12.4 keV`` or ``180°``."""
    unit = _UNITS.get(measured.unit, measured.unit)
    gap = "" if unit in {"", "°"} else " "
    return f"{number(measured.value)}{gap}{unit}"


def initials(name: str) -> str:
    """Return at most two letters that stand for a person, such as ``LQ``."""
    parts = [part for part in name.replace(".", " ").replace("_", " ").split() if part]
    return "".join(part[0] for part in (parts[:1] + parts[-1:] if len(parts) > 1 else parts)).upper()


def _scaled(size: int, step: int, units: tuple[str, ...]) -> str:
    value, index = float(size), 0
    while value >= step and index < len(units) - 1:
        value, index = value / step, index + 1
    digits = 0 if index == 0 or value.is_integer() or value >= _TWO_DIGITS * _TWO_DIGITS else 1
    return f"{value:.{digits}f} {units[index]}"
