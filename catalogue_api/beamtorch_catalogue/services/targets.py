"""Where webhooks may go, and the one request that takes them there.

Whoever may name an address makes this server knock there. So only the public internet and networks that the facility
named are reached; the connection goes to the very address that was checked, not to what the name says a moment later;
and nobody is followed anywhere else.
"""

import asyncio
import re
import socket
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext, SSLError

import httpx

from beamtorch_catalogue.change_settings import ChangeSettings
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_facility.words import Words

_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: addresses that hold one of IPv4."""
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_LAST_PORT = 65535
_LONGEST_TOLD = 150


class TargetRefusedError(CatalogueError):
    """An address that no webhook may go to."""

    code = "webhook-target"
    status = 422
    exit_code = 2
    title = Words(en="No webhook may go there", zh="不允许的回调地址")


class NotDeliveredError(CatalogueError):
    """A receiver that did not confirm."""

    code = "not-delivered"
    status = 502
    title = Words(en="The receiver did not confirm", zh="接收方未确认")

    def __init__(self, en: str, zh: str, *, is_gone: bool = False) -> None:
        super().__init__(Words(en=en, zh=zh))
        self.is_gone = is_gone


class Targets:
    """Checks addresses, and takes deliveries there."""

    def __init__(self, settings: ChangeSettings) -> None:
        self._settings = settings

    async def check(self, text: str) -> None:
        """Raise `TargetRefusedError` for an address that can never be delivered to; a name unknown now may come."""
        url = self._parsed(text)
        try:
            await self._address(url)
        except NotDeliveredError:
            return

    async def deliver(self, text: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Bring a body to an address.

        Raises
        ------
        NotDeliveredError
            Unless the receiver answers with 2xx in time.
        TargetRefusedError
            If the address is, by now, none that may be reached.
        """
        url = self._parsed(text)
        try:
            async with asyncio.timeout(self._settings.webhook_seconds):
                status = await self._post(url, await self._address(url), body, headers)
        except TimeoutError as error:
            raise self._too_slow() from error
        except httpx.HTTPError as error:
            raise _no_connection(error) from error
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            is_redirect = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
            raise NotDeliveredError(
                f"It answered {status}" + (", and redirects are not followed." if is_redirect else "."),
                f"返回了 {status}" + ("，不跟随重定向。" if is_redirect else "。"),
                is_gone=status == HTTPStatus.GONE,
            )

    async def _post(self, url: httpx.URL, address: str, body: bytes, headers: Mapping[str, str]) -> int:
        # One connection for one delivery: a pool would take connections for equal that go to one address by two names.
        async with (
            httpx.AsyncClient(
                verify=_tls(),
                trust_env=False,
                follow_redirects=False,
                timeout=self._settings.webhook_seconds,
            ) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=body,
                headers={**headers, "Host": url.netloc.decode("ascii"), "Connection": "close"},
                # The name counts for the certificate, the address for the connection.
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            ) as answer,
        ):
            # What the receiver says beside its status is never read, however long it is.
            return answer.status_code

    def _parsed(self, text: str) -> httpx.URL:
        try:
            url = httpx.URL(text)
            host = url.raw_host.decode("ascii")
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise _refused("it is not a complete address such as https://host/path", "不是完整地址") from error
        if url.scheme != "https" and not (url.scheme == "http" and self._settings.webhook_http):
            raise _refused("it has to begin with https://", "必须以 https:// 开头")
        if not _HOST.fullmatch(host) or url.userinfo or url.fragment:
            raise _refused(
                "it has to name a host, and no user, password or #fragment", "须含主机名，且不含用户名、密码或 # 片段"
            )
        if url.port is not None and not 1 <= url.port <= _LAST_PORT:
            raise _refused(f"ports go from 1 to {_LAST_PORT}", f"端口范围为 1 到 {_LAST_PORT}")
        return url

    async def _address(self, url: httpx.URL) -> str:
        """Return the first address of a host that may be reached."""
        host, port = url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotDeliveredError(f"The name {host} is not known.", f"无法解析主机名 {host}。") from error
        addresses = [str(entry[4][0]) for entry in found]
        for address in addresses:
            if self._may_reach(address):
                return address
        raise _refused(
            f"{host} is at {', '.join(sorted(set(addresses)))}, which is neither public nor in a network that the "
            "facility opened to webhooks (webhook_networks)",
            f"{host} 的地址既非公网，也不在设施允许的网段内（webhook_networks）",
        )

    def _may_reach(self, text: str) -> bool:
        address = _meant(text)
        if address.is_multicast or address.is_unspecified:
            return False
        return address.is_global or any(address in network for network in self._settings.webhook_networks)

    def _too_slow(self) -> NotDeliveredError:
        seconds = f"{self._settings.webhook_seconds:g}"
        return NotDeliveredError(f"It did not answer within {seconds} s.", f"在 {seconds} 秒内没有响应。")


def _meant(text: str) -> IPv4Address | IPv6Address:
    """Return the address that packets reach in the end: several kinds of IPv6 hold one of IPv4."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)
    return address


@lru_cache(maxsize=1)
def _tls() -> SSLContext:
    # A facility's own authority is known to the machine, or named by SSL_CERT_FILE, not to the package of the web's.
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


def _no_connection(error: httpx.HTTPError) -> NotDeliveredError:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, SSLError):
        reason = getattr(cause, "verify_message", "") or cause.reason or "TLS"
        return NotDeliveredError(f"No secure connection: {reason}.", f"无法建立安全连接：{reason}。")
    told = (str(error) or type(error).__name__)[:_LONGEST_TOLD]
    return NotDeliveredError(f"No connection: {told}.", f"无法连接：{told}。")


def _refused(en: str, zh: str) -> TargetRefusedError:
    return TargetRefusedError(Words(en=f"This address cannot be used: {en}.", zh=f"此地址不可用：{zh}。"))
