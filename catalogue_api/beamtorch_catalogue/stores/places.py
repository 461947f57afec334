"""Where a dataset stands in a list: one number that grows with time, so that lists need one index and one cursor.

The full text of SQLite gives its hits in the order of row numbers alone; with this number as its row number they come
newest first, and the first page of a million hits costs no more than that of ten.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, literal_column

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_BITS = 32
_NUMBERS = 0xFFFF_FFFF
_FIRST, _LAST = -(2**31), 2**31 - 1
_DAY = 86_400
_EARLIER = 24_856
"""More days than there are before the year 2000."""
LAST_YEAR = 2067
"""Whatever is listed later has the place of the first days of the year after it."""
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""A moment that does not come."""


def place(listed_at: datetime, number: int) -> int:
    """Return the place of a dataset: the second since the year 2000 (1932 to 2068), then its row number."""
    second = (listed_at - _EPOCH) // timedelta(seconds=1)
    return (min(max(second, _FIRST), _LAST) << _BITS) + number


def dataset_at(place: int) -> int:
    """Return the row number of the dataset at a place."""
    return place & _NUMBERS


def number(place: Any) -> ColumnElement[int]:
    """Return the row number of the dataset at a place in SQL."""
    found: ColumnElement[int] = place.bitwise_and(literal_column(str(_NUMBERS), BigInteger))
    return found


def day(place: Any) -> ColumnElement[int]:
    """Return the day of a place in SQL, counted from some day before all of them; `year` understands it."""
    # Databases divide towards zero, so what is divided must not be negative. Numbers stand in the text of the query:
    # as parameters, they would make two expressions of the one that is chosen and grouped by.
    bits, offset, seconds = (literal_column(str(n), Integer) for n in (_BITS, _EARLIER * _DAY, _DAY))
    found: ColumnElement[int] = (place.bitwise_rshift(bits) + offset) // seconds
    return found


def year(day: int) -> int:
    """Return the year of a day that `day` gave."""
    return (_EPOCH + timedelta(days=day - _EARLIER)).year
