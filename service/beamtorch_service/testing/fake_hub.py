"""The part of JupyterHub's REST API that services talk to, with state and without a socket."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

import httpx


@dataclass
class FakeHub:
    """Tokens with their owners, and pending sign-ins; ``reachable`` and ``healthy`` make it fail as a Hub does."""

    owners: dict[str, dict[str, object]] = field(default_factory=dict)
    reachable: bool = True
    healthy: bool = True
    asked: int = 0
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def issue(self, name: str, *scopes: str, kind: str = "user", admin: bool = False) -> str:
        """Return a fresh token of a user or service."""
        token = secrets.token_hex(16)
        self.owners[token] = {"name": name, "kind": kind, "admin": admin, "scopes": list(scopes)}
        return token

    def withdraw(self, token: str) -> None:
        """Forget a token, as a sign-out does."""
        del self.owners[token]

    def authorize(self, location: str, token: str) -> str:
        """Play the browser at the Hub's authorize page; return where the Hub sends it back to."""
        query = parse_qs(httpx.URL(location).query.decode())
        code = secrets.token_hex(8)
        self._codes[code] = (query["code_challenge"][0], token)
        return f"{query['redirect_uri'][0]}?{urlencode({'code': code, 'state': query['state'][0]})}"

    def client(self) -> httpx.AsyncClient:
        """Return a client whose every request comes here."""
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a request as JupyterHub would."""
        self.asked += 1
        if not self.reachable:
            raise httpx.ConnectError("connection refused", request=request)
        if not self.healthy:
            return httpx.Response(502)
        match request.url.path:
            case "/hub/api/user":
                token = request.headers.get("Authorization", "").removeprefix("token ")
                owner = self.owners.get(token)
                return httpx.Response(200, json=owner) if owner else httpx.Response(403, json={"status": 403})
            case "/hub/api/oauth2/token":
                return self._redeem(parse_qs(request.content.decode()))
        return httpx.Response(404)

    def _redeem(self, form: dict[str, list[str]]) -> httpx.Response:
        challenge, token = self._codes.pop(form["code"][0], ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
        if not token or base64.urlsafe_b64encode(digest).decode().rstrip("=") != challenge:
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json={"access_token": token, "token_type": "Bearer"})
