"""A lab with sshd under its person's numbers, the real spawner service and a real proxy with TLS in front of both."""

import datetime as dt
import ipaddress
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from beamtorch_hub.platform.separation import program_folders
from beamtorch_identity.credentials import Credentials
from beamtorch_service.testing import FakeHub, served
from beamtorch_spawner.environments import DEFAULT_ENVIRONMENTS

NAMELESS = Credentials(uid=61234, gid=61234, groups=(50011, 50012, 61999))
"""Numbers that no file of this machine gives a name to."""
OTHERS = dict.fromkeys(("jupyter_lsp", "jupyterlab", "notebook_shim", "voila.server_extension"), False)
SECONDS = 60.0
SPAWNER = "access:services!service=spawner"


def eventually(question: Callable[[], Any]) -> Any:
    until = time.monotonic() + SECONDS
    while not (answer := question()):
        assert time.monotonic() < until, f"never true: {question}"
        time.sleep(0.05)
    return answer


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def make_key(file: Path, *kind: str) -> str:
    """Make a key pair; return the public line."""
    words = ["ssh-keygen", "-q", "-N", "", "-C", "me at home", "-f", str(file), *(kind or ("-t", "ed25519"))]
    subprocess.run(words, check=True)
    return file.with_suffix(".pub").read_text().strip()


@dataclass
class Stand:
    """The platform as somebody at home sees it."""

    where: Path
    hub: FakeHub
    hub_api: str
    url: str = ""
    key: str = ""
    lab: psutil.Process | None = None
    person: Credentials = NAMELESS
    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.where / "lab" / "home"

    @property
    def config(self) -> Path:
        return next((self.where / "client" / "beamtorch" / "ssh").glob("*.conf"))

    @property
    def log(self) -> str:
        return (self.where / "lab.log").read_text()

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Return the variables of the person's own machine."""
        said = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.where / "client"),
            "XDG_CONFIG_HOME": str(self.where / "client"),
            "SSL_CERT_FILE": str(self.where / "cert.pem"),
            "BEAMTORCH_URL": self.url,
            "BEAMTORCH_TOKEN": self.tokens["person"],
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def beamtorch(self, *words: str, given: bytes = b"", **changes: str | None) -> subprocess.CompletedProcess[bytes]:
        """Call the command on the person's own machine."""
        call = [sys.executable, "-m", "beamtorch_hub", *words]
        return subprocess.run(
            call, env=self.environment(**changes), input=given, capture_output=True, timeout=SECONDS, check=False
        )

    def words(self, program: str, *more: str) -> list[str]:
        """Return the words of ssh and its sisters, with the key and what the person's configuration says."""
        how = ("-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-i", str(self.where / "client" / "key"))
        return [program, "-F", str(self.config), *how, *more]

    def ssh(self, *more: str, given: bytes = b"", seconds: float = SECONDS) -> subprocess.CompletedProcess[bytes]:
        """Run ssh."""
        words = self.words("ssh", *more)
        try:
            return subprocess.run(
                words, env=self.environment(), input=given, capture_output=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired as late:
            said = (late.stderr or b"").decode(errors="replace")
            pytest.fail(f"ssh did not end within {seconds} s; it said {said!r}; the lab's log:\n{self.log[-3000:]}")

    def register(self, *keys: str) -> None:
        """Make these the person's keys in the directory."""
        okafor = {
            "username": "okafor",
            "full_name": {"en": "Ada Okafor", "zh": "阿达"},
            "uid": self.person.uid,
            "gid": self.person.gid,
            "groups": ["proposal-2026-0988"],
            "ssh_keys": list(keys),
        }
        new = self.where / "directory.new"
        new.write_text(yaml.safe_dump({"people": [okafor]}, allow_unicode=True))
        new.replace(self.where / "directory.yaml")

    def stop(self, name: str) -> None:
        """End one of the processes."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(20)

    def sshds(self) -> list[psutil.Process]:
        """Return the sshd processes of the lab."""
        assert self.lab is not None
        found = []
        for one in self.lab.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                found += [one] if one.name().startswith("sshd") else []
        return found

    def run(self, name: str, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.where / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=self.where, stdout=log, stderr=log)
        self.processes[name] = process
        return process


def start_spawner(stand: Stand) -> None:
    prefix = "/services/spawner/"
    stand.run(
        "spawner",
        [sys.executable, "-m", "beamtorch_spawner"],
        {
            "PATH": os.environ["PATH"],
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": prefix,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{stand.ports['spawner']}",
            "JUPYTERHUB_API_URL": stand.hub_api,
            "JUPYTERHUB_API_TOKEN": stand.tokens["spawner"],
            "BEAMTORCH_SPAWNER_DATABASE": f"sqlite:///{stand.where}/spawner.sqlite",
            "BEAMTORCH_ENVIRONMENTS": str(DEFAULT_ENVIRONMENTS),
            "BEAMTORCH_DIRECTORY": str(stand.where / "directory.yaml"),
            "BEAMTORCH_PUBLIC_URL": stand.url,
        },
    )
    health = f"http://127.0.0.1:{stand.ports['spawner']}{prefix}health"
    eventually(lambda: answers(health))


def start_lab(stand: Stand, **more: str) -> None:
    folder = stand.where / "lab"
    for name in ("home", "config", "runtime", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        os.chown(folder / name, stand.person.uid, stand.person.gid)
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", f"--port={stand.ports['lab']}"),
        *(f"--IdentityProvider.token={stand.tokens['person']}", "--ServerApp.base_url=/user/okafor/"),
        f"--ServerApp.jpserver_extensions={OTHERS | {'beamtorch_labextensions': True}}",
        f"--ServerApp.root_dir={folder / 'home'}",
    ]
    if os.geteuid() == 0:
        command = list(stand.person.command(command, read_only=program_folders()))
    environment = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERHUB_API_TOKEN": stand.tokens["lab"],
        "BEAMTORCH_SPAWNER_URL": f"http://127.0.0.1:{stand.ports['spawner']}/services/spawner/",
        "BEAMTORCH_LEASE": "the-lease",
        "BEAMTORCH_ODD": 'a "quoted" \\ $HOME # end\'s',
        "SSH_AUTH_SOCK": "/nobody/agent",
        **more,
    }
    # The umask of a lab; the process of the tests keeps its own.
    process = stand.run("lab", ["sh", "-c", 'umask 0007; exec "$@"', "lab", *command], environment)
    eventually(lambda: process.poll() is not None or answers(f"http://127.0.0.1:{stand.ports['lab']}/user/okafor/api"))
    assert process.poll() is None, stand.log
    stand.lab = psutil.Process(process.pid)


def start_proxy(stand: Stand) -> None:
    program = shutil.which("configurable-http-proxy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("configurable-http-proxy is not installed")
    if not (stand.where / "cert.pem").exists():
        make_certificate(stand.where)
    api = free_port()
    stand.run(
        "proxy",
        [
            *(program, "--ip", "127.0.0.1", "--port", str(stand.ports["public"]), "--log-level", "warn"),
            *("--api-ip", "127.0.0.1", "--api-port", str(api)),
            *("--ssl-cert", str(stand.where / "cert.pem"), "--ssl-key", str(stand.where / "key.pem")),
        ],
        {"PATH": os.environ["PATH"], "CONFIGPROXY_AUTH_TOKEN": "made-up"},
    )
    routes = {
        "/user/okafor": f"http://127.0.0.1:{stand.ports['lab']}",
        "/services/spawner": f"http://127.0.0.1:{stand.ports['spawner']}",
        "/": stand.hub_api.removesuffix("/hub/api"),
    }
    headers = {"Authorization": "token made-up"}
    eventually(lambda: answers(f"http://127.0.0.1:{api}/api/routes", headers))
    for path, target in routes.items():
        added = httpx.post(
            f"http://127.0.0.1:{api}/api/routes{path.rstrip('/')}",
            json={"target": target},
            headers=headers,
            trust_env=False,
        )
        assert added.is_success


def make_certificate(where: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "beamtorch")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    (where / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (where / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def answers(url: str, headers: dict[str, str] | None = None) -> bool:
    try:
        return httpx.get(url, headers=headers, trust_env=False).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def standing(hub: FakeHub, hub_api: str) -> Iterator[Stand]:
    """Run everything until the end of the block; short paths, for a socket's may have 107 characters."""
    where = Path(tempfile.mkdtemp(prefix="ssh-"))
    where.chmod(0o755)
    stand = Stand(where, hub, hub_api)
    stand.ports = {name: free_port() for name in ("public", "spawner", "lab")}
    stand.url = f"https://127.0.0.1:{stand.ports['public']}/"
    stand.tokens = {
        "person": hub.issue("okafor", "access:servers!user=okafor", SPAWNER),
        "lab": hub.issue("okafor", "access:servers!server=okafor/", "users:activity!user=okafor", SPAWNER),
        "spawner": secrets.token_hex(20),
    }
    (where / "client").mkdir(mode=0o700)
    stand.key = make_key(where / "client" / "key")
    stand.register(stand.key)
    try:
        start_spawner(stand)
        start_lab(stand)
        start_proxy(stand)
        written = stand.beamtorch("ssh-config", "--write")
        assert written.returncode == 0, written.stderr
        yield stand
    finally:
        for name in list(reversed(stand.processes)):
            stand.stop(name)
        shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="session")
def the_stand() -> Iterator[Stand]:
    missing = [name for name in ("ssh", "scp", "rsync", "ssh-keygen") if shutil.which(name) is None]
    if missing or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") is None:
        pytest.skip("OpenSSH or rsync is not installed (apt-get install openssh-server openssh-client rsync)")
    if os.geteuid() != 0:
        pytest.skip("only root can give a lab another user id")
    hub = FakeHub()
    with ExitStack() as stack:
        yield stack.enter_context(standing(hub, stack.enter_context(served(hub))))


@pytest.fixture(scope="session")
def new_key() -> Callable[..., str]:
    """Return the function that makes a key pair."""
    return make_key


@pytest.fixture(scope="session")
def begin_proxy() -> Callable[[Stand], None]:
    """Return the function that starts the proxy again."""
    return start_proxy


@pytest.fixture
def stand(the_stand: Stand) -> Iterator[Stand]:
    """A lab that nobody is in, with the person's one key."""
    yield the_stand
    the_stand.register(the_stand.key)
    eventually(lambda: not the_stand.sshds())
