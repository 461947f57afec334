"""Somebody at a platform: its address and their token, which never is an argument and only goes over TLS."""

import ipaddress
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import platformdirs
from pydantic import SecretStr

from beamtorch_facility.words import Words
from beamtorch_hub.ssh.errors import NoTokenError

URL_VARIABLE, TOKEN_VARIABLE = "BEAMTORCH_URL", "BEAMTORCH_TOKEN"
DEFAULT_SERVER = "default"
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What may stand in ssh's configuration and in a shell without harm; the Hub's own rule is narrower."""
_PLAIN = re.compile(r"[!-~]+")


def is_server_name(text: str) -> bool:
    """Tell whether a server can have this name."""
    return _SERVER.fullmatch(text) is not None


def own_folder() -> Path:
    """Return where the client keeps its files."""
    return Path(platformdirs.user_config_dir("beamtorch", appauthor=False))


@dataclass(frozen=True)
class Account:
    """A platform and a token for it."""

    url: str
    """With a slash at its end."""
    token: SecretStr

    @property
    def headers(self) -> dict[str, str]:
        """What a request has to say."""
        return {"Authorization": f"token {self.token.get_secret_value()}"}

    @property
    def place(self) -> str:
        """The host, and the port if it is none of the usual ones."""
        return urlsplit(self.url).netloc

    def server_path(self, username: str, server: str) -> str:
        """Return the path of a server below the platform's address."""
        named = "" if server in {"", DEFAULT_SERVER} else f"{quote(server, safe='')}/"
        return f"user/{quote(username, safe='@')}/{named}"

    def door(self, username: str, server: str) -> str:
        """Return the websocket through which a server lets ssh in."""
        return f"ws{self.url.removeprefix('http')}{self.server_path(username, server)}beamtorch/ssh"


def find_account(url: str | None, environment: Mapping[str, str] | None = None) -> Account:
    """Return the account that the options, the environment and the token file say.

    Raises
    ------
    NoTokenError
        If the address or the token is missing, or the token could be read by others.
    """
    said = os.environ if environment is None else environment
    address = url or said.get(URL_VARIABLE, "")
    if not address:
        raise NoTokenError(
            Words(
                en=f"Say which platform: --url https://… (or ${URL_VARIABLE}).",
                zh=f"请指定平台地址：--url https://…（或环境变量 {URL_VARIABLE}）。",
            )
        )
    return Account(_checked(address), _token(said))


def _checked(address: str) -> str:
    parts = urlsplit(address)
    is_plain = _PLAIN.fullmatch(address) and not (parts.query or parts.fragment or parts.username)
    if not is_plain or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NoTokenError(
            Words(
                en=f"“{address[:200]}” is no address of a platform. Give one like https://hub.example.org/.",
                zh=f"“{address[:200]}”不是平台地址。请使用形如 https://hub.example.org/ 的地址。",
            )
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise NoTokenError(
            Words(
                en=f"{address[:200]} is not encrypted, so your token would travel in the clear. Use https://.",
                zh=f"{address[:200]} 未加密，令牌会以明文传输。请使用 https://。",
            )
        )
    return address.rstrip("/") + "/"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _token(environment: Mapping[str, str]) -> SecretStr:
    if given := environment.get(TOKEN_VARIABLE, "").strip():
        return _one_token(given, f"${TOKEN_VARIABLE}")
    file = own_folder() / "token"
    try:
        mode, text = stat.S_IMODE(file.stat().st_mode), file.read_text(encoding="utf-8").strip()
    except OSError:
        mode, text = 0, ""
    if not text:
        raise NoTokenError(
            Words(
                en=f"No token is known. Make one on the hub's page “Token” and put it into {file} (chmod 600), or into "
                f"${TOKEN_VARIABLE}.",
                zh=f"没有令牌。请在 Hub 的“令牌”页面新建，并写入 {file}（权限 600）或环境变量 {TOKEN_VARIABLE}。",
            )
        )
    if os.name == "posix" and mode & 0o077:
        raise NoTokenError(
            Words(
                en=f"Others can read your token: {file} has mode {mode:03o}. Run “chmod 600 {file}”; if others use "
                "this machine, make a new token.",
                zh=f"他人可以读取您的令牌：{file} 的权限为 {mode:03o}。请执行“chmod 600 {file}”；"
                "如有他人使用本机，请更换令牌。",
            )
        )
    return _one_token(text, str(file))


def _one_token(text: str, place: str) -> SecretStr:
    # Anything else would be refused as a header, by an error that repeats it.
    if not _PLAIN.fullmatch(text):
        raise NoTokenError(
            Words(
                en=f"What is in {place} is no token. Put the token of the hub's page “Token” there, and nothing else.",
                zh=f"{place} 中的内容不是令牌。请只写入 Hub“令牌”页面给出的令牌。",
            )
        )
    return SecretStr(text)
