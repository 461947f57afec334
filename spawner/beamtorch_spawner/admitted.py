"""What both spawners share: nothing starts without an admission, and the spawner service hears what became of it."""

import asyncio
import hashlib
import os
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from traitlets import Unicode, default
from traitlets.config import LoggingConfigurable

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import ReleaseTooSlowError, ServerInUseError, SpawnerRefusedError, SpawnerUnreachableError
from beamtorch_spawner.lab_words import ASKING, STRAY
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.torch_client import LeaseReports, TorchClient
from beamtorch_spawner.wire import Admission, AdmissionRequest, Grant, LeaseReport, LeaseState, Peer

T = TypeVar("T")
WAIT_SECONDS = 0.5
AWAY_SECONDS = 60.0
"""How long the service may be away while somebody waits for a terminal."""
LONGEST_GRACE_SECONDS = 3600
"""No terminal gives more (`TerminalInfo.grace_seconds`)."""
CONTROL = {"_xsrf", "next"}
"""Fields of a form that are the Hub's own."""
FEW_LINES, SHORT = 50, 100


class AdmittedSpawner(LoggingConfigurable):
    """The part of a spawner that asks before it starts; goes before JupyterHub's own class in the list of bases."""

    user: Any
    name: str
    start_timeout: Any
    user_options: Any

    spawner_url = Unicode(help="The spawner service, e.g. http://127.0.0.1:8201/services/spawner/").tag(config=True)
    spawner_token = Unicode(help="Token of the Hub's service “torch”").tag(config=True)

    @default("spawner_url")
    def _spawner_url_default(self) -> str:
        return os.environ.get("BEAMTORCH_SPAWNER_URL", "")

    @default("spawner_token")
    def _spawner_token_default(self) -> str:
        return os.environ.get("BEAMTORCH_SPAWNER_TOKEN", "")

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        return options_from_form

    @default("apply_user_options")
    def _apply_user_options_default(self) -> Any:
        # Options are judged in `start`, where those that came by REST pass as well.
        return lambda spawner, options: None  # noqa: ARG005 - JupyterHub's signature

    def __init__(self, **traits: Any) -> None:
        self._step: Words = ASKING
        self._lease = ""
        self._patience: float | None = None
        super().__init__(**traits)
        self._client = TorchClient(self.spawner_url, self.spawner_token)
        self._reports = LeaseReports(self._client, self.log)

    def in_its_own_time(self, starting: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Begin a start whose admission may take a terminal's grace, which is none of the Hub's patience with a start.

        The Hub reads its patience right after it has called `start`; what it reads here is longer, and as soon as there
        is an admission the trait is again what it was.
        """
        self._patience = self._patience or self.start_timeout
        self.start_timeout = int(self._patience) + LONGEST_GRACE_SECONDS
        return asyncio.ensure_future(starting)

    async def admission(self, own: Resources | None = None) -> Grant:
        """Return the grant for a start, after the wait for a terminal's last user if there is one.

        Raises
        ------
        BeamtorchError
            The refusal, or that the service cannot be asked.
        """
        try:
            return await self._admission(own)
        finally:
            if self._patience is not None:
                self.start_timeout, self._patience = int(self._patience), None

    async def _admission(self, own: Resources | None) -> Grant:
        peer, session = origin(getattr(self, "handler", None), self.user.name)
        request = AdmissionRequest(
            username=self.user.name,
            server=self.name,
            user_options=dict(self.user_options or {}),
            peer=peer,
            browser_session=session,
            hub_groups=tuple(group.name for group in self.user.groups)[:5000],
            own=own,
        )
        try:
            answer = await self._client.admit(request)
        except SpawnerRefusedError as refused:
            if refused.code != ServerInUseError.code:
                raise
            # The Hub starts only what it knows not to run, so the lease outlived its server or a stray one holds it.
            await self.end_stray(str(refused.facts.get("lease", "")))
            over = LeaseReport(state=LeaseState.ENDED, reason=STRAY)
            await self._client.report(str(refused.facts.get("lease", "")), over)
            answer = await self._client.admit(request)
        return await self._granted(answer)

    async def end_stray(self, lease: str) -> None:
        """End what still runs under this server's name without the Hub's knowledge."""
        raise NotImplementedError

    async def _granted(self, answer: Admission) -> Grant:
        self._lease, until = answer.lease, None
        while answer.grant is None:
            if answer.waiting is not None:
                self._step = answer.waiting.message
                until = until or self._last_moment(answer.waiting.until)
            if until is not None and time.monotonic() > until:
                raise self._waited_in_vain()
            await asyncio.sleep(WAIT_SECONDS)
            answer = await self._asked_again(answer)
        return answer.grant

    async def _asked_again(self, before: Admission) -> Admission:
        """Ask what became of a wait; the service may be away for a while, its successor goes on where it was."""
        until = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                return await self._client.grant(before.lease)
            except SpawnerUnreachableError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(WAIT_SECONDS)

    def _last_moment(self, grace_ends: datetime) -> float:
        """Return until when to wait for another's server to be gone: its grace, and what any step may take."""
        left = (grace_ends - datetime.now(UTC)).total_seconds()
        return time.monotonic() + min(max(left, 0), LONGEST_GRACE_SECONDS) + (self._patience or self.start_timeout)

    def _waited_in_vain(self) -> ReleaseTooSlowError:
        error = ReleaseTooSlowError(
            Words(
                en="What ran at this terminal before did not end in time, so your server was not started. Start again "
                "in a minute; if it stays, tell the beamline.",
                zh="本终端此前运行的内容未能按时结束，因此您的服务器没有启动。请一分钟后重试；若仍如此，请联系线站。",
            )
        )
        self._reports.tell(self._lease, LeaseState.FAILED, error.detail)
        self._lease = ""
        return error

    def give_up_lease(self) -> None:
        """Tell that a start was given up before anything ran, so that nobody has to go for it."""
        if self._lease:
            self._reports.tell(self._lease, LeaseState.ENDED, GIVEN_UP)
            self._lease = ""


GIVEN_UP = Words(en="The start was given up before the server ran.", zh="启动在服务器运行前被取消。")


def origin(handler: Any, owner: str) -> tuple[Peer | None, str | None]:
    """Return who is connected to the Hub with which session, for an owner's own click.

    Nothing for whatever only looks (GET), nor for an admin or a service who starts somebody's server from elsewhere.
    """
    if handler is None or handler.request.method != "POST":
        return None, None
    if getattr(getattr(handler, "current_user", None), "name", None) != owner:
        return None, None
    session = handler.get_session_cookie() if hasattr(handler, "get_session_cookie") else None
    return peer_of(handler), hashlib.sha256(session.encode()).hexdigest() if session else None


def peer_of(handler: Any) -> Peer:
    """Return who is connected to the Hub.

    The address is the socket's own. `remote_ip` is what any client wrote into X-Real-IP.
    """
    context = getattr(handler.request.connection, "context", None)
    address = str(getattr(context, "_orig_remote_ip", None) or "unknown")
    lines = handler.request.headers.get_list("X-Forwarded-For")
    if len(lines) > FEW_LINES:
        return Peer(address="unknown")
    return Peer(address=address[:SHORT], forwarded_for=tuple(lines))


def options_from_form(form: dict[str, list[Any]]) -> dict[str, Any]:
    """Return the options of a form: one value each; whatever cannot be one is left as it is, to be refused by name."""
    single = {name: values[0] if len(values) == 1 else values for name, values in form.items()}
    return {name: value for name, value in single.items() if value != "" and name not in CONTROL}
