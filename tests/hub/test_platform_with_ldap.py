"""A whole platform whose people are in a real LDAP server: sign-in, a lab under their numbers, its faults, the logs."""

import signal
import time
from pathlib import Path

import psutil
import pytest
import yaml

from beamtorch_identity.testing.slapd import SUFFIX

pytestmark = [pytest.mark.platform]
PASSWORD = "right-of-okafor-7q2m"


def entry(name: str, number: int, password: str, more: str = "") -> str:
    return (
        f"dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
        f"objectClass: ldapPublicKey\ncn: {name}\nsn: {name}\nuid: {name}\nuidNumber: {number}\ngidNumber: {number}\n"
        f"homeDirectory: relative-so-none\nuserPassword: {password}\n{more}"
    )


def group(name: str, number: int, *members: str) -> str:
    lines = "".join(f"memberUid: {member}\n" for member in members)
    return f"dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: posixGroup\ncn: {name}\ngidNumber: {number}\n{lines}"


@pytest.fixture(scope="module")
def slapd(make_slapd):
    groups = [group("proposal-2026-0988", 60988, "okafor"), group("computing", 60007, "okafor")]
    return make_slapd("\n".join([entry("okafor", 50002, PASSWORD), entry("zhang", 50005, "of-zhang"), *groups]))


@pytest.fixture(scope="module")
def facility(slapd, make_platform):
    return make_platform("ldap", {"ldap": slapd.settings(seconds=1)})


def lab_of(home: Path) -> psutil.Process:
    # Told all at once: a process that ends meanwhile, whosever it is, has no command line any more.
    running = ((process, " ".join(process.info["cmdline"] or ())) for process in psutil.process_iter(["cmdline"]))
    return next(process for process, command in running if "singleuser" in command and str(home) in command)


def test_a_person_of_the_server_signs_in_and_their_lab_is_them_to_the_kernel(facility, browser_of, eventually):
    _, home = facility
    browser = browser_of()
    assert browser.sign_in("okafor", "wrong").status_code == 403
    assert browser.sign_in("okafor", PASSWORD).status_code == 200
    assert browser.submit("/hub/spawn", environment="lab").status_code == 200
    # Opening the page signs in at the lab, too.
    eventually(lambda: "jupyter-config-data" in browser.http.get("/user/okafor/lab").text, 60)
    lab = lab_of(home)
    assert lab.uids().real == 50002
    assert lab.gids().real == 50002
    status = Path(f"/proc/{lab.pid}/status").read_text()
    groups = next(line for line in status.splitlines() if line.startswith("Groups:"))
    assert groups.split()[1:] == ["60007", "60988"]


def test_while_the_server_hangs_nobody_signs_in_and_everybody_else_goes_on(slapd, browser_of, eventually):
    inside, outside = browser_of(), browser_of()
    assert inside.sign_in("zhang", "of-zhang").status_code == 200
    assert slapd.process is not None
    slapd.process.send_signal(signal.SIGSTOP)
    try:
        told = outside.sign_in("okafor", PASSWORD)
        assert told.status_code == 503
        assert "list of people cannot be read" in told.text
        assert "人员名单无法读取" in told.text
        inside.submit("/hub/spawn", environment="lab")
        eventually(lambda: "does not answer as it should" in inside.http.get("/hub/spawn-pending/zhang").text, 30)
        for path in ("/hub/login", "/hub/health", "/services/spawner/health", "/services/catalogue/health"):
            began = time.monotonic()
            assert outside.http.get(path).status_code == 200
            assert time.monotonic() - began < 3
        assert inside.http.get("/hub/home").status_code == 200
    finally:
        slapd.process.send_signal(signal.SIGCONT)
    eventually(lambda: outside.sign_in("okafor", PASSWORD).status_code == 200, 30)


def test_no_log_has_a_password_or_a_token(facility, slapd):
    _, home = facility
    secrets = {PASSWORD, "of-zhang", (slapd.where / "reader.password").read_text().strip()}
    tokens = yaml.safe_load((home / "secrets" / "tokens.json").read_text())
    environment = lab_of(home).environ()
    secrets |= {*tokens.values(), environment["JUPYTERHUB_API_TOKEN"], (home / "secrets" / "hub-cookie").read_text()}
    logs = [path for path in (home / "logs").rglob("*") if path.is_file()]
    assert {"hub.log", "spawner.log", "catalogue.log"} <= {path.name for path in logs}
    for log in logs:
        text = log.read_text(encoding="utf-8", errors="replace")
        assert not [number for number, secret in enumerate(secrets) if secret in text], log
