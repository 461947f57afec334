"""A process that becomes a person for good, also where the way to the program or the person's files is closed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from beamtorch_identity.credentials import Credentials

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
OKAFOR = Credentials(61002, 61003, (61007, 61988))
WHO = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": sorted(os.getgroups()), "umask": os.umask(0),
    **{name: status[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs")},
}))
"""
PYTHON = "/usr/bin/python3"
"""Debian's, which everybody may run."""


def run(command: tuple[str, ...], cwd: Path | str = "/") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, timeout=30)


def test_all_numbers_are_the_person_s_and_nothing_is_left_of_root():
    done = run(OKAFOR.command((PYTHON, "-c", WHO)))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["uid"], told["gid"], told["groups"]) == ([61002] * 3, [61003] * 3, [61007, 61988])
    assert told["umask"] == 0o007
    assert {told[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert told["NoNewPrivs"] == "1"


def test_there_is_no_way_back():
    back = "import os\nfor take in (os.setuid, os.setgid): \n try: take(0)\n except PermissionError: print('no')"
    assert run(OKAFOR.command((PYTHON, "-c", back))).stdout == "no\nno\n"
    sudo = run(OKAFOR.command(("su", "-c", "id -u")))
    assert sudo.returncode != 0
    assert "0" not in sudo.stdout.split()


def test_variables_that_a_person_chose_count_for_their_command_and_for_nobody_who_is_still_root(open_folder):
    heard = open_folder / "heard"
    heard.mkdir()
    heard.chmod(0o777)
    # The loader writes what it did to a file of this name, as whoever runs it.
    chosen = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(heard / "by"), "MINE": "yes", "PATH": os.environ["PATH"]}
    command = OKAFOR.command(
        (PYTHON, "-c", "import os, sys; print(os.environ['MINE'], sys.stdin.read() == '')"), environment_on_stdin=True
    )
    done = subprocess.run(command, env={}, input=json.dumps(chosen), capture_output=True, text=True, check=False)
    assert done.stdout == "yes True\n", done.stderr
    owners = {path.stat().st_uid for path in heard.iterdir()}
    assert owners == {OKAFOR.uid}


def test_a_command_that_is_not_there_is_a_sentence():
    done = run(OKAFOR.command(("/no/such/program",)))
    assert done.returncode == 126
    assert done.stderr.startswith("cannot run /no/such/program as uid 61002")


@pytest.fixture
def closed(open_folder):
    """A folder like root's own home: a person's and a program's folder in it, and what is none of theirs."""
    root = open_folder / "closed"
    for name in ("home/okafor", "program", "private"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "home").chmod(0o755)
    os.chown(root / "home" / "okafor", OKAFOR.uid, OKAFOR.gid)
    (root / "program" / "words.py").write_text("SAID = 'here'\n")
    (root / "private" / "letter").write_text("nobody's business\n")
    root.chmod(0o700)
    return root


def test_what_is_needed_of_a_closed_folder_is_there_and_nothing_else(closed):
    look = f"""
import os, sys
sys.path.insert(0, {str(closed / "program")!r})
import words
print(words.SAID, os.getcwd())
open("mine", "w").write("mine")
for path in ({str(closed / "private" / "letter")!r}, {str(closed / "private")!r}):
    print(os.path.exists(path))
try:
    open({str(closed / "program" / "mine")!r}, "w")
except OSError as error:
    print(error.errno)
"""
    home = closed / "home" / "okafor"
    words = (PYTHON, "-B", "-c", look)
    done = run(OKAFOR.command(words, read_only=[closed / "program"], writable=[closed / "home"]), cwd=home)
    assert done.returncode == 0, done.stderr
    here, first, second, number = done.stdout.splitlines()
    assert here == f"here {home}"
    assert (first, second) == ("False", "False")
    assert number in {"13", "30"}
    made = (home / "mine").stat()
    assert (made.st_uid, made.st_gid, made.st_mode & 0o777) == (61002, 61003, 0o660)


def test_what_is_shown_is_shown_to_that_process_alone(closed):
    before = Path("/proc/self/mounts").read_text()
    run(OKAFOR.command((PYTHON, "-c", "pass"), read_only=[closed / "program"]))
    assert Path("/proc/self/mounts").read_text() == before
    assert (closed / "private" / "letter").exists()


def test_without_what_is_needed_a_closed_folder_stays_closed(closed):
    done = run(OKAFOR.command((PYTHON, "-c", f"print(open({str(closed / 'program' / 'words.py')!r}).read())")))
    assert "PermissionError" in done.stderr


def test_a_person_s_files_in_a_shown_folder_stay_theirs(closed):
    letter = closed / "home" / "okafor" / "letter"
    letter.write_text("mine")
    letter.chmod(0o600)
    os.chown(letter, OKAFOR.uid, OKAFOR.gid)
    (closed / "home" / "okafor").chmod(0o711)
    other = Credentials(61099, 61099).command((PYTHON, "-c", f"open({str(letter)!r})"), writable=[closed / "home"])
    assert "PermissionError" in run(other).stderr


def test_the_interpreter_of_this_run_works_for_somebody_else_wherever_it_is():
    folders = sorted({Path(sys.prefix), Path(sys.base_prefix), *(Path(p) for p in sys.path if p and Path(p).is_dir())})
    done = run(OKAFOR.command((sys.executable, "-c", "import re, pydantic; print(re.__file__)"), read_only=folders))
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(Path(os.__file__).parent)
