"""`beamtorch identity`: somebody as the directory has them, and what in it will make trouble."""

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ1c3kgYnVzeSBidXN5IGJ1c3kgYnVzeSBidXN5MTIz me@here"


def one(name: str, uid: int, **more: Any):
    return {"username": name, "full_name": {"en": name.title(), "zh": name}, "uid": uid, "gid": uid, **more}


@pytest.fixture
def identity(tmp_path):
    path = tmp_path / "directory.yaml"

    def call(*arguments: str, people=None, **more: Any):
        if people is not None:
            path.write_text(yaml.safe_dump({"people": people, **more}), encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-m", "beamtorch_hub", "identity", *arguments, "--directory", str(path)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call


def test_somebody_is_shown_as_the_kernel_will_know_them(identity):
    groups = {"groups": ["proposal-1", "staff-BL-A4", "talk"], "gids": {"proposal-1": 60001, "staff-BL-A4": 60002}}
    okafor = one("okafor", 50002, **groups, ssh_keys=[KEY], sid="S-1-5-21-1-2-3-2")
    shown = identity("show", "okafor", people=[okafor])
    assert shown.returncode == 0, shown.stderr
    assert "proposal-1 (60001), staff-BL-A4 (60002), talk" in shown.stdout
    assert "uid=50002 gid=50002 groups=60001,60002" in shown.stdout
    assert "S-1-5-21-1-2-3-2" in shown.stdout
    assert "SHA256:" in shown.stdout
    told = json.loads(identity("show", "okafor", "--json").stdout)
    assert told["supplementary_gids"] == [60001, 60002]


def test_nobody_and_a_locked_account_are_sentences_and_no_traceback(identity):
    people = [one("okafor", 50002), one("left", 50003)]
    gone = identity("show", "nemo", people=people, locked=["left"])
    assert gone.returncode == 1
    assert "knows nobody called “nemo”" in gone.stderr
    locked = identity("show", "left")
    assert locked.returncode == 1
    assert locked.stderr.startswith("beamtorch identity: The account “left” is locked")


def test_a_check_names_everything_that_is_wrong(identity):
    many = {f"g{n}": 60000 + n for n in range(17)}
    people = [
        one("low", 33),
        one("twice", 50010),
        one("twice", 50011),
        one("same", 50020, groups=["a"]),
        one("number", 50020, groups=["a"]),
        one("left", 50030),
        one("crowd", 50040, groups=list(many), gids=many),
        one("roomy", 50041, home="/home/x", groups=["a"], gids={"alias": 60003}),
        one("mate", 50042, home="/home/x", groups=["a"], ssh_keys=["command=x " + KEY]),
        one("alone", 50043),
    ]
    found = identity("check", people=people, locked=["left"])
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    refused = {line.split()[1] for line in lines if line.startswith("refused")}
    assert refused == {"low", "twice", "same", "number", "left"}
    told = "\n".join(line for line in lines if line.startswith("warning"))
    for said in (
        "17 groups: NFS",
        "shares the home /home/x",
        "an ssh key is left out",
        "alone",
        "alias and g3: to the kernel they are one group",
    ):
        assert said in told
    assert json.loads(identity("check", "--json").stdout)[0]["weight"] == "refused"


def test_a_sound_directory_passes(identity):
    passed = identity("check", people=[one("okafor", 50002, groups=["proposal-1"])])
    assert passed.returncode == 0
    assert "Every entry can be used" in passed.stdout


def test_the_same_questions_go_to_an_ldap_server(identity, make_slapd, tmp_path):
    suffix = "dc=torch,dc=example"

    def entry(name: str, number: int) -> str:
        return (
            f"dn: uid={name},ou=people,{suffix}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\ncn: {name}\n"
            f"sn: {name}\nuid: {name}\nuidNumber: {number}\ngidNumber: 50000\nhomeDirectory: /home/{name}\n"
        )

    server = make_slapd("\n".join([entry("okafor", 50002), entry("low", 33), entry("a1", 50007), entry("a2", 50007)]))
    (tmp_path / "directory.yaml").write_text(yaml.safe_dump({"ldap": server.settings()}))
    found = identity("check")
    assert {line.split()[1] for line in found.stdout.splitlines() if line.startswith("refused")} == {"low", "a1", "a2"}
    assert identity("show", "okafor").returncode == 0
