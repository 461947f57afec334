"""Browser sessions that end with a release at a terminal, one by one.

JupyterHub's login cookie is one for all browsers of a person, so that withdrawing it signs them out everywhere. Here
each login binds it to a session of its own by a second, signed cookie; whoever comes with a session that has ended, or
with none, is not signed in. The spawner API tells which sessions ended.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from pydantic import TypeAdapter, ValidationError

from beamtorch_service.tls import trusted
from beamtorch_spawner.wire import EndedSession

log = logging.getLogger(__name__)
COOKIE, TOLD = "beamtorch-session", "beamtorch-session-ended"
LOOK_SECONDS = 2.0
FIRST_LOOK_SECONDS = 3.0
TOLD_SECONDS = 60
_ENDED = TypeAdapter(list[EndedSession])


@dataclass
class EndedSessions:
    """Which sessions have ended, as the spawner API tells; what was once known stays known while it is away."""

    url: str
    token: str
    digests: set[str] = field(default_factory=set)
    _last: int = 0
    _looking: "asyncio.Task[None] | None" = None
    _first: "asyncio.Event | None" = None

    async def ready(self, db: Any) -> None:
        """Begin to follow the spawner API; the first request waits for its first answer, for a bounded time."""
        if self._looking is None:
            self._first = asyncio.Event()
            self._looking = asyncio.create_task(self._follow(db))
        if self._first is not None and not self._first.is_set():
            try:
                await asyncio.wait_for(self._first.wait(), FIRST_LOOK_SECONDS)
            except TimeoutError:
                self._first.set()

    def has(self, session: str) -> bool:
        """Tell whether a session has ended."""
        return digest(session) in self.digests

    async def _follow(self, db: Any) -> None:
        async with httpx.AsyncClient(timeout=FIRST_LOOK_SECONDS, trust_env=False, verify=trusted()) as client:
            while True:
                try:
                    await self._look(client, db)
                except (httpx.HTTPError, httpx.InvalidURL, ValidationError) as error:
                    log.debug("the spawner API tells no ended sessions: %s", error)
                except Exception:
                    log.exception("a fault while following ended sessions")
                if self._first is not None:
                    self._first.set()
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, client: httpx.AsyncClient, db: Any) -> None:
        headers = {"Authorization": f"token {self.token}"}
        answer = await client.get(f"{self.url.rstrip('/')}/sessions/ended?after={self._last}", headers=headers)
        answer.raise_for_status()
        told = _ENDED.validate_json(answer.content)
        new = {one.session for one in told} - self.digests
        if new:
            _withdraw_tokens(db, new)
            self.digests |= new
        self._last = max([self._last, *(one.number for one in told)])


def digest(session: str) -> str:
    """Return a session's name outside the Hub, which nobody can sign in with."""
    return hashlib.sha256(session.encode()).hexdigest()


def _withdraw_tokens(db: Any, sessions: set[str]) -> None:
    """Withdraw what services and labs gave to a browser in these sessions."""
    for token in db.query(orm.APIToken).filter(orm.APIToken.session_id.is_not(None)):
        if token.session_id and digest(token.session_id) in sessions:
            db.delete(token)
    db.commit()


def guard_sessions(ended: EndedSessions) -> None:
    """Let every handler of the Hub look at its browser's session.

    The base class is the only place that all authenticators and all pages share.
    """
    _bind_at_login(BaseHandler.set_hub_cookie)
    _read_signed(BaseHandler.get_session_cookie)
    _refuse_ended(BaseHandler.get_current_user_cookie, ended)
    _tell_at_login(BaseHandler.template_namespace)
    plain: Callable[[Any], Any] = BaseHandler.prepare

    async def prepare(self: Any) -> None:
        await ended.ready(self.db)
        await plain(self)

    BaseHandler.prepare = prepare


def _bind_at_login(plain: Callable[[Any, Any], None]) -> None:
    def set_hub_cookie(self: Any, user: Any) -> None:
        # A new login is a new session, also where somebody else's was open in this browser.
        vars(self).pop("_session_id", None)
        session = self.set_session_cookie()
        plain(self, user)
        self._set_cookie(COOKIE, session, encrypted=True, path=self.hub.base_url)
        self.clear_cookie(TOLD, path=self.hub.base_url)

    BaseHandler.set_hub_cookie = set_hub_cookie


def _read_signed(plain: Callable[[Any], str | None]) -> None:
    def get_session_cookie(self: Any) -> str | None:
        return getattr(self, "_session_id", None) or _signed(self) or plain(self)

    BaseHandler.get_session_cookie = get_session_cookie


def _refuse_ended(plain: Callable[[Any], Any], ended: EndedSessions) -> None:
    def get_current_user_cookie(self: Any) -> Any:
        if not self.get_cookie(self.hub.cookie_name):
            return None
        session = _signed(self)
        if session is not None and not ended.has(session):
            return plain(self)
        if session is not None:
            self._set_cookie(TOLD, "1", encrypted=False, path=self.hub.base_url, max_age=TOLD_SECONDS)
        for name in (COOKIE, self.hub.cookie_name):
            self.clear_cookie(name, path=self.hub.base_url)
        return None

    BaseHandler.get_current_user_cookie = get_current_user_cookie


def _tell_at_login(plain: property) -> None:
    def template_namespace(self: Any) -> dict[str, Any]:
        names: dict[str, Any] = plain.fget(self) if plain.fget is not None else {}
        return {**names, "session_ended": self.get_cookie(TOLD) == "1"}

    BaseHandler.template_namespace = property(template_namespace)


def _signed(handler: Any) -> str | None:
    value = handler.get_secure_cookie(COOKIE, max_age_days=handler.cookie_max_age_days)
    return value.decode() if value else None
