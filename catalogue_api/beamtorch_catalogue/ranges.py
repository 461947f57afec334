"""Parts of a file, and whether the asker has it already (RFC 9110, sections 8.8, 13 and 14), pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from beamtorch_identity.reader.client import OpenFile

_ONE = re.compile(r"\s*bytes\s*=\s*(?:(\d{1,19})-(\d{0,19})|-(\d{1,19}))\s*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?"[^"]*"')


@dataclass(frozen=True)
class Part:
    """What is sent of a file: the status, and which bytes."""

    status: HTTPStatus
    start: int = 0
    length: int = 0


def etag(file: OpenFile) -> str:
    """Return the tag of a file: another one as soon as it is replaced, written to or cut."""
    return f'"{file.inode:x}-{file.mtime_ns:x}-{file.size:x}"'


def last_modified(file: OpenFile) -> str:
    """Return when a file was last written, as HTTP says it."""
    return formatdate(file.mtime_ns // 10**9, usegmt=True)


def part_of(file: OpenFile, headers: Mapping[str, str]) -> Part:
    """Return what a request with these headers gets of a file; names of headers are in lower case."""
    tag = etag(file)
    wanted = headers.get("if-match")
    if wanted is not None and wanted.strip() != "*" and tag not in _TAG.findall(wanted):
        return Part(HTTPStatus.PRECONDITION_FAILED)
    known = headers.get("if-none-match")
    if known is not None and (known.strip() == "*" or tag in [one.removeprefix("W/") for one in _TAG.findall(known)]):
        return Part(HTTPStatus.NOT_MODIFIED)
    whole = Part(HTTPStatus.OK, 0, file.size)
    if_range = headers.get("if-range")
    if "range" not in headers or (if_range is not None and if_range.strip() != tag):
        # A date in If-Range never fits: within its second a file may change (13.1.5). The whole file is always right.
        return whole
    return _range(headers["range"], file.size) or whole


def _range(text: str, size: int) -> Part | None:
    """Return the one range that is asked for; None for several, or for what is no range: both may be ignored (14.2)."""
    found = _ONE.fullmatch(text)
    if found is None:
        return None
    first, last, suffix = found.groups()
    if suffix is not None:
        start, end = max(0, size - int(suffix)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size or start > end or suffix == "0":
        return Part(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    return Part(HTTPStatus.PARTIAL_CONTENT, start, end - start + 1)
