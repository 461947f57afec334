"""One life of a platform, from `beamtorch up` to its end."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from beamtorch_facility.words import Words
from beamtorch_hub.cluster.settings import ClusterSettings, ClusterWish
from beamtorch_hub.errors import ChildFailedError
from beamtorch_hub.files import disk_full, writing_in
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform import labs, requests
from beamtorch_hub.platform.banner import command
from beamtorch_hub.platform.catalogue_place import settle
from beamtorch_hub.platform.first_start import FirstStart
from beamtorch_hub.platform.lock import locked
from beamtorch_hub.platform.ports import Ports, demand_free
from beamtorch_hub.platform.record import PlatformRecord, PlatformState, read_labs
from beamtorch_hub.platform.roster import demand_programs, roster, search_path
from beamtorch_hub.platform.separation import separation
from beamtorch_hub.platform.supervisor import POLL_SECONDS, Supervisor
from beamtorch_hub.platform.sweep import end_leftovers
from beamtorch_hub.settings import PlatformSettings, prepare

DEFAULT_PORT = 8000
SMALLEST_DISK = 64 * 1024**2
"""Bytes below which a start is refused: databases and logs would break in the middle of something."""
ROUTE_SECONDS = 60.0

Announce = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What `beamtorch up` was asked for."""

    home: PlatformHome
    port: int | None = None
    keep_labs: bool = False
    demo: Path | None = None
    wish: ClusterWish | None = None
    """What was said of the cluster that labs are to be in; None: labs are processes of this machine."""

    def run(self, *, announce: Announce, on_ready: Callable[[str, float], None]) -> None:
        """Start the platform, tell when people can come, and stay until it is to end.

        Parameters
        ----------
        announce
            Takes one line of progress.
        on_ready
            Takes the URL and the seconds that the start took.
        """
        began = time.monotonic()
        make_home(self.home)
        stopping = threading.Event()
        with locked(self.home), _signals(signal.default_int_handler):
            self._clear_up(announce)
            settings = self._prepare(announce)
            supervisor = _supervisor(settings, announce, stopping)
            supervisor.keep_labs = self.keep_labs
            with _signals(lambda *_: stopping.set()):
                try:
                    self._live(supervisor, settings, announce)
                    if not stopping.is_set():
                        on_ready(settings.public_url, time.monotonic() - began)
                        supervisor.run()
                finally:
                    self._end(supervisor, announce)

    def _live(self, supervisor: Supervisor, settings: PlatformSettings, announce: Announce) -> None:
        stopping = supervisor.stopping
        supervisor.start()
        _await_routes(settings, stopping)
        FirstStart(self.home, announce).catalogue(settings, os.environ, stopping)
        if not stopping.is_set():
            supervisor.ready()

    def _clear_up(self, announce: Announce) -> None:
        left = end_leftovers(self.home, keep_labs=True)
        if left:
            announce(f"the last platform here did not end properly; ended what was left of it: {', '.join(left)}")
        self.home.record.unlink(missing_ok=True)
        alive = read_labs(self.home)
        for path in set(self.home.labs.glob("*.json")) - set(alive):
            path.unlink(missing_ok=True)
        if alive:
            announce(f"{len(alive)} running lab(s) found, left alone")

    def _prepare(self, announce: Announce) -> PlatformSettings:
        port = self.port or _last_port(self.home) or DEFAULT_PORT
        demand_programs(search_path(os.environ))
        demand_free(port, command("up", self.home))
        cluster = self._cluster(announce)
        FirstStart(self.home, announce).make(self.demo)
        settings = prepare(self.home, port, cluster, separation(self.home))
        settle(settings)
        return settings

    def _cluster(self, announce: Announce) -> ClusterSettings | None:
        if self.wish is not None:
            return labs.find_cluster(self.home, self.wish, os.environ, announce)
        labs.tell_forgotten(self.home, os.environ, announce)
        return None

    def _end(self, supervisor: Supervisor, announce: Announce) -> None:
        announce("ending")
        # A wish that came with the signal that ended the wait, or while nobody looked.
        keep = supervisor.keep_labs or any(wish.keep_labs for wish in requests.receive(self.home))
        number = labs.count(self.home, announce) if keep else labs.end(self.home, announce)
        supervisor.end()
        end_leftovers(self.home, keep_labs=keep)
        self.home.record.unlink(missing_ok=True)
        told = f", {number} lab(s) {'kept' if keep else 'among it'}" if number else ""
        announce(f"everything has ended{told}")


def make_home(home: PlatformHome, *, needed: int = SMALLEST_DISK) -> None:
    """Make the folders of a home, and refuse one that cannot be written or has no room."""
    with writing_in(home.root):
        home.make()
        probe = home.run / f".writable-{os.getpid()}"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
        free = shutil.disk_usage(home.root).free
    if free < needed:
        raise disk_full(home.root)


def _last_port(home: PlatformHome) -> int | None:
    try:
        return Ports.model_validate_json(home.ports.read_text(encoding="utf-8")).public
    except (OSError, ValueError):
        return None


def _supervisor(settings: PlatformSettings, announce: Announce, stopping: threading.Event) -> Supervisor:
    own = psutil.Process()
    record = PlatformRecord(
        pid=own.pid, create_time=own.create_time(), state=PlatformState.STARTING, url=settings.public_url
    )
    return Supervisor(
        home=settings.places,
        specs=roster(settings, os.environ),
        record=record,
        announce=announce,
        restore_routes=lambda client: restore_routes(settings, client),
        stopping=stopping,
    )


def restore_routes(settings: PlatformSettings, client: httpx.Client) -> bool:
    """Let the Hub tell a new proxy all routes; False: the Hub does not answer yet."""
    token = settings.tokens.platform.get_secret_value()
    try:
        answer = client.post(f"{settings.hub_api_url}/proxy", headers={"Authorization": f"token {token}"}, timeout=10)
    except httpx.HTTPError:
        return False
    return answer.is_success


def _await_routes(settings: PlatformSettings, stopping: threading.Event) -> None:
    """Wait until people reach each part through the proxy; parts that are well are routed a moment later."""
    until = time.monotonic() + ROUTE_SECONDS
    paths = ["hub/health", "services/spawner/health", "services/catalogue/health"]
    with httpx.Client(trust_env=False, base_url=settings.public_url) as client:
        while paths := [path for path in paths if not _answers(client, path)]:
            if time.monotonic() > until:
                raise ChildFailedError(
                    Words(
                        en=f"The proxy has no way to {', '.join(paths)}. The logs in {settings.places.logs} tell why.",
                        zh=f"代理无法访问 {'、'.join(paths)}。原因请查看 {settings.places.logs} 中的日志。",
                    )
                )
            if stopping.wait(POLL_SECONDS):
                return


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.HTTPError:
        return False


@contextlib.contextmanager
def _signals(handler: Callable[..., object]) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal mean the same; once the platform ends, another changes nothing."""
    # What the caller ignores stays ignored: that is how nohup and a shell's background jobs ask for it.
    heeded = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heeded}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
