"""What an sshd is told, whole, against golden files, and what it needs of the machine.

BEAMTORCH_UPDATE_GOLDEN=1 writes them anew; look at the difference before you commit it.
"""

import os
import pwd
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from beamtorch_labextensions.ssh.errors import SshNotPossibleError
from beamtorch_labextensions.ssh.here import check_name, find_programs, this_person
from beamtorch_labextensions.ssh.sshd import SESSION, Keys, Person, Programs, server

GOLDEN = Path(__file__).parent / "golden"
PERSON = Person("okafor", 61234, 61234, Path("/homes/okafor"), "/bin/bash", 0o007)
PROGRAMS = Programs(
    sshd=Path("/usr/sbin/sshd"),
    sftp_server=Path("/usr/lib/openssh/sftp-server"),
    nss_wrapper=Path("/usr/lib/libnss_wrapper.so"),
    python=Path("/opt/beamtorch/bin/python"),
)
KEYS = Keys(("ssh-ed25519 AAAA", "ssh-rsa BBBB"), "the private key\n")
LAB = {
    "BEAMTORCH_LEASE": "abc",
    "PATH": "/opt/beamtorch/bin:/usr/bin",
    "ODD": 'back\\slash "quote" # no comment',
    "LINES_IN_IT": "one\nForceCommand evil",
    "A=B": "no name",
    "SSH_AUTH_SOCK": "/somebody/s/agent",
    "TERM": "xterm",
    "HOME": "/elsewhere",
}


@pytest.fixture
def open_folder():
    """A folder that another user can reach, as pytest's own cannot."""
    with tempfile.TemporaryDirectory(prefix="sshd-") as place:
        yield Path(place)


def made(**changes: object):
    return server(
        person=replace(PERSON, **changes), keys=KEYS, programs=PROGRAMS, folder=Path("/tmp/f"), environment=LAB
    )


@pytest.mark.parametrize("name", ["sshd_config", "passwd", "group", "authorized_keys"])
def test_each_file_is_as_it_was_agreed(name):
    text = made().files[name].replace(str(SESSION), "SESSION")
    if os.environ.get("BEAMTORCH_UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(text)
    assert text == (GOLDEN / name).read_text()


def test_the_command_serves_one_connection_and_only_sshd_gets_the_names():
    started = made()
    assert started.command == ("/usr/sbin/sshd", "-i", "-e", "-f", "/tmp/f/sshd_config")
    assert started.environment["LD_PRELOAD"] == "/usr/lib/libnss_wrapper.so"
    assert "LD_PRELOAD" not in started.files["sshd_config"].split("SetEnv")[1]


def test_a_home_that_passwd_cannot_hold_gives_nobody_another_line():
    for home in ("/a:b", "/a\nroot:x:0:0::/:/bin/sh"):
        assert made(home=Path(home)).files["passwd"] == "okafor:x:61234:61234::/:/bin/bash\n"


def test_the_real_sshd_takes_the_file(open_folder):
    programs = find_programs(os.environ["PATH"])
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(open_folder / "host_key")], check=True)
    told = server(person=PERSON, keys=KEYS, programs=programs, folder=open_folder, environment=LAB)
    (open_folder / "sshd_config").write_text(told.files["sshd_config"])
    words = [str(programs.sshd), "-T", "-f", str(open_folder / "sshd_config")]
    if os.geteuid() == 0:
        # Root's sshd wants a folder of the system's; the one of a lab is never root's.
        for path in (open_folder, *open_folder.iterdir()):
            os.chown(path, PERSON.uid, PERSON.gid)
        words = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups", "--", *words]
    read = subprocess.run(words, capture_output=True, text=True, check=False)
    assert read.stderr == ""
    told_back = read.stdout.splitlines()
    for line in ("allowagentforwarding no", "passwordauthentication no", "permituserrc no", "gatewayports no"):
        assert line in told_back
    assert 'setenv ODD=back\\slash "quote" # no comment' in told_back
    assert not [line for line in told_back if "evil" in line or "agent" in line.partition(" ")[2]]


def test_without_nss_wrapper_a_name_has_to_be_the_system_s_own():
    bare = replace(PROGRAMS, nss_wrapper=None)
    nobody = pwd.getpwnam("nobody")
    check_name(replace(PERSON, username="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid), bare)
    for person in (PERSON, replace(PERSON, username="nobody")):
        with pytest.raises(SshNotPossibleError, match="libnss-wrapper"):
            check_name(person, bare)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is root")
def test_root_is_nobody_to_come_in_as():
    with pytest.raises(SshNotPossibleError, match="root"):
        this_person("okafor", {"SHELL": "/bin/bash", "HOME": "/"})
