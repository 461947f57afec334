"""The other end of a connection, as the socket and the headers show it; nothing is concluded from it here."""

from fastapi import Request

from beamtorch_spawner.wire import Peer

MOST_LINES = 50
LONGEST_ADDRESS = 100
UNKNOWN = "unknown"


def peer_of(request: Request) -> Peer:
    """Return who is connected, and every X-Forwarded-For line; the server must not have replaced the address itself."""
    address = request.client.host if request.client is not None else UNKNOWN
    lines = request.headers.getlist("x-forwarded-for")
    if len(lines) > MOST_LINES:
        return Peer(address=UNKNOWN)
    return Peer(address=address[:LONGEST_ADDRESS], forwarded_for=tuple(lines))
