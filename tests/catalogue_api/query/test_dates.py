"""Dates: which moments they span, wherever midnight is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from beamtorch_catalogue.query import Dates, parse
from beamtorch_spawner.testing.set_clock import SetClock

BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 20, tzinfo=UTC)  # four in the morning of the 22nd in Beijing


def span(q: str, now: datetime = NOW, zone=UTC) -> tuple[str | None, str | None]:
    (term,) = parse(q, now=now, zone=zone).terms
    assert isinstance(term, Dates)
    return tuple(None if moment is None else f"{moment:%Y-%m-%dT%H}" for moment in (term.low, term.high))


@pytest.mark.parametrize(
    ("q", "low", "high"),
    [
        ("date:2026", "2026-01-01T00", "2027-01-01T00"),
        ("date:2026-11", "2026-11-01T00", "2026-12-01T00"),
        ("date:2026-12", "2026-12-01T00", "2027-01-01T00"),
        ("date:2026-11-03", "2026-11-03T00", "2026-11-04T00"),
        ("date:2028-02-29", "2028-02-29T00", "2028-03-01T00"),
        ("日期：2026/11/3", "2026-11-03T00", "2026-11-04T00"),
        ("日期:2026年11月3日", "2026-11-03T00", "2026-11-04T00"),
        ("日期:2026年", "2026-01-01T00", "2027-01-01T00"),
        ("date:2026-10..2026-11-03", "2026-10-01T00", "2026-11-04T00"),
        ("date:2026-10…2026-10", "2026-10-01T00", "2026-11-01T00"),
        ("日期:2026年10月至今天", "2026-10-01T00", "2026-11-22T00"),
        ("date:2026-10..", "2026-10-01T00", None),
        ("date:..2026-10", None, "2026-11-01T00"),
        ("date:yesterday..today", "2026-11-20T00", "2026-11-22T00"),
        ("date:Today", "2026-11-21T00", "2026-11-22T00"),
        ("日期:昨天", "2026-11-20T00", "2026-11-21T00"),
        ("date:7d", "2026-11-14T00", "2026-11-22T00"),
        ("date:2w", "2026-11-07T00", "2026-11-22T00"),
        ("date:3m", "2026-08-21T00", "2026-11-22T00"),
        ("date:1y", "2025-11-21T00", "2026-11-22T00"),
        ("日期:近7天", "2026-11-14T00", "2026-11-22T00"),
        ("日期:最近2周", "2026-11-07T00", "2026-11-22T00"),
        ("日期:过去3个月", "2026-08-21T00", "2026-11-22T00"),
    ],
)
def test_a_date_spans_whole_days(q, low, high):
    assert span(q) == (low, high)


def test_days_begin_at_midnight_of_the_zone():
    assert span("date:today", zone=BEIJING) == ("2026-11-21T16", "2026-11-22T16")
    assert span("date:2026-11-03", zone=BEIJING) == ("2026-11-02T16", "2026-11-03T16")
    berlin = ZoneInfo("Europe/Berlin")
    assert span("date:2026-10-25", zone=berlin) == ("2026-10-24T22", "2026-10-25T23")


def test_months_back_end_with_the_month_where_it_is_shorter():
    assert span("date:1m", now=datetime(2027, 3, 31, tzinfo=UTC))[0] == "2027-02-28T00"
    assert span("date:1y", now=datetime(2028, 2, 29, tzinfo=UTC))[0] == "2027-02-28T00"


def test_the_clock_is_asked_where_nobody_says_what_time_it_is():
    clock = SetClock()
    clock.wall = datetime(2030, 5, 6, 7, tzinfo=UTC)
    (term,) = parse("date:today", clock=clock).terms
    assert isinstance(term, Dates)
    assert term.low == datetime(2030, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("q", "position", "says"),
    [
        ("date:2026-13", 5, "no month 13"),
        ("date:2026-00", 5, "no month 0"),
        ("tooth date:2026-02-30", 11, "2026-02-28"),
        ("date:2027-02-29", 5, "2027-02-28"),
        ("date:2026-11-00", 5, "no such day"),
        ("date:1899", 5, "1900"),
        ("date:9999", 5, "2999"),
        ("date:0000", 5, "1900"),
        ("date:2026-11..2026-10", 5, "2026-10..2026-11"),
        ("date:..", 5, "2026-11-03"),
        ("date:1..2..3", 5, "2026-11-03"),
        ("date:0d", 5, "from 1"),
        ("date:999999y", 5, "1900"),
        ("date:999999d", 5, "1900"),
        ("date:tomorrow", 5, "yesterday"),
        ("date:20261103", 5, "2026-11-03"),
        ("date:2026-10,2026-11", 13, "2026-10..2026-11"),
        ("date > 2026-10", 0, "date:2026-10-01.."),
        ("2026-10..2026-11", 0, "date:2026-10..2026-11"),
    ],
)
def test_a_date_that_does_not_exist_is_refused_at_its_place(q, position, says):
    with pytest.raises(Exception, match="At character") as refused:
        span(q)
    assert (refused.value.code, refused.value.facts["position"]) == ("bad-date", position)
    assert says in refused.value.detail.en
