"""Moments as files write them: ISO 8601, the ways of older detectors, and seconds since 1970."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_PATTERNS = (
    "%Y:%m:%d %H:%M:%S",  # TIFF 6.0, tag 306
    "%Y-%b-%dT%H:%M:%S",  # DECTRIS before 2012
    "%Y-%b-%d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",  # asctime, as SPEC writes it
    "%d-%b-%Y %H:%M:%S",
)
_FRACTION = re.compile(r"(?<=:\d\d)\.\d+")
_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_EARLIEST, _LATEST = 0.0, 4.1e9
"""Seconds since 1970 that can be a moment of a measurement, up to the year 2099."""


def moment(text: str, zone: str | None = None) -> datetime | None:
    """Return a moment that a file wrote down.

    Parameters
    ----------
    text
        What is written.
    zone
        The time zone of a moment without one (IANA); None: this machine's own, which is the beamline's.
    """
    written = _ZONE.sub("", text.strip().replace("/", "-"))
    found = _iso(written) or _other(_FRACTION.sub("", written))
    return None if found is None else _aware(found, zone)


def moment_of_seconds(seconds: float) -> datetime | None:
    """Return the moment so many seconds after the beginning of 1970, or None for a number that is none."""
    return datetime.fromtimestamp(seconds, tz=UTC) if _EARLIEST < seconds < _LATEST else None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _other(text: str) -> datetime | None:
    for pattern in _PATTERNS:
        try:
            return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
    return None


def _aware(found: datetime, zone: str | None) -> datetime | None:
    if found.tzinfo is not None:
        return found
    try:
        return found.replace(tzinfo=ZoneInfo(zone)) if zone else found.astimezone()
    except (OverflowError, OSError, ValueError):
        return None
