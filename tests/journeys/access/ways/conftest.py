"""The six ways of a person to files, each by the client that people have for it."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest
from playwright.sync_api import Browser, Page

SECONDS = 120.0
DENIED = "Permission denied"
APP = "answering"
REFUSALS = {b"403": ("file-not-readable", DENIED), b"404": ("no-such-dataset", "not in the catalogue")}


class Way(ABC):
    """One way of one person to files, by the client that people have for it."""

    @abstractmethod
    def read(self, path: Path) -> str:
        """Return the SHA-256 of what came, or `DENIED`; everything else is an error."""

    def write(self, path: Path, source: Path) -> None:
        """Make a file with the bytes of a source, which lies on the person's own machine."""
        raise NotImplementedError

    def shell(self, command: str) -> str:
        """Return what a command says, where the way has a shell."""
        raise NotImplementedError

    def status(self) -> str:
        """Return what the kernel tells of a process of this way (proc(5))."""
        return self.shell("cat /proc/self/status")


class KernelWay(Way):
    """A notebook's kernel, through the websocket that JupyterLab has to it."""

    def __init__(self, place: Any, user: str) -> None:
        number = place.rest("POST", user, f"user/{user}/api/kernels", json={"name": "python3"}).json()["id"]
        # A socket for each question: one that nobody listens at answers no ping, and the server ends it.
        self.connect = partial(place.socket, user, f"user/{user}/api/kernels/{number}/channels")

    def says(self, code: str) -> str:
        with closing(self.connect()) as socket:
            return self.ask(socket, code)

    @staticmethod
    def ask(socket: Any, code: str) -> str:
        asked = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "session": "s",
            "username": "",
            "version": "5.3",
        }
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
        message = {"header": asked, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        socket.send(json.dumps(message))
        said = ""
        while True:
            heard = json.loads(socket.recv())
            if heard["parent_header"].get("msg_id") != asked["msg_id"]:
                continue
            if heard["msg_type"] == "stream":
                said += heard["content"]["text"]
            if heard["msg_type"] == "error":
                said += heard["content"]["evalue"]
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                return said.strip()

    def shell(self, command: str) -> str:
        return self.says(f"import subprocess; print(subprocess.check_output({command!r}, shell=True, text=True))")

    def status(self) -> str:
        return self.says("print(open('/proc/self/status').read())")

    def read(self, path: Path) -> str:
        return answer(self.says(f"import hashlib; print(hashlib.sha256(open({str(path)!r}, 'rb').read()).hexdigest())"))

    def write(self, path: Path, source: Path) -> None:
        said = self.says(f"print(open({str(path)!r}, 'wb').write({source.read_bytes()!r}))")
        assert said == str(source.stat().st_size), said


class TerminalWay(Way):
    """A terminal of JupyterLab, through its websocket."""

    def __init__(self, place: Any, user: str) -> None:
        name = place.rest("POST", user, f"user/{user}/api/terminals").json()["name"]
        self.connect = partial(place.socket, user, f"user/{user}/terminals/websocket/{name}")
        self.count = 0

    def shell(self, command: str) -> str:
        self.count += 1
        # What is typed comes back, too; only the shell turns the parts of the words into these.
        begin, end = f"begin={self.count}=", f"end={self.count}="
        typed = f"printf '%s%s=' begin= {self.count}; {command}; printf '%s%s=' end= {self.count}\r"
        said = ""
        with closing(self.connect()) as socket:
            socket.send(json.dumps(["stdin", typed]))
            while end not in said:
                kind, *rest = json.loads(socket.recv())
                said += rest[0] if kind == "stdout" else ""
        return said.partition(begin)[2].partition(end)[0].strip()

    def read(self, path: Path) -> str:
        return answer(self.shell(f"cat {shlex.quote(str(path))} | sha256sum; echo ${{PIPESTATUS[0]}}"))

    def write(self, path: Path, source: Path) -> None:
        said = self.shell(f"printf %s {shlex.quote(source.read_text())} > {shlex.quote(str(path))}; echo $?")
        assert said == "0", said


class AppWay(Way):
    """An app of the platform in Chromium: signed in, started from its card, asked on its page."""

    def __init__(self, place: Any, user: str, page: Page) -> None:
        self.page, self.count = page, 0
        page.goto(place.url)
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", place.password(user))
        page.click("button[type=submit]")
        page.click(f'[data-environment="{APP}"] button[data-start]')
        page.wait_for_url("**/user/**/voila/**")
        page.wait_for_selector("input[placeholder]")

    def says(self, question: str) -> str:
        self.count += 1
        line = self.page.locator("input[placeholder]")
        line.fill(f"{self.count} {question}")
        line.press("Enter")
        return self.page.locator(f'output[data-to="{self.count}"]').inner_text()

    def status(self) -> str:
        return self.says("status /proc/self/status")

    def read(self, path: Path) -> str:
        return answer(self.says(f"read {path}"))

    def write(self, path: Path, source: Path) -> None:
        assert source.read_bytes() == b"result"
        assert self.says(f"write {path}") == "written"


class SshWay(Way):
    """OpenSSH as `beamtorch ssh-config` sets it up; its sessions share one connection, as those of editors do."""

    def __init__(self, place: Any, user: str, machine: Path) -> None:
        self.place, self.machine, self.host = place, machine, "beamtorch-default"
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(machine),
            "XDG_CONFIG_HOME": str(machine),
            "BEAMTORCH_URL": place.url,
            "BEAMTORCH_TOKEN": place.token(user),
        }
        self.run(sys.executable, "-m", "beamtorch_hub", "ssh-config", "--write", check=True)
        config = next((machine / "beamtorch" / "ssh").glob("*.conf"))
        own = {"IdentitiesOnly": "yes", "BatchMode": "yes", "ControlPath": machine / "mux"}
        self.options = ["-F", str(config), "-i", str(machine / "key")]
        self.options += [word for name, value in own.items() for word in ("-o", f"{name}={value}")]

    def __enter__(self) -> Self:
        with (self.machine / "ssh.log").open("ab") as log:
            words = ["ssh", *self.options, "-o", "ControlMaster=yes", "-N", self.host]
            self.master = subprocess.Popen(words, env=self.variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + SECONDS
        while not (self.machine / "mux").exists():
            assert self.master.poll() is None, (self.machine / "ssh.log").read_text()
            assert time.monotonic() < until, "ssh does not connect"
            time.sleep(0.05)
        return self

    def __exit__(self, *_: object) -> None:
        self.master.terminate()
        self.master.wait(20)

    def run(self, *words: str, given: str = "", check: bool = False) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            words, env=self.variables, input=given.encode(), capture_output=True, timeout=SECONDS, check=False
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def shell(self, command: str) -> str:
        return self.run("ssh", *self.options, self.host, command, check=True).stdout.decode().strip()

    def read(self, path: Path) -> str:
        done = self.run("ssh", *self.options, self.host, f"cat {shlex.quote(str(path))}")
        return answer(done.stderr.decode() if done.returncode else hashlib.sha256(done.stdout).hexdigest())

    def write(self, path: Path, source: Path) -> None:
        self.run("scp", *self.options, str(source), f"{self.host}:{path}", check=True)


class TransferWay(Way):
    """`rsync -e ssh` over the same connection; a service for transfers would be another client."""

    def __init__(self, ssh: SshWay) -> None:
        self.ssh = ssh
        self.shell = shlex.join(["ssh", *ssh.options])

    def rsync(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return self.ssh.run("rsync", "-e", self.shell, "--protect-args", *words)

    def read(self, path: Path) -> str:
        here = self.ssh.machine / "fetched"
        here.unlink(missing_ok=True)
        done = self.rsync(f"{self.ssh.host}:{path}", str(here))
        return answer(done.stderr.decode() if done.returncode else hashlib.sha256(here.read_bytes()).hexdigest())

    def write(self, path: Path, source: Path) -> None:
        done = self.rsync(str(source), f"{self.ssh.host}:{path}")
        assert done.returncode == 0, done.stderr


class WebWay(Way):
    """curl at the catalogue's download, with the person's token; there is no upload."""

    def __init__(self, place: Any, user: str, machine: Path) -> None:
        self.place, self.user, self.machine = place, user, machine

    def read(self, path: Path) -> str:
        here = self.machine / "downloaded"
        here.unlink(missing_ok=True)
        said = f'header = "Authorization: token {self.place.token(self.user)}"\n'
        words = ["curl", "--silent", "--show-error", "--noproxy", "*", "--config", "-", "--output", str(here)]
        done = subprocess.run(
            [*words, "--write-out", "%{http_code}", f"{self.place.url}services/catalogue/{self.place.addresses[path]}"],
            input=said.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
        if done.stdout in REFUSALS:
            code, meaning = REFUSALS[done.stdout]
            assert json.loads(here.read_bytes())["type"] == f"urn:beamtorch:problem:{code}"
            return meaning
        assert done.stdout == b"200", here.read_text()
        return hashlib.sha256(here.read_bytes()).hexdigest()


def answer(said: str) -> str:
    """Return the SHA-256 in what a way said, or `DENIED`."""
    if DENIED in said:
        return DENIED
    found = re.search(r"\b[0-9a-f]{64}\b", said)
    assert found, said
    return found.group()


@pytest.fixture(scope="module")
def ways(place: Any, chromium: Browser) -> Iterator[dict[str, dict[str, Way]]]:
    """By person, all six ways; labs, apps and pages stay open for the whole module."""
    with ExitStack() as stack:
        found = {}
        for user in place.people:
            context = stack.enter_context(chromium.new_context(locale="en-GB"))
            context.set_default_timeout(1000 * SECONDS)
            ssh = stack.enter_context(SshWay(place, user, place.machine(user)))
            found[user] = {
                "kernel": KernelWay(place, user),
                "terminal": TerminalWay(place, user),
                "app": AppWay(place, user, context.new_page()),
                "ssh": ssh,
                "web": WebWay(place, user, place.machine(user)),
                "transfer": TransferWay(ssh),
            }
        yield found
