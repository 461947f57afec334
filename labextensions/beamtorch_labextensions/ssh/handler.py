"""The door ``/beamtorch/ssh``: a websocket of the lab's server that carries one ssh connection.

Whoever comes here has a token that opens this server, and still needs the private half of a key of its person.
"""

import asyncio
import contextlib
from datetime import UTC, datetime
from functools import partial
from typing import Any

from jupyter_server.auth.decorator import authorized, ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from beamtorch_labextensions.handlers import Problems
from beamtorch_labextensions.session import Session
from beamtorch_labextensions.ssh.access import prepare
from beamtorch_labextensions.ssh.tunnel import Tunnel, open_tunnel

MOST_AT_ONCE = 1024 * 1024
_NOT_BYTES = 1003
"""“Unsupported data” (RFC 6455, 7.4.1)."""


class SshHandler(WebSocketMixin, Problems, WebSocketHandler):
    """Carries bytes between a websocket and an sshd of its own."""

    auth_resource = "beamtorch"
    tunnel: Tunnel
    outward: "asyncio.Task[None]"

    def initialize(self, session: Session) -> None:
        """Take the session from the routes."""
        self.session = session
        self.opened = asyncio.Event()

    @property
    def max_message_size(self) -> int:
        """The most that a message may have; ours have 64 KiB."""
        return MOST_AT_ONCE

    @ws_authenticated
    @authorized(action="execute")
    async def get(self, *arguments: Any, **named: Any) -> None:
        """Carry a connection from its beginning to its end; what stands against it is a problem document."""
        if self.get_origin() is not None:
            raise HTTPError(403, "no page of a browser speaks ssh")
        if self.request.headers.get("Upgrade", "").lower() != "websocket":
            await super().get(*arguments, **named)
            return
        prepared = await asyncio.get_running_loop().run_in_executor(None, prepare, self.session.environment)
        make = partial(prepared.server, environment=self.session.environment)
        async with open_tunnel(make, self._note) as self.tunnel:
            self.outward = asyncio.create_task(self._carry_outward())
            try:
                await super().get(*arguments, **named)
            finally:
                self.outward.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self.outward

    def finish(self, chunk: Any = None, *, set_content_type: str | None = None) -> Any:
        """Answer without an upgrade."""
        if set_content_type is not None:
            self.set_header("Content-Type", set_content_type)
        return super().finish(chunk)

    def open(self, *arguments: Any, **named: Any) -> Any:
        """Send each keystroke at once."""
        self.set_nodelay(True)
        self.opened.set()
        return super().open(*arguments, **named)

    async def on_message(self, message: str | bytes) -> None:
        """Give a message to sshd; the next one is read when this one is taken."""
        if isinstance(message, str):
            self.close(_NOT_BYTES, "only bytes")
            return
        self._note_activity()
        try:
            await self.tunnel.send(message)
        except OSError:
            self.close()

    async def _carry_outward(self) -> None:
        await self.opened.wait()
        with contextlib.suppress(WebSocketClosedError):
            async for data in self.tunnel.pieces():
                self._note_activity()
                await self.write_message(data, binary=True)
        self.close()

    def _note(self, line: str) -> None:
        self.log.info("ssh: %s", line)

    def _note_activity(self) -> None:
        """Let the lab count as used, as a terminal does."""
        self.settings["last_activity_times"]["beamtorch_ssh"] = datetime.now(UTC)


ROUTES = ((r"beamtorch/ssh", SshHandler),)
