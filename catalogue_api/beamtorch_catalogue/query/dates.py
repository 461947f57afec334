"""Dates: days, months and years, ranges of them, and the last so many days, as half-open spans of time in UTC."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NoReturn

from beamtorch_catalogue.query.errors import BadDateError, Spot

FIRST_YEAR, LAST_YEAR = 1900, 2999
_MONTHS = 12
_ISO = re.compile(r"(?P<year>\d{4})(?:(?P<sign>[-/])(?P<month>\d{1,2})(?:(?P=sign)(?P<day>\d{1,2}))?)?")
_CHINESE = re.compile(r"(?P<year>\d{4})年(?:(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})[日号])?)?")
_LAST = re.compile(
    r"(?P<count>\d{1,6})\s*(?P<unit>[dwmy])|(?:近|最近|过去)(?P<zh>\d{1,6})\s*(?P<zh_unit>天|日|周|个?星期|个?月|年)"
)
_UNITS = {"天": "d", "日": "d", "周": "w", "星期": "w", "个星期": "w", "月": "m", "个月": "m", "年": "y"}
_DAYS_AGO = {"today": 0, "yesterday": 1, "今天": 0, "今日": 0, "昨天": 1, "昨日": 1}
_NORMAL = {0: "today", 1: "yesterday"}
_UP_TO = re.compile(r"\s*(?:\.\.+|…+|~|至|到)\s*")


@dataclass(frozen=True)
class Span:
    """Days from `first` up to and without `end`, and how they are written."""

    first: date | None
    end: date | None
    written: str


@dataclass(frozen=True)
class Calendar:
    """Reads dates at one moment in one time zone."""

    now: datetime
    zone: tzinfo

    def span(self, given: str, spot: Spot) -> Span:
        """Return the days that a text stands for.

        Raises
        ------
        BadDateError
            If it stands for none.
        """
        sides = _UP_TO.split(given.strip())
        if len(sides) == 1:
            return self._last(sides[0], spot) or self._single(sides[0], spot)
        if len(sides) > 2 or not any(sides):  # noqa: PLR2004 - a range has two sides
            _not_understood(spot)
        low, high = (self._single(side, spot) if side else None for side in sides)
        if low and high and low.first and high.end and low.first >= high.end:
            turned = f"{high.written}..{low.written}"
            spot.refuse(
                BadDateError, f"{low.written} is later than {high.written}. Write {turned}.",
                f"{low.written} 晚于 {high.written}。请写作 {turned}。", turned,
            )  # fmt: skip
        written = f"{low.written if low else ''}..{high.written if high else ''}"
        return Span(low.first if low else None, high.end if high else None, written)

    def moment(self, day: date | None) -> datetime | None:
        """Return the moment at which a day begins here, in UTC."""
        if day is None:
            return None
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    @property
    def _today(self) -> date:
        return self.now.astimezone(self.zone).date()

    def _single(self, given: str, spot: Spot) -> Span:
        ago = _DAYS_AGO.get(given.lower())
        if ago is not None:
            day = self._today - timedelta(days=ago)
            return Span(day, day + timedelta(days=1), _NORMAL[ago])
        match = _ISO.fullmatch(given) or _CHINESE.fullmatch(given)
        if match is None:
            _not_understood(spot)
        year, month, day_of_month = (int(match[part]) if match[part] else None for part in ("year", "month", "day"))
        if year is None or not FIRST_YEAR <= year <= LAST_YEAR:
            spot.refuse(
                BadDateError,
                f"years go from {FIRST_YEAR} to {LAST_YEAR}.",
                f"年份应在 {FIRST_YEAR} 至 {LAST_YEAR} 之间。",
            )
        if month is None:
            return Span(date(year, 1, 1), date(year + 1, 1, 1), f"{year}")
        if not 1 <= month <= _MONTHS:
            spot.refuse(BadDateError, f"there is no month {month}; write {year}-01 to {year}-12.",
                        f"没有 {month} 月；请写 {year}-01 至 {year}-12。")  # fmt: skip
        if day_of_month is None:
            return Span(date(year, month, 1), _months_later(date(year, month, 1), 1), f"{year}-{month:02}")
        days = monthrange(year, month)[1]
        if not 1 <= day_of_month <= days:
            last = f"{year}-{month:02}-{days:02}"
            spot.refuse(BadDateError, f"there is no such day; the last of this month is {last}.",
                        f"没有这一天；该月最后一天是 {last}。", last)  # fmt: skip
        day = date(year, month, day_of_month)
        return Span(day, day + timedelta(days=1), day.isoformat())

    def _last(self, given: str, spot: Spot) -> Span | None:
        """Read the last so many days, weeks, months or years: from that day in the past to the end of today."""
        match = _LAST.fullmatch(given.lower())
        if match is None:
            return None
        count, unit = int(match["count"] or match["zh"]), match["unit"] or _UNITS[match["zh_unit"]]
        tomorrow = self._today + timedelta(days=1)
        first = _before(self._today, count, unit)
        if count == 0 or first is None:
            spot.refuse(
                BadDateError, f"count from 1, and not further back than {FIRST_YEAR}: 7d, 2w, 3m.",
                f"数字从 1 起，且不早于 {FIRST_YEAR} 年：近7天、近2周、近3个月。",
            )  # fmt: skip
        return Span(first, tomorrow, f"{count}{unit}")


def _before(day: date, count: int, unit: str) -> date | None:
    """Return the day so many units earlier; None if that is too far back."""
    if unit in "dw":
        days = count * (7 if unit == "w" else 1)
        return day - timedelta(days=days) if days <= (day - date(FIRST_YEAR, 1, 1)).days else None
    months = count * (_MONTHS if unit == "y" else 1)
    if months > (day.year - FIRST_YEAR) * _MONTHS:
        return None
    return _months_later(day, -months)


def _months_later(day: date, count: int) -> date:
    """Return the same day of another month, or the last that this month has."""
    month = day.year * _MONTHS + day.month - 1 + count
    year, month = month // _MONTHS, month % _MONTHS + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _not_understood(spot: Spot) -> NoReturn:
    spot.refuse(
        BadDateError, "write 2026, 2026-11 or 2026-11-03, a range such as 2026-10..2026-11-03, today, yesterday, "
        "or 7d, 2w, 3m for the last days, weeks or months.",
        "请写 2026、2026-11 或 2026-11-03，范围如 2026-10..2026-11-03，或 今天、昨天、近7天、近2周、近3个月。",
    )  # fmt: skip
