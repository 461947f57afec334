"""Start processes of the running platform again; labs go on."""

import time
from collections.abc import Sequence

import httpx

from beamtorch_facility.words import Words
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.errors import ChildFailedError, NotRunningError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform import requests
from beamtorch_hub.platform.banner import command
from beamtorch_hub.platform.children import ChildState, loopback_client
from beamtorch_hub.platform.lock import is_locked
from beamtorch_hub.platform.record import PlatformRecord, read_record
from beamtorch_hub.platform.requests import Request

NAMES = ("reader", "spawner", "catalogue", "proxy", "hub")
RESTART_SECONDS = 120.0
POLL_SECONDS = 0.1


def main(argv: Sequence[str]) -> int:
    """Restart one process, or one after the other, and wait until each answers."""
    options = parser("restart", __doc__)
    options.add_argument("process", nargs="?", choices=NAMES, help="which one (all)")
    chosen = options.parse_args(argv)
    home = home_of(chosen.home)
    for name in [chosen.process] if chosen.process else NAMES:
        began = time.monotonic()
        _restart(home, name)
        print(f"beamtorch: {name} is up again ({time.monotonic() - began:.1f} s)", flush=True)
    return 0


def _restart(home: PlatformHome, name: str) -> None:
    before = _running(home).child(name)
    log = home.logs / f"{name}.log"
    requests.send(home, Request(action="restart", child=name))
    until = time.monotonic() + RESTART_SECONDS
    with loopback_client() as client:
        while not _is_again(_running(home), name, before.starts if before else 0, client):
            if time.monotonic() > until:
                raise ChildFailedError(
                    Words(
                        en=f"The {name} did not come up within {RESTART_SECONDS:.0f} s. {log} tells why.",
                        zh=f"{name} 在 {RESTART_SECONDS:.0f} 秒内未能启动。原因见 {log}。",
                    )
                )
            time.sleep(POLL_SECONDS)


def _is_again(record: PlatformRecord, name: str, starts: int, client: httpx.Client) -> bool:
    child = record.child(name)
    return (
        child is not None
        and child.starts > starts
        and child.state is ChildState.RUNNING
        and _is_reached(record, client)
    )


def _is_reached(record: PlatformRecord, client: httpx.Client) -> bool:
    """Say whether people reach every part through the proxy; a new one has to learn its routes first."""
    try:
        return all(
            client.get(f"{record.url}{path}").is_success
            for path in ("hub/health", "services/spawner/health", "services/catalogue/health")
        )
    except httpx.HTTPError:
        return False


def _running(home: PlatformHome) -> PlatformRecord:
    record = read_record(home) if is_locked(home) else None
    if record is None:
        raise NotRunningError(
            Words(
                en=f"No platform runs from {home.root}. Start it: {command('up', home)}",
                zh=f"没有平台从 {home.root} 运行。启动：{command('up', home)}",
            )
        )
    return record
