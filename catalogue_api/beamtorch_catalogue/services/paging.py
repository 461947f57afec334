"""Places in a list, as callers carry them from page to page: opaque, checked, and never an offset."""

import base64
import binascii
import json
import re
from datetime import UTC, datetime

from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import Count
from beamtorch_facility.words import Words

_PLACE = re.compile(r"-?\d{1,18}|-?[1-8]\d{18}")


class BadPageError(CatalogueError):
    """A place that this catalogue never gave out."""

    code = "bad-page"
    status = 422
    title = Words(en="There is no such page", zh="没有这一页")


def to_cursor(key: str | datetime, number: int) -> str:
    """Return a place as a short text."""
    text = key.astimezone(UTC).isoformat() if isinstance(key, datetime) else key
    return base64.urlsafe_b64encode(json.dumps([text, number]).encode()).decode().rstrip("=")


def from_cursor(cursor: str) -> tuple[str, int]:
    """Return the sort key and the row number of a place."""
    try:
        document = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key, number = document
        if isinstance(key, str) and isinstance(number, int) and 0 <= number < 2**63 and "\0" not in key:
            key.encode()  # half a pair of surrogates is a ValueError, and nothing for a database
            return key, number
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise _bad_page()


def to_place_cursor(place: int, count: Count) -> str:
    """Return a place in a list of datasets and how many are in it; capped: so many at least."""
    return to_cursor(str(place), 2 * count.total + count.total_is_capped)


def from_place_cursor(cursor: str) -> tuple[int, Count]:
    """Return the place at which a list of datasets goes on, and how many are in it, or at least."""
    key, number = from_cursor(cursor)
    if not _PLACE.fullmatch(key):
        raise _bad_page()
    return int(key), Count(total=number // 2, total_is_capped=bool(number % 2))


def _bad_page() -> BadPageError:
    return BadPageError(
        Words(
            en="“after” is not a place that this catalogue gave out. Take it from “next” of the page before, "
            "or leave it out to start again.",
            zh="after 不是本目录给出的位置。请使用上一页的 next，或省略以从头开始。",
        )
    )
