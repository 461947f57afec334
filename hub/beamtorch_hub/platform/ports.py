"""Ports on loopback: which are free, which are ours, and who has the one we wanted."""

import errno
import secrets
import socket

import psutil
from pydantic import BaseModel, ConfigDict, Field

from beamtorch_facility.words import Words
from beamtorch_hub.errors import PortTakenError

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 18000, 29999
"""Below the range from which systems take the near end of outgoing connections, so that a port is free again later."""


class Ports(BaseModel):
    """Where each process of a platform listens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public: int = Field(ge=1, le=65535, description="the proxy; what people use")
    proxy_api: int = Field(ge=1, le=65535, description="the proxy's own API")
    hub: int = Field(ge=1, le=65535)
    spawner: int = Field(ge=1, le=65535)
    catalogue: int = Field(ge=1, le=65535)


def choose_ports(public: int, before: Ports | None, host: str = LOOPBACK) -> Ports:
    """Return the ports of this start: those of before where they are still free, else new ones."""
    taken = {public}
    chosen: dict[str, int] = {}
    for name in ("proxy_api", "hub", "spawner", "catalogue"):
        old = getattr(before, name) if before else None
        port = old if old and old not in taken and _is_free_on(old, host) else _free_port(taken, host)
        taken.add(port)
        chosen[name] = port
    return Ports(public=public, **chosen)


def is_free(port: int) -> bool:
    """Say whether a server could listen at a port of loopback now."""
    return _bind_error(port) is None


def _is_free_on(port: int, host: str) -> bool:
    """Say so for loopback and for the address on which labs elsewhere find us."""
    return all(_bind_error(port, place) is None for place in {LOOPBACK, host})


def _bind_error(port: int, host: str = LOOPBACK) -> int | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are only fading away counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno
    return None


def demand_free(port: int, command: str) -> None:
    """Refuse a public port that cannot be had; `command` is what somebody would type again."""
    number = _bind_error(port)
    if number is not None:
        raise port_refusal(port, number, command)


def port_refusal(port: int, number: int, command: str) -> PortTakenError:
    """Say why a port cannot be had, and by whom it is held if the system tells.

    Parameters
    ----------
    port
        The one that somebody wanted.
    number
        What the system answered (an errno).
    command
        What somebody would type again, with another port behind it.
    """
    if number in {errno.EACCES, errno.EPERM}:
        return PortTakenError(
            Words(
                en=f"Port {port} is for root alone. Choose one from 1024 on: {command} --port 8000",
                zh=f"端口 {port} 只有 root 可以使用。请选择 1024 以上的端口：{command} --port 8000",
            ),
            port=port,
        )
    other = next((p for p in range(port + 1, min(port + 100, HIGHEST)) if is_free(p)), 8888)
    who = listener(port)
    by_en, by_zh = (f" by {who}", f"（{who}）") if who else ("", "")
    return PortTakenError(
        Words(
            en=f"Port {port} is taken{by_en}. Choose another one: {command} --port {other}",
            zh=f"端口 {port} 已被占用{by_zh}。请换一个：{command} --port {other}",
        ),
        port=port,
    )


def listener(port: int) -> str | None:
    """Return the name and number of the process that listens at a port, if the system lets us know."""
    try:
        for connection in psutil.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and connection.laddr[1:] == (port,):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    except psutil.Error:
        return None
    return None


def _free_port(taken: set[int], host: str) -> int:
    for _ in range(1000):
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST + 1)
        if port not in taken and _is_free_on(port, host):
            return port
    raise PortTakenError(
        Words(
            en=f"No port is free between {LOWEST} and {HIGHEST}. End some servers and try again.",
            zh=f"{LOWEST} 到 {HIGHEST} 之间没有空闲端口。请结束一些服务后重试。",
        )
    )
