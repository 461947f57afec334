"""Places that every user can reach, and the kernel itself as a judge: a child that becomes somebody and tries."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beamtorch_identity.credentials import Credentials

Answers = list[int]
Asked = list[tuple[str, str]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may pass; pytest's own are closed to all but their owner."""
    if os.geteuid() != 0:
        pytest.skip("rights of other people can be tried by root alone")
    if shutil.which("setfacl") is None:
        pytest.skip("setfacl is not installed (apt-get install acl)")
    folder = Path(tempfile.mkdtemp(prefix="acl-"))
    folder.chmod(0o755)
    if subprocess.run(["setfacl", "-m", "u:50001:r", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip(f"the file system of {folder} keeps no ACLs")
    subprocess.run(["setfacl", "-b", str(folder)], check=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _try(operation: str, path: str) -> int:
    """Do something for real; return the number of the error, 0 for none."""
    try:
        match operation:
            case "read":
                os.close(os.open(path, os.O_RDONLY))
            case "write":
                os.close(os.open(path, os.O_WRONLY))
            case "list":
                list(Path(path).iterdir())
            case "enter":
                os.chdir(path)
            case "change":
                (Path(path) / ".probe").mkdir()
                (Path(path) / ".probe").rmdir()
    except OSError as error:
        return error.errno or -1
    finally:
        os.chdir("/")
    return 0


def _ask(person: Credentials, asked: Asked) -> Answers:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            person.take_on()
            told = json.dumps([_try(*one) for one in asked]).encode()
            while told:
                told = told[os.write(writing, told) :]
        except BaseException as error:  # noqa: BLE001 - a child must never come back into the test runner
            print(error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told_by:
        text = told_by.read()
    assert os.waitpid(child, 0)[1] == 0
    answers: Answers = json.loads(text)
    return answers


@pytest.fixture
def kernel() -> Callable[[Credentials, Asked], Answers]:
    """Ask the kernel: what happens when somebody really does these things?"""
    return _ask


@pytest.fixture
def getfacl() -> Callable[..., list[str]]:
    """Return what `getfacl` prints of a file, the independent reader."""

    def read(path: Path, *more: Any) -> list[str]:
        command = ["getfacl", "--omit-header", "--numeric", "--no-effective", "--absolute-names", *more, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if line]

    return read
