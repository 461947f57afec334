"""Where a request really came from, pure. Nothing that a client can write about itself is believed.

The other end of the connection counts, unless it is a trusted proxy; then the nearest address that such a proxy added
to X-Forwarded-For, and so on from right to left. X-Real-IP and Forwarded are not looked at: any client may send them.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from beamtorch_spawner.policy_file import LOOPBACK, Network, Policy
from beamtorch_spawner.wire import Peer

Address = IPv4Address | IPv6Address
_LONGEST = 60
"""Characters of an address with brackets, zone and port."""
NO_ONE_MACHINE: tuple[Network, ...] = tuple(
    ip_network(text) for text in ("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/128", "fe80::/10", "ff00::/8")
)
"""Unspecified, link-local, multicast and reserved: what they mean depends on where one stands."""


def resolve(peer: Peer | None, policy: Policy) -> Address | None:
    """Return the address that a request came from, or None if it cannot be known.

    Parameters
    ----------
    peer
        The other end of the connection and every X-Forwarded-For line, as the door saw them.
    policy
        Says which networks are trusted proxies, and how many of them there can be in a row.
    """
    if peer is None:
        return None
    address = parse(peer.address)
    hops = [hop for line in peer.forwarded_for for hop in line.split(",")]
    for passed, hop in enumerate(reversed(hops)):
        if address is None or not is_in(address, policy.trusted_proxies):
            break
        if passed >= policy.most_hops:
            return None
        address = parse(hop)
    # A chain that ends at a proxy tells about the proxy, not about anybody before it.
    return None if address is None or is_in(address, policy.trusted_proxies) else address


def parse(text: str) -> Address | None:
    """Return an address, with or without port, brackets and zone, IPv4 out of IPv6 clothes; None for anything else."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not (port.startswith(":") and port[1:].isdecimal())):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not port.isdecimal():
            return None
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address lies in one of some networks."""
    return any(address.version == network.version and address in network for network in networks)


def shared_by_many(address: Address, policy: Policy) -> Network | None:
    """Return the network that keeps an address from ever being one terminal, or None.

    Loopback, proxies, pods, services, VPN and address translation: behind such an address there may be anybody, and a
    start of one would end the work of another.
    """
    networks = (*LOOPBACK, *NO_ONE_MACHINE, *policy.trusted_proxies, *policy.never_terminals)
    return next((network for network in networks if is_in(address, (network,))), None)
