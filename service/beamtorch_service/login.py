"""Signing in a browser at a service's own pages, by the Hub's OAuth (authorization code with PKCE, RFC 7636).

The access token stays in a cookie that scripts cannot read and that only this service gets. The cookie opens pages
(GET) alone: whatever changes something wants the token in the ``Authorization`` header, so that no other page of the
same origin can act in somebody's name.
"""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, HubDoor, NotSignedInError
from beamtorch_service.settings import HubSettings

STATE_SECONDS = 600


def token_of(request: Request) -> str:
    """Return what the ``Authorization`` header brings, or nothing."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in {"token", "bearer"} else ""


@dataclass(frozen=True)
class _Started:
    at: float
    verifier: str
    next_url: str


@dataclass
class HubLogin:
    """Tells who is calling, and sends a browser that nobody knows to the Hub."""

    settings: HubSettings
    client: httpx.AsyncClient
    _started: dict[str, _Started] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.door = HubDoor(self.settings, self.client)

    @property
    def cookie(self) -> str:
        """Name of the cookie with the access token."""
        return f"beamtorch-{self.settings.service}"

    def _state_cookie(self, state: str) -> str:
        """Name of the cookie that ties one sign-in to the browser that began it; two tabs may sign in at once."""
        return f"{self.cookie}-state-{hashlib.sha256(state.encode()).hexdigest()[:12]}"

    async def by_header(self, request: Request) -> Caller:
        """Return who calls the REST API: by header always, by cookie for reading only."""
        if token := token_of(request):
            return await self.door.caller(token)
        token = request.cookies.get(self.cookie, "")
        if token and request.method in {"GET", "HEAD"}:
            return await self.door.caller(token)
        raise NotSignedInError(
            Words(
                en="This needs a token: send “Authorization: token …”. “beamtorch token” makes one.",
                zh="需要令牌：请发送“Authorization: token …”。可用 beamtorch token 生成。",
            )
        )

    async def by_cookie(self, request: Request) -> Caller | None:
        """Return who looks at a page, or None for a browser that has to sign in first."""
        token = request.cookies.get(self.cookie, "")
        try:
            return await self.door.caller(token) if token else None
        except NotSignedInError:
            return None

    def send_to_hub(self, request: Request) -> RedirectResponse:
        """Start the sign-in and remember which page was wanted."""
        now = time.monotonic()
        self._started = {k: s for k, s in self._started.items() if now - s.at < STATE_SECONDS}
        state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self._started[state] = _Started(now, verifier, wanted)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        query = urlencode(
            {
                "client_id": self.settings.client_id,
                "redirect_uri": f"{self.settings.prefix}oauth_callback",
                "response_type": "code",
                "state": state,
                "code_challenge": digest,
                "code_challenge_method": "S256",
            }
        )
        answer = RedirectResponse(f"{self.settings.hub_prefix}api/oauth2/authorize?{query}", status_code=302)
        answer.set_cookie(
            self._state_cookie(state),
            "begun-here",
            max_age=STATE_SECONDS,
            path=self.settings.prefix,
            httponly=True,
            samesite="lax",
        )
        return answer

    def router(self) -> APIRouter:
        """Return the one route that the Hub sends the browser back to."""
        router = APIRouter()

        @router.get("/oauth_callback", include_in_schema=False)
        async def oauth_callback(
            request: Request, state: Annotated[str, Query()] = "", code: Annotated[str, Query()] = ""
        ) -> RedirectResponse:
            started = self._started.pop(state, None)
            if started is None or self._state_cookie(state) not in request.cookies or not code:
                # No new try from here: a browser that keeps no cookies would go round for ever.
                raise NotSignedInError(
                    Words(
                        en="This sign-in was not begun in this browser, or it took too long. "
                        "Open the page again; cookies have to be allowed.",
                        zh="此次登录并非由本浏览器发起，或已超时。请重新打开页面，并允许使用 Cookie。",
                    )
                )
            token = await self._redeem(code, started.verifier)
            answer = RedirectResponse(started.next_url, status_code=302)
            answer.set_cookie(self.cookie, token, path=self.settings.prefix, httponly=True, samesite="lax")
            answer.delete_cookie(self._state_cookie(state), path=self.settings.prefix)
            return answer

        return router

    async def _redeem(self, code: str, verifier: str) -> str:
        answer = await self.client.post(
            f"{self.settings.api_url.rstrip('/')}/oauth2/token",
            data={
                "client_id": self.settings.client_id,
                "client_secret": self.settings.api_token.get_secret_value(),
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": f"{self.settings.prefix}oauth_callback",
            },
        )
        if answer.is_error:
            raise NotSignedInError(
                Words(
                    en="The hub did not complete the sign-in. Open the page again.", zh="登录未完成，请重新打开页面。"
                )
            )
        return str(answer.json()["access_token"])
