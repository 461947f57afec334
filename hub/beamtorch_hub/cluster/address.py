"""The address of this machine under which the pods of a cluster reach the hub and the services."""

import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

import psutil

from beamtorch_facility.words import Words
from beamtorch_hub.errors import ClusterNotUsableError


def own_addresses() -> tuple[str, ...]:
    """Return the IPv4 addresses of this machine, loopback last."""
    found = {
        entry.address
        for entries in psutil.net_if_addrs().values()
        for entry in entries
        if entry.family == socket.AF_INET
    }
    return tuple(sorted(found, key=lambda address: (ip_address(address).is_loopback, ip_address(address))))


def choose_address(server: str, wanted: str | None) -> str:
    """Return the address to listen on: the wanted one, else the one from which this machine reaches the cluster.

    Raises
    ------
    ClusterNotUsableError
        If the wanted address is not this machine's, or the cluster is reached over loopback, where no pod reaches us.
    """
    own = own_addresses()
    outside = [address for address in own if not ip_address(address).is_loopback]
    if wanted is not None:
        if wanted in outside:
            return wanted
        raise ClusterNotUsableError(
            Words(
                en=f"{wanted} is no address of this machine that pods could reach. It has: {_list(outside)}.",
                zh=f"{wanted} 不是本机可供 Pod 访问的地址。本机地址：{_list(outside)}。",
            )
        )
    found = _local_end(server)
    if found in outside:
        return found
    raise ClusterNotUsableError(
        Words(
            en=f"The cluster is reached at {server}, which does not tell under which address its pods reach this "
            f"machine. Name it with --address; this machine has: {_list(outside)}.",
            zh=f"集群地址为 {server}，无法据此判断 Pod 用哪个地址访问本机。请用 --address 指定；本机地址："
            f"{_list(outside)}。",
        )
    )


def _local_end(server: str) -> str | None:
    """Return the address that this machine would use towards a server; nothing is sent for that."""
    parts = urlsplit(server)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, socket.AF_INET, socket.SOCK_DGRAM)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(found[0][4])
            return str(probe.getsockname()[0])
    except (OSError, IndexError):
        return None


def _list(addresses: list[str]) -> str:
    return ", ".join(addresses) or "–"
