"""ssh, scp and rsync into a pod, through the hub: the person's numbers and every group, named or not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = [pytest.mark.cluster, pytest.mark.platform]
SERVER = "default"


@pytest.fixture(scope="module")
def client(cluster_platform, tmp_path_factory):
    """The person's own machine: a key that the directory has, a token, and a group there that has no name."""
    where = tmp_path_factory.mktemp("client")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(where / "key")], check=True)
    path = cluster_platform.home / "config" / "directory.yaml"
    before = path.read_text(encoding="utf-8")
    people = yaml.safe_load(before)
    person = next(one for one in people["people"] if one["username"] == "qiao")
    person["ssh_keys"] = [(where / "key.pub").read_text()]
    # A number whose name no file can hold: the kernel has it all the same.
    person["gids"]["no name: at all"] = 61999
    path.write_text(yaml.safe_dump(people, allow_unicode=True), encoding="utf-8")
    yield Client(cluster_platform, where, person)
    path.write_text(before, encoding="utf-8")


class Client:
    def __init__(self, platform, where, person) -> None:
        self.platform, self.where, self.person = platform, where, person
        self.environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(where),
            "XDG_CONFIG_HOME": str(where),
            "BEAMTORCH_URL": f"{platform.url}/",
            "BEAMTORCH_TOKEN": platform.http("qiao").headers["Authorization"].removeprefix("token "),
        }

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    def beamtorch(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.call(sys.executable, "-m", "beamtorch_hub", *words)


@pytest.fixture(scope="module")
def stanza(client, cluster_platform):
    """What `ssh-config` writes, with the key of this client; the pod runs."""
    if cluster_platform.model("qiao") is None:
        assert cluster_platform.start("qiao", environment="lab").status_code in {201, 202}
    cluster_platform.ready("qiao")
    told = client.beamtorch("ssh-config")
    assert told.returncode == 0, told.stderr
    config = client.where / "config"
    config.write_text(
        told.stdout + f"\nHost *\n  IdentityFile {client.where / 'key'}\n  IdentitiesOnly yes\n  BatchMode yes\n"
    )
    host = next(line.split()[1] for line in told.stdout.splitlines() if line.startswith("Host "))
    yield config, host
    cluster_platform.stop("qiao")


def test_a_session_has_the_numbers_of_the_person_and_every_group(client, stanza):
    config, host = stanza
    done = client.call("ssh", "-F", str(config), host, "id -u; id -g; id -G; whoami; cat /proc/self/status")
    assert done.returncode == 0, done.stderr
    uid, gid, groups, name, *status = done.stdout.splitlines()
    person = client.person
    assert (uid, gid, name) == (str(person["uid"]), str(person["gid"]), "qiao")
    assert {int(one) for one in groups.split()} == {person["gid"], *person["gids"].values()}
    assert "NoNewPrivs:\t1" in status
    assert "CapEff:\t0000000000000000" in status


def test_scp_and_rsync_bring_files_there_and_back_as_the_person(client, stanza):
    config, host = stanza
    sent = client.where / "sent.bin"
    sent.write_bytes(os.urandom(3_000_000))
    for way in (["scp", "-F", str(config)], ["rsync", "-e", f"ssh -F {config}"]):
        up = client.call(*way, str(sent), f"{host}:there.bin")
        assert up.returncode == 0, up.stderr
        owner = client.call("ssh", "-F", str(config), host, "stat -c '%u %g' there.bin")
        assert owner.stdout.split() == [str(client.person["uid"]), str(client.person["gid"])]
        back = client.where / f"{way[0]}.bin"
        down = client.call(*way, f"{host}:there.bin", str(back))
        assert down.returncode == 0, down.stderr
        assert back.read_bytes() == sent.read_bytes()
        client.call("ssh", "-F", str(config), host, "rm there.bin")


def test_a_key_that_the_directory_lost_opens_nothing_more(client, stanza):
    config, host = stanza
    assert client.call("ssh", "-F", str(config), host, "true").returncode == 0
    path = client.platform.home / "config" / "directory.yaml"
    kept = path.read_text(encoding="utf-8")
    people = yaml.safe_load(kept)
    next(one for one in people["people"] if one["username"] == "qiao")["ssh_keys"] = []
    path.write_text(yaml.safe_dump(people, allow_unicode=True), encoding="utf-8")
    refused = client.call("ssh", "-F", str(config), host, "true")
    path.write_text(kept, encoding="utf-8")
    assert refused.returncode == 255, refused.stdout
