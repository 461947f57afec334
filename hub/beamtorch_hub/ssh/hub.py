"""What the client asks a platform: who I am, which servers there are, by which key they are known, what went wrong."""

import ssl
from http import HTTPStatus
from typing import Any

import httpx

from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_hub.ssh.account import DEFAULT_SERVER, Account, is_server_name
from beamtorch_hub.ssh.errors import (
    LabNotRunningError,
    NoWayInError,
    PlatformUnreachableError,
    SshError,
    TokenNotTakenError,
)
from beamtorch_identity.ssh_keys import PublicKey

SECONDS = 15.0


class Platform:
    """A platform, asked in the name of an account."""

    def __init__(self, account: Account, tls: ssl.SSLContext) -> None:
        self.account = account
        self._http = httpx.Client(
            base_url=account.url, headers=account.headers, timeout=SECONDS, verify=tls, follow_redirects=False
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def username(self) -> str:
        """Return whose token it is.

        Raises
        ------
        TokenNotTakenError
            If the Hub does not know it.
        PlatformUnreachableError
            If nobody answers, or somebody who is no platform.
        """
        answer = self._get("hub/api/user")
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise TokenNotTakenError(
                Words(
                    en="The hub does not know your token, or it has expired. Make a new one on the hub's page “Token”.",
                    zh="令牌无效或已过期。请在 Hub 的“令牌”页面新建。",
                )
            )
        said = _body(answer)
        if not answer.is_success or not isinstance(said.get("name"), str):
            raise unreachable(self.account, f"it answers {answer.status_code}")
        return str(Username(said["name"]))

    def host_key(self) -> str | None:
        """Return by which key one's labs are known; None if the token may not ask.

        Raises
        ------
        PlatformUnreachableError
            If the spawner service is away.
        """
        answer = self._get("services/spawner/ssh/host-key")
        if answer.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return None
        key = _body(answer).get("key")
        if not isinstance(key, str):
            raise unreachable(self.account, f"its spawner service answers {answer.status_code}")
        return str(PublicKey.parse(key))

    def servers(self, username: str) -> tuple[str, ...]:
        """Return the names of servers that may be there: those on offer, and those that run."""
        offers = _list(self._get("services/spawner/environments"), "server")
        running = _list(self._get(f"services/spawner/userpod/{username}"), "podname")
        names = dict.fromkeys([DEFAULT_SERVER, *(name or DEFAULT_SERVER for name in (*offers, *running))])
        return tuple(name for name in names if is_server_name(name))

    def why_not(self, username: str, server: str, status: int, body: dict[str, Any]) -> SshError:
        """Return what a refused connection means."""
        if isinstance(body.get("detail"), str) and isinstance(body.get("type"), str):
            # The lab's own words.
            said = str(body["detail"])
            return NoWayInError(Words(en=said, zh=str(body.get("detail_zh", said))))
        # Raises if the token is none.
        owner = self.username()
        called = server or DEFAULT_SERVER
        if status == HTTPStatus.FORBIDDEN:
            return TokenNotTakenError(
                Words(
                    en=f"The token of {owner} may not open the server “{called}” of {username}. Make one with the "
                    "scope access:servers!user on the hub's page “Token”.",
                    zh=f"{owner} 的令牌无权打开 {username} 的服务器“{called}”。请在 Hub 的“令牌”页面新建带有 "
                    "access:servers!user 权限的令牌。",
                )
            )
        if self._runs(username, server):
            return NoWayInError(
                Words(
                    en=f"The server “{called}” runs and knows nothing of ssh; its image is older, or it is an app.",
                    zh=f"服务器“{called}”正在运行，但不支持 ssh：镜像较旧，或是应用。",
                )
            )
        start = f"{self.account.url}hub/home"
        return LabNotRunningError(
            Words(
                en=f"{username} has no running server “{called}”. Start it at {start} and connect again.",
                zh=f"{username} 没有运行中的服务器“{called}”。请在 {start} 启动后重新连接。",
            )
        )

    def _runs(self, username: str, server: str) -> bool:
        """Tell whether a server runs, by the spawner service if the token may ask it, else by the server itself."""
        listed = self._get(f"services/spawner/userpod/{username}")
        if listed.is_success:
            return (server or DEFAULT_SERVER) in _list(listed, "podname", state="running")
        return self._get(f"{self.account.server_path(username, server)}api").is_success

    def _get(self, path: str) -> httpx.Response:
        try:
            return self._http.get(path)
        except httpx.HTTPError as error:
            raise unreachable(self.account, str(error)) from error


def unreachable(account: Account, why: str) -> PlatformUnreachableError:
    """Return the error for a platform that does not answer."""
    return PlatformUnreachableError(
        Words(
            en=f"No platform answers at {account.url} ({why}). Check the address and your network, then try again.",
            zh=f"{account.url} 无平台响应（{why}）。请检查地址和网络后重试。",
        )
    )


def _body(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _list(answer: httpx.Response, member: str, **wanted: str) -> list[str]:
    try:
        said = answer.json() if answer.is_success else []
    except ValueError:
        return []
    rows = [one for one in said if isinstance(one, dict) and member in one] if isinstance(said, list) else []
    return [str(row[member]) for row in rows if all(row.get(name) == value for name, value in wanted.items())]
