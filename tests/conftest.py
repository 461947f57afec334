"""What tests of several packages stand on: patience, and a whole platform on loopback."""

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from jupyter_client import BlockingKernelClient
from xdist.scheduler import LoadScopeScheduling

from beamtorch_hub.testing import Namespace
from beamtorch_identity.testing.slapd import SLAPD, Slapd

# No test is about how long something takes: machines differ, and they have other work.
settings.register_profile("beamtorch", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beamtorch")


TOGETHER = {
    "tests/hub/cluster/": "cluster",
    "tests/journeys/access/": "cluster",
    "tests/spawner/test_cluster.py": "cluster",
    "tests/hub/": "platform",
    "tests/journeys/": "platform",
    "tests/labextensions/": "platform",
}
"""What tests have in common by where they are, that which keeps a process busy longest first."""


class TogetherScheduling(LoadScopeScheduling):
    """Where tests run side by side, one process gets all that share something, and else all of a file."""

    def _split_scope(self, nodeid: str) -> str:
        return _stands_with(nodeid)


def _stands_with(nodeid: str) -> str:
    return next((what for where, what in TOGETHER.items() if nodeid.startswith(where)), nodeid.partition("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """Give the processes of `-n` their tests."""
    return TogetherScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first."""
    order = list(dict.fromkeys(TOGETHER.values()))
    items.sort(key=lambda item: order.index(one) if (one := _stands_with(item.nodeid)) in order else len(order))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[pytest.TestReport]:
    """In CI nothing is left out but what needs a GPU: a skip there hides a test."""
    report: pytest.TestReport = yield
    if report.skipped and os.environ.get("CI") and "gpu" not in item.keywords:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


DEEP = bool(os.environ.get("BEAMTORCH_DEEP"))
"""Whether long campaigns run in full."""
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


@pytest.fixture
def keep_result(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that keeps what a long campaign came to, by its parameters; of a mere sample it keeps none."""

    def keep(campaign: str, **found: Any) -> None:
        if not DEEP:
            return
        path = RESULTS / f"{campaign}.json"
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        variant = request.node.name.partition("[")[2].rstrip("]") or request.node.name
        kept[variant] = {"when": datetime.now(UTC).isoformat(timespec="seconds"), **found}
        path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    return keep


BUILDER = Path(__file__).parents[2] / "shared" / "cluster" / "cluster"
"""Where a test cluster comes with the means to bring it up, as CI's does."""
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own on a socket in a temporary folder; gives a URL without a database."""
    if not POSTGRES:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed; CI may not do without (apt-get install postgresql)")
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # A path of a socket has at most 107 characters, which pytest's own folders exceed.
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    as_other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if as_other:
        os.chown(place, 65534, 65534)
    tools = POSTGRES[-1].parent
    data = place / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_other, *command], check=True, capture_output=True, cwd=place, timeout=60)

    run(str(tools / "initdb"), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-F -c listen_addresses= -c unix_socket_directories={place}"
    run(str(tools / "pg_ctl"), "-D", str(data), "-l", str(place / "log"), "-w", "-o", settings, "start")
    try:
        yield f"postgresql+psycopg://tests@/{{name}}?host={place}"
    finally:
        run(str(tools / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def new_postgres_database(postgres: str) -> Callable[[], str]:
    """Return a function that makes an empty database and gives its URL."""
    numbers = count(1)
    host = postgres.partition("host=")[2]

    def make() -> str:
        name = f"t{next(numbers)}"
        with psycopg.connect(f"host={host} user=tests dbname=postgres", autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return postgres.format(name=name)

    return make


@pytest.fixture(scope="module")
def postgres_database(new_postgres_database: Callable[[], str]) -> str:
    """URL of an empty PostgreSQL database for a module's tests."""
    return new_postgres_database()


def _eventually(what: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    """Return a function that waits for a condition; the clock only ends what will never come true."""
    return _eventually


@dataclass(frozen=True)
class Platform:
    """A running platform with the demo facility."""

    url: str
    home: Path
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def passwords(self) -> dict[str, str]:
        """Password by user name."""
        return json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))

    def run(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call a `beamtorch` command for this platform."""
        return _beamtorch(command, "--home", str(self.home), *arguments)

    def token(self, user: str) -> str:
        """Return an API token of somebody."""
        if user not in self.tokens:
            done = self.run("token", "--user", user)
            assert done.returncode == 0, done.stderr
            self.tokens[user] = done.stdout.strip()
        return self.tokens[user]


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter, unlike pytest's own: there labs run under their people's numbers."""
    folder = Path(tempfile.mkdtemp(prefix="bt-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def platform(open_folder: Path) -> Iterator[Platform]:
    """One platform for the whole run; who kills parts of it waits until they are back."""
    home = open_folder / "platform"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = _beamtorch("up", "--detach", "--home", str(home), "--port", str(port))
    assert done.returncode == 0, done.stdout + done.stderr
    yield Platform(f"http://127.0.0.1:{port}/", home)
    _beamtorch("down", "--home", str(home))


def _beamtorch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", *arguments],
        env={name: value for name, value in os.environ.items() if name != "BEAMTORCH_HOME"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    """The cluster that KUBECONFIG names; else one brought up for this run, where that is possible."""
    if named := os.environ.get("KUBECONFIG"):
        yield Path(named)
        return
    if not BUILDER.exists() or os.geteuid() != 0:
        pytest.skip("no KUBECONFIG: these tests need a Kubernetes")
    was_up = subprocess.run([str(BUILDER), "kubectl", "get", "nodes"], capture_output=True, check=False).returncode == 0
    done = subprocess.run([str(BUILDER), "up"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    yield Path(done.stdout.strip().removeprefix("export KUBECONFIG="))
    if not was_up:
        subprocess.run([str(BUILDER), "down"], capture_output=True, check=False)


KERNEL_SECONDS = 60


class Kernel:
    """A kernel in somebody's lab on this machine, spoken to as a notebook does."""

    def __init__(self, lab: str, token: str, home: Path) -> None:
        headers = {"Authorization": f"token {token}"}
        body = {"name": "python3"}
        answer = httpx.post(f"{lab}api/kernels", headers=headers, json=body, trust_env=False, timeout=KERNEL_SECONDS)
        assert answer.status_code == 201, answer.text
        until, found = time.monotonic() + KERNEL_SECONDS, list[Path]()
        while not found and time.monotonic() < until:
            found = list(home.rglob(f"kernel-{answer.json()['id']}.json"))
            time.sleep(0.05)
        while True:
            # The kernel may write its file again, with the ports that it really has.
            self.client = BlockingKernelClient(connection_file=str(found[0]))
            try:
                self.client.load_connection_file()
                self.client.start_channels()
                self.client.wait_for_ready(timeout=KERNEL_SECONDS)
                break
            except (RuntimeError, ValueError):  # one that is slow to start misses heartbeats, which looks like its end
                self.client.stop_channels()
                if time.monotonic() > until:
                    raise

    def says(self, code: str) -> str:
        """Return what some code prints."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                said.append(message["content"]["text"])

        self.client.execute_interactive(code, timeout=KERNEL_SECONDS, output_hook=hear)
        return "".join(said).strip()


@pytest.fixture
def open_kernel() -> Iterator[Callable[[str, str, Path], Kernel]]:
    """Return a function that opens a kernel in a lab: its URL, a token, the home in which its files are."""
    opened: list[Kernel] = []

    def open_one(lab: str, token: str, home: Path) -> Kernel:
        opened.append(Kernel(lab, token, home))
        return opened[-1]

    yield open_one
    for kernel in opened:
        kernel.client.stop_channels()


@pytest.fixture(scope="module")
def make_slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Slapd]]:
    """Return a function that starts a real LDAP server of a schema with some entries."""
    if SLAPD is None:
        if os.environ.get("CI") == "true":
            pytest.fail("slapd is not installed; CI may not do without (apt-get install slapd)")
        pytest.skip("slapd is not installed (apt-get install slapd)")
    made: list[Slapd] = []

    def make(ldif: str, schema: str = "nis") -> Slapd:
        server = Slapd(tmp_path_factory.mktemp("slapd"), schema)
        server.prepare()
        server.load(ldif)
        server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="session")
def lab_image(kubeconfig: Path) -> str:
    """The image of this tree in the cluster: named by BEAMTORCH_LAB_IMAGE, else built where the cluster can build."""
    if named := os.environ.get("BEAMTORCH_LAB_IMAGE"):
        return named
    if not BUILDER.exists():
        pytest.skip("no lab image: name one that the cluster has in BEAMTORCH_LAB_IMAGE (docs: run labs on a cluster)")
    build = [sys.executable, str(Path(__file__).parents[1] / "images" / "lab" / "build.py")]
    with (Path(tempfile.gettempdir()) / "beamtorch-lab-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        tag = subprocess.run([*build, "--print-tag"], capture_output=True, text=True, check=True).stdout.strip()
        if tag not in _images(kubeconfig):
            context = Path(tempfile.mkdtemp(prefix="beamtorch-lab-image-"))
            try:
                base = [str(BUILDER), "debian"]
                make = ([*build, "--context-only", str(context)], base, [str(BUILDER), "build", tag, str(context)])
                for command in make:
                    done = subprocess.run(command, capture_output=True, text=True, check=False)
                    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            finally:
                shutil.rmtree(context)
    return tag


def _images(kubeconfig: Path) -> set[str]:
    nodes = Namespace(kubeconfig, "").ask(lambda core: core.list_node()).items
    return {name for node in nodes for image in node.status.images or () for name in image.names or ()}
