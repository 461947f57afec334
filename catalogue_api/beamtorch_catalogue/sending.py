"""An open file as the answer to a request: which headers, which part, and the descriptor closed in any case."""

import os
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from anyio import to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from beamtorch_catalogue.ranges import Part, etag, last_modified, part_of
from beamtorch_catalogue.sendfile import ZERO_COPY
from beamtorch_identity.reader.client import OpenFile

_PIECE = 1024**2
_ASCII = range(0x20, 0x7F)


class OpenFileResponse(Response):
    """Sends an open file, by the server's sendfile where it has one."""

    def __init__(self, file: OpenFile, name: str, asked: Mapping[str, str]) -> None:
        self._file = file
        self._part = part_of(file, asked)
        super().__init__(status_code=self._part.status)
        self.raw_headers = [(key.encode(), value.encode()) for key, value in _headers(file, name, self._part).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - the signature of ASGI
        """Answer, and give the descriptor back."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD" or not self._part.length:
                await send({"type": "http.response.body", "body": b""})
            elif ZERO_COPY in scope.get("extensions", {}):
                message = {"file": self._file.descriptor, "offset": self._part.start, "count": self._part.length}
                await send({"type": ZERO_COPY, **message})
            else:
                await self._copy(send)
        finally:
            self._file.close()

    async def _copy(self, send: Send) -> None:
        """Send piece by piece, for a server without sendfile."""
        at, end = self._part.start, self._part.start + self._part.length
        while at < end:
            piece = await to_thread.run_sync(os.pread, self._file.descriptor, min(_PIECE, end - at), at)
            if not piece:
                # The connection ends before its length: better no file than a wrong one.
                raise ConnectionAbortedError("the file became shorter while it was sent")
            at += len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": at < end})


def _headers(file: OpenFile, name: str, part: Part) -> dict[str, str]:
    headers = {
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "etag": etag(file),
        "last-modified": last_modified(file),
        "x-content-type-options": "nosniff",
    }
    if part.status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        headers |= {"content-type": "application/octet-stream", "content-disposition": disposition(name)}
    if part.status is HTTPStatus.PARTIAL_CONTENT:
        headers["content-range"] = f"bytes {part.start}-{part.start + part.length - 1}/{file.size}"
    if part.status is HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        headers["content-range"] = f"bytes */{file.size}"
    if part.status is not HTTPStatus.NOT_MODIFIED:
        headers["content-length"] = str(part.length)
    return headers


def disposition(name: str) -> str:
    """Return the header that names the file to be kept (RFC 6266): plain for old programs, in full for all others."""
    plain = "".join(letter if ord(letter) in _ASCII and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
