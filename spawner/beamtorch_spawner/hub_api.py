"""The Hub's REST API as the services need it, with the service's own token. JupyterHub 6 and 5 alike."""

import asyncio
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from beamtorch_facility.words import Words
from beamtorch_service.caller import HubUnreachableError
from beamtorch_service.settings import HubSettings
from beamtorch_spawner.errors import SpawnerError, SpawnerRefusedError
from beamtorch_spawner.services.ports import HubServer

HUB_SCOPES = ("list:users", "read:users:name", "servers", "admin:users")
"""What the service's role needs, in words of JupyterHub 5, too: to see, start and stop servers, to add people."""
PAGE = 200
AGAIN_SECONDS = 0.2
START_SECONDS = 30.0
"""The Hub answers a start when it is done or after its own patience (10 s by default)."""


class HubRefusedError(SpawnerError):
    """The Hub does not let this service do its work."""

    code = "hub-refused"
    status = 502
    title = Words(en="The hub refused", zh="Hub 拒绝了请求")


class HubBusyError(SpawnerError):
    """The Hub cannot begin a start now; asked again later it can."""

    code = "hub-busy"
    status = 503
    title = Words(en="The hub is busy", zh="Hub 正忙")


class HttpHubApi:
    """Asks the Hub over HTTP."""

    def __init__(self, settings: HubSettings, client: httpx.AsyncClient) -> None:
        self._client = client
        self._base = settings.api_url.rstrip("/")
        self._headers = {"Authorization": f"token {settings.api_token.get_secret_value()}"}

    async def servers(self, username: str | None = None) -> tuple[HubServer, ...]:
        """Return active servers of one person, or of everybody."""
        if username is not None:
            answer = await self._send("GET", f"users/{quote(username, safe='')}")
            return () if answer.status_code == HTTPStatus.NOT_FOUND else _servers_of(self._body(answer))
        return tuple([server for user in await self._pages("users?state=active") for server in _servers_of(user)])

    async def ensure_user(self, username: str) -> bool:
        """Make a person known at the Hub; True if they were not."""
        answer = await self._send("POST", f"users/{quote(username, safe='')}")
        if answer.status_code == HTTPStatus.CONFLICT:
            return False
        self._body(answer)
        return True

    async def knows(self, username: str) -> bool:
        """Tell whether the Hub knows a person."""
        answer = await self._send("GET", f"users/{quote(username, safe='')}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return False
        self._body(answer)
        return True

    async def users(self) -> frozenset[str]:
        """Return the names that the Hub knows."""
        return frozenset(str(user["name"]) for user in await self._pages("users"))

    async def start(self, username: str, server: str, user_options: Mapping[str, Any]) -> bool:
        """Ask for a start; False if the server runs already; a refusal becomes the error of its sentence."""
        # JupyterHub 5 reads the body as the options themselves; 6 wants them under a name.
        version = await self._major_version()
        body = {"user_options": dict(user_options)} if version >= 6 else dict(user_options)  # noqa: PLR2004
        answer = await self._send("POST", _server_path(username, server), body, seconds=START_SECONDS)
        if answer.status_code == HTTPStatus.BAD_REQUEST and "already running" in answer.text:
            return False
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS or _is_pending(answer):
            raise _busy()
        if answer.is_client_error:
            raise _refused(answer)
        self._body(answer)
        return True

    async def stop(self, username: str, server: str) -> None:
        """Ask for a stop; nothing running is fine."""
        answer = await self._send("DELETE", _server_path(username, server), seconds=START_SECONDS)
        if answer.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
            self._body(answer)

    async def _major_version(self) -> int:
        answer = await self._send("GET", "")
        return int(str(self._body(answer).get("version", "6")).split(".", maxsplit=1)[0])

    async def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            joint = "&" if "?" in path else "?"
            answer = await self._send("GET", f"{path}{joint}limit={PAGE}&offset={len(found)}")
            page = self._body(answer)
            found += page
            if len(page) < PAGE:
                return found

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float | None = None
    ) -> httpx.Response:
        more: dict[str, Any] = {"timeout": seconds} if seconds is not None else {}
        if body is not None:
            more |= {"content": json.dumps(body), "headers": {**self._headers, "Content-Type": "application/json"}}
        url, more = f"{self._base}/{path}", {"headers": self._headers, **more}
        try:
            answer = await self._client.request(method, url, **more)
        except httpx.HTTPError as error:
            # A question may be asked twice, as when the Hub closed an idle connection; a start or a stop may not.
            if method != "GET" or isinstance(error, httpx.TimeoutException):
                raise _unreachable() from error
            answer = await self._once_more(url, more)
        if answer.is_server_error:
            raise _unreachable()
        return answer

    async def _once_more(self, url: str, more: dict[str, Any]) -> httpx.Response:
        await asyncio.sleep(AGAIN_SECONDS)
        try:
            return await self._client.get(url, **more)
        except httpx.HTTPError as error:
            raise _unreachable() from error

    @staticmethod
    def _body(answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json() if answer.content else {}
        raise HubRefusedError(
            Words(
                en=f"The hub answered {answer.status_code} to the spawner service. The facility has to look at the "
                "scopes of its role in the hub's configuration.",
                zh=f"Hub 对启动服务的回答是 {answer.status_code}。请设施人员检查 Hub 配置中该服务角色的权限。",
            )
        )


def _server_path(username: str, server: str) -> str:
    name = quote(username, safe="")
    return f"users/{name}/servers/{quote(server, safe='')}" if server else f"users/{name}/server"


def _servers_of(user: dict[str, Any]) -> tuple[HubServer, ...]:
    return tuple(
        HubServer(
            username=user["name"],
            server=name,
            ready=bool(server.get("ready")),
            pending=server.get("pending"),
            stopped=bool(server.get("stopped", False)),
            url=server.get("url"),
            pod=(server.get("state") or {}).get("pod_name"),
        )
        for name, server in user.get("servers", {}).items()
        if not server.get("stopped", False)
    )


def _refused(answer: httpx.Response) -> SpawnerRefusedError:
    try:
        said = str(answer.json().get("message") or answer.text)[:500]
    except ValueError:
        said = answer.text[:500]
    return SpawnerRefusedError(
        Words(en=said or "The hub refused the start.", zh=said or "Hub 拒绝了启动。"),
        title=Words(en="The hub refused the start", zh="Hub 拒绝了启动"),
        code="hub-refused-start",
        status=answer.status_code,
    )


def _is_pending(answer: httpx.Response) -> bool:
    """Tell whether the Hub is still busy with the server's last stop, or a check of it."""
    return answer.status_code == HTTPStatus.BAD_REQUEST and "is pending" in answer.text


def _busy() -> HubBusyError:
    return HubBusyError(
        Words(
            en="The hub starts as many servers as it can already, or the last one is just being stopped. It is asked "
            "again in a moment.",
            zh="Hub 正忙于其他启动，或上一个服务器正在停止。稍后会再次请求。",
        )
    )


def _unreachable() -> HubUnreachableError:
    return HubUnreachableError(
        Words(
            en="The hub does not answer, so nothing can be started or stopped now. It is usually back within a minute; "
            "try again.",
            zh="Hub 无响应，暂时无法启动或停止。通常一分钟内恢复，请稍后重试。",
        )
    )
