"""Which part of a file a request gets: every rule of RFC 9110 that we keep, without a server."""

import pytest

from beamtorch_catalogue.ranges import etag, part_of
from beamtorch_catalogue.sending import disposition
from beamtorch_identity.reader.client import OpenFile

FILE = OpenFile(descriptor=-1, size=1000, mtime_ns=1_790_000_000_123_456_789, inode=77)
EMPTY = OpenFile(descriptor=-1, size=0, mtime_ns=1, inode=78)
TAG = etag(FILE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", (206, 0, 1)),
        ("bytes=0-999", (206, 0, 1000)),
        ("bytes=0-99999", (206, 0, 1000)),
        ("bytes=999-", (206, 999, 1)),
        ("bytes=-1", (206, 999, 1)),
        ("bytes=-5000", (206, 0, 1000)),
        ("Bytes = 10-19", (206, 10, 10)),
        ("bytes=1000-", (416, 0, 0)),
        ("bytes=1000-1001", (416, 0, 0)),
        ("bytes=-0", (416, 0, 0)),
        ("bytes=19-10", (200, 0, 1000)),
        ("bytes=0-1,5-6", (200, 0, 1000)),
        ("bytes=a-b", (200, 0, 1000)),
        ("bytes=--5", (200, 0, 1000)),
        ("bytes=-", (200, 0, 1000)),
        ("bytes=0-" + "9" * 30, (200, 0, 1000)),
        ("lines=0-1", (200, 0, 1000)),
        ("bytes=٠-٩", (206, 0, 10)),
    ],
)
def test_a_range_is_one_part_or_the_whole_file_or_refused(text: str, expected: tuple[int, int, int]):
    part = part_of(FILE, {"range": text})
    assert (int(part.status), part.start, part.length) == expected


def test_an_empty_file_has_no_part():
    assert part_of(EMPTY, {}).length == 0
    assert int(part_of(EMPTY, {"range": "bytes=0-"}).status) == 416
    assert int(part_of(EMPTY, {"range": "bytes=-5"}).status) == 416


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-range": TAG}, 206),
        ({"if-range": '"other"'}, 200),
        ({"if-range": f"W/{TAG}"}, 200),
        ({"if-range": "Sat, 21 Nov 2026 10:00:00 GMT"}, 200),
        ({"if-match": TAG}, 206),
        ({"if-match": "*"}, 206),
        ({"if-match": f'"other", {TAG}'}, 206),
        ({"if-match": '"other"'}, 412),
        ({"if-match": f"W/{TAG}"}, 412),
        ({"if-none-match": TAG}, 304),
        ({"if-none-match": f'"other", W/{TAG}'}, 304),
        ({"if-none-match": "*"}, 304),
        ({"if-none-match": '"other"'}, 206),
    ],
)
def test_conditions_are_looked_at_before_the_range(headers: dict[str, str], status: int):
    assert int(part_of(FILE, {"range": "bytes=0-9", **headers}).status) == status


def test_each_change_of_a_file_changes_its_tag():
    others = [
        OpenFile(-1, 1001, FILE.mtime_ns, 77),
        OpenFile(-1, 1000, FILE.mtime_ns + 1, 77),
        OpenFile(-1, 1000, FILE.mtime_ns, 78),
    ]
    assert len({etag(FILE), *map(etag, others)}) == 4


@pytest.mark.parametrize(
    ("name", "plain", "full"),
    [
        ("tooth.h5", "tooth.h5", "tooth.h5"),
        ("牙齿 1.h5", "__ 1.h5", "%E7%89%99%E9%BD%BF%201.h5"),
        ('a"b\\c%.h5', "a_b_c_.h5", "a%22b%5Cc%25.h5"),
        ("a\r\nSet-Cookie: x=y", "a__Set-Cookie: x=y", "a%0D%0ASet-Cookie%3A%20x%3Dy"),
    ],
)
def test_every_name_of_a_file_travels_and_none_ends_the_header(name: str, plain: str, full: str):
    assert disposition(name) == f"attachment; filename=\"{plain}\"; filename*=UTF-8''{full}"
