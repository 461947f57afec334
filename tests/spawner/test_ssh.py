"""The doors ssh/ of the spawner service, with a real Hub, and the client against a lab of that Hub."""

import base64
import subprocess

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from pydantic import SecretStr

from beamtorch_facility.identity import Username
from beamtorch_spawner.client import SpawnerClient
from beamtorch_spawner.errors import SpawnerRefusedError
from beamtorch_spawner.services.ssh_host_key import HostKeys

SERVICE = "access:services!service=spawner"


def public_key(comment="me at home"):
    made = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{made.decode()} {comment}"


def lab_token(hub, username="okafor", server=""):
    return hub.token_of(username, f"access:servers!server={username}/{server}", SERVICE)


def bare(key):
    return " ".join(key.split()[:2])


@pytest.fixture
def directory(hub):
    """Return the function that gives okafor these keys in the directory."""
    path = hub.where / "config" / "directory.yaml"
    before = path.read_text()

    def register(*keys: str):
        document = yaml.safe_load(before)
        next(one for one in document["people"] if one["username"] == "okafor")["ssh_keys"] = list(keys)
        path.write_text(yaml.safe_dump(document, allow_unicode=True))

    yield register
    path.write_text(before)


def test_a_lab_learns_the_keys_of_the_directory_and_a_withdrawn_one_is_gone_at_once(hub, directory):
    old, new = public_key(), public_key()
    token = lab_token(hub)
    with SpawnerClient(hub.spawner_url, token) as lab:
        directory(old)
        assert lab.ssh_access().authorized_keys == (bare(old),)
        directory(new)
        assert lab.ssh_access().authorized_keys == (bare(new),)
        directory()
        assert lab.ssh_access().authorized_keys == ()


def test_keys_that_came_with_a_start_open_that_server_alone_and_end_with_it(hub, directory):
    own, given = public_key(), public_key()
    directory(own)
    token = hub.token_of("okafor")
    body = {"username": "okafor", "environment": "lab", "sshpubkeys": [given, own]}
    assert hub.api("POST", "userpod/", token, json=body).status_code == 201
    try:
        with SpawnerClient(hub.spawner_url, lab_token(hub)) as lab:
            assert lab.ssh_access().authorized_keys == (bare(own), bare(given))
        with SpawnerClient(hub.spawner_url, lab_token(hub, server="ct")) as other:
            assert other.ssh_access().authorized_keys == (bare(own),)
            assert other.ssh_access().server == "ct"
    finally:
        hub.wait(lambda: hub.is_ready("okafor"))
        hub.stop_server("okafor")
    hub.wait(lambda: hub.leases("okafor")[0]["state"] == "ended")
    with SpawnerClient(hub.spawner_url, lab_token(hub)) as lab:
        assert lab.ssh_access().authorized_keys == (bare(own),)


def test_what_is_no_key_is_left_out_with_its_place_and_the_reason(hub, directory):
    good = public_key()
    directory(f'command="evil" {good}', good, f"{good}\n{good}", "-----BEGIN OPENSSH PRIVATE KEY-----")
    answer = hub.api("GET", "ssh/access", lab_token(hub)).json()

    assert answer["authorized_keys"] == [bare(good)]
    assert [(one["source"]["en"], one["number"]) for one in answer["left_out"]] == [("directory", n) for n in (1, 3, 4)]
    assert all(one["reason"]["en"] and one["reason"]["zh"] for one in answer["left_out"])


def test_the_private_host_key_is_for_a_server_s_own_token_and_is_not_kept_by_anybody_on_the_way(hub):
    answer = hub.api("GET", "ssh/access", lab_token(hub))
    assert answer.headers["Cache-Control"] == "no-store"
    private = load_ssh_private_key(answer.json()["host_key"].encode(), None)
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    assert hub.api("GET", "ssh/host-key", hub.token_of("okafor")).json()["key"] == public
    assert answer.json()["host_key"] not in hub.log("spawner")
    with SpawnerClient(hub.spawner_url, lab_token(hub)) as lab:
        assert "PRIVATE" not in repr(lab.ssh_access())


@pytest.mark.parametrize("scopes", [(), ("access:servers!user=okafor", SERVICE), (SERVICE,)])
def test_a_person_s_own_token_gets_no_private_key_however_much_it_may(hub, scopes):
    with SpawnerClient(hub.spawner_url, hub.token_of("okafor", *scopes)) as person:
        with pytest.raises(SpawnerRefusedError) as refused:
            person.ssh_access()
        assert refused.value.status == 403


def test_the_token_that_the_hub_gives_a_real_server_opens_the_door_for_that_server(hub, directory):
    directory(key := public_key())
    assert hub.start("okafor", environment="lab").status_code in {201, 202}
    hub.wait(lambda: hub.is_ready("okafor"))
    try:
        process = next(one for one in hub.processes() if "JUPYTERHUB_API_TOKEN" in one.environ())
        with SpawnerClient(hub.spawner_url, process.environ()["JUPYTERHUB_API_TOKEN"]) as lab:
            access = lab.ssh_access()
        assert (access.username, access.server, access.authorized_keys) == ("okafor", "", (bare(key),))
    finally:
        hub.stop_server("okafor")


def test_each_person_has_one_host_key_that_a_restart_does_not_change(hub):
    def told(name):
        return hub.api("GET", "ssh/host-key", hub.token_of(name)).json()

    okafor, zhang = told("okafor"), told("zhang")
    hub.kill("spawner")
    hub.start_spawner()
    assert told("okafor") == okafor
    assert okafor["key"] != zhang["key"]
    shown = subprocess.run(
        ["ssh-keygen", "-l", "-f", "-"], input=okafor["key"], capture_output=True, text=True, check=True
    )
    assert okafor["fingerprint"] in shown.stdout


def test_a_host_key_depends_on_the_secret_and_on_the_whole_name():
    ada = Username("okafor")
    one = HostKeys(SecretStr("a" * 32))
    assert one.of(ada).public == HostKeys(SecretStr("a" * 32)).of(ada).public
    others = {one.of(Username("okafo")).public, HostKeys(SecretStr("b" * 32)).of(ada).public}
    assert len({one.of(ada).public, *others}) == 3
    assert base64.b64decode(one.of(ada).public.split()[1]).startswith(b"\0\0\0\x0bssh-ed25519")
    assert "PRIVATE" not in repr(one.of(ada).private)
