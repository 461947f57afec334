"""ssh through a real Hub and its proxy into labs that it started, each under its person's numbers."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import yaml

from beamtorch_hub.platform.separation import program_folders

PERSON = {
    "username": "okafor",
    "full_name": {"en": "Ada Okafor", "zh": "阿达"},
    "uid": 61002,
    "gid": 61002,
    "groups": ["proposal-2026-0988", "proposal-2026-1417"],
    "gids": {"proposal-2026-0988": 61988, "proposal-2026-1417": 61417},
}
"""No file of this machine has names for these numbers."""


class Client:
    """The person's own machine."""

    def __init__(self, hub, where) -> None:
        self.hub, self.where = hub, where
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(where / "key")], check=True)
        self.key = (where / "key.pub").read_text()
        self.token = hub.token_of("okafor")

    def beamtorch(self, *words: str, token: str | None = None) -> subprocess.CompletedProcess[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.where),
            "XDG_CONFIG_HOME": str(self.where),
            "BEAMTORCH_URL": f"http://127.0.0.1:{self.hub.ports['public']}/",
            "BEAMTORCH_TOKEN": token or self.token,
        }
        call = [sys.executable, "-m", "beamtorch_hub", *words]
        return subprocess.run(
            call, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )

    def run(self, command: str, server: str = "default") -> subprocess.CompletedProcess[bytes]:
        own = ("-i", str(self.where / "key"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")
        return self.beamtorch("ssh", server, "--", *own, command)


@pytest.fixture(scope="module")
def separated(hub_stand):
    """A Hub as root's platform has it: each lab under its person's numbers."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a lab another user id")
    if shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") is None or shutil.which("ssh") is None:
        pytest.skip("OpenSSH is not installed (apt-get install openssh-server openssh-client)")
    where = Path(tempfile.mkdtemp(prefix="ssh-hub-"))
    where.chmod(0o755)
    hub = hub_stand(where / "home")
    with (hub.where / "jupyterhub_config.py").open("a") as config:
        config.write("\nc.TorchLocalSpawner.as_person = True\n")
        config.write(f"c.TorchLocalSpawner.program_folders = {[str(folder) for folder in program_folders()]}\n")
    (hub.where / "homes" / "okafor").mkdir()
    os.chown(hub.where / "homes" / "okafor", PERSON["uid"], PERSON["gid"])
    try:
        hub.start_proxy()
        hub.start_spawner()
        hub.start_hub()
        yield hub
    finally:
        hub.stop()
        shutil.rmtree(where, ignore_errors=True)


@pytest.fixture(scope="module")
def client(separated, tmp_path_factory):
    client = Client(separated, tmp_path_factory.mktemp("client"))
    people = {"people": [{**PERSON, "ssh_keys": [client.key]}]}
    (separated.where / "config" / "directory.yaml").write_text(yaml.safe_dump(people, allow_unicode=True))
    return client


@pytest.fixture(scope="module")
def lab(separated, client):
    assert separated.start("okafor", environment="lab").status_code in {201, 202}
    separated.wait(lambda: separated.is_ready("okafor"))
    return client


def test_a_command_in_a_lab_of_the_hub_has_the_person_s_numbers_and_every_nameless_group(lab):
    done = lab.run("id -u; id -g; id -G; umask; pwd")

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        *(b"61002", b"61002", b"61002", b"61417", b"61988", b"0007"),
        str(lab.hub.where / "homes" / "okafor").encode(),
    ]


def test_a_session_has_the_lab_s_python_and_what_the_platform_s_commands_need(lab):
    code = "from beamtorch_spawner.client import SpawnerClient as C; print(C.from_environment().ssh_access().username)"
    done = lab.run(f"python -c '{code}'")
    assert done.stdout == b"okafor\n", done.stderr


def test_what_is_left_running_over_ssh_ends_with_the_lab(lab, separated):
    done = lab.run("nohup sleep 987654 >/dev/null 2>&1 & echo $!")
    left = psutil.Process(int(done.stdout))
    assert runs(left)

    separated.stop_server("okafor")
    assert not runs(left)

    gone = lab.run("true")
    assert gone.returncode == 255
    assert "okafor has no running server “default”. Start it at".encode() in gone.stderr


def runs(process):
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def test_a_token_that_the_hub_does_not_know_and_one_that_may_too_little_are_told_apart(client, separated):
    unknown = client.beamtorch("ssh", "default", "--user", "okafor", token="0" * 32)
    assert (unknown.returncode, b"does not know your token" in unknown.stderr) == (5, True), unknown.stderr

    separated.start("okafor", environment="lab")
    separated.wait(lambda: separated.is_ready("okafor"))
    weak = client.beamtorch("ssh", "default", token=separated.token_of("okafor", "read:users:name!user"))
    assert (weak.returncode, b"access:servers!user" in weak.stderr) == (5, True), weak.stderr


def test_a_token_for_one_s_servers_alone_is_enough_to_come_in(client, separated):
    client.hub.wait(lambda: separated.is_ready("okafor"))
    token, client.token = client.token, separated.token_of("okafor", "access:servers!user")
    try:
        done = client.run("echo in")
    finally:
        client.token = token
    assert done.stdout == b"in\n", done.stderr


def test_the_death_of_the_lab_ends_the_sshd_of_its_connections(client, separated):
    waiting = subprocess.Popen(
        [sys.executable, "-m", "beamtorch_hub", "ssh", "default", "--user", "okafor"],
        env={
            "PATH": os.environ["PATH"],
            "XDG_CONFIG_HOME": str(client.where),
            "BEAMTORCH_URL": f"http://127.0.0.1:{separated.ports['public']}/",
            "BEAMTORCH_TOKEN": client.token,
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert waiting.stdout.read(8) == b"SSH-2.0-"
        lab = psutil.Process(separated.record("okafor")["pid"])
        sshds = [one for one in lab.children(recursive=True) if one.name() == "sshd"]
        assert sshds
        lab.kill()
        separated.wait(lambda: not [one for one in sshds if runs(one)])
        assert b"lost" in waiting.communicate(timeout=30)[1]
        assert waiting.returncode == 9
    finally:
        waiting.kill()
        waiting.communicate()


def test_a_lab_of_a_platform_that_cannot_separate_people_lets_nobody_in_as_root(hub, tmp_path):
    hub.start("okafor", environment="lab")
    hub.wait(lambda: hub.is_ready("okafor"))
    try:
        refused = Client(hub, tmp_path).beamtorch("ssh", "default")
    finally:
        hub.stop_server("okafor")
    assert (refused.returncode, b"runs as root" in refused.stderr) == (8, True), refused.stderr


def test_an_app_that_runs_is_no_lab_to_come_into(hub, tmp_path):
    hub.start("okafor", "ct", environment="ct")
    hub.wait(lambda: hub.is_ready("okafor", "ct"))
    try:
        refused = Client(hub, tmp_path).beamtorch("ssh", "ct")
    finally:
        hub.stop_server("okafor", "ct")
    assert (refused.returncode, b"knows nothing of ssh" in refused.stderr) == (8, True), refused.stderr
