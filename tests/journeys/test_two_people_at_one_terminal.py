"""A control-room terminal in turn: two machines in network namespaces, an edge proxy before the platform, two browsers.

The first person's lab ends with notice when the second starts there; nobody else's does, whatever is forged.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
IP = shutil.which("ip", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
CHROMIUM = shutil.which("chromium")
ARTEFACTS = Path(__file__).parents[2] / "artefacts" / "journeys" / "terminal"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
GRACE_SECONDS = 3

EDGE = """
daemon off; pid {where}/nginx.pid; error_log {where}/error.log warn; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {where}/body; proxy_temp_path {where}/proxy; fastcgi_temp_path {where}/f;
  uwsgi_temp_path {where}/u; scgi_temp_path {where}/s;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    {listen}
    location / {{
      proxy_pass {behind};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      # The edge overwrites what a client says about its address.
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Real-IP "";
      proxy_set_header Forwarded "";
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Machine:
    """A computer of its own address, as a network namespace."""

    name: str
    address: str
    gateway: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{self.gateway}:{self.port}/"

    def browser_program(self, where: Path) -> Path:
        program = where / f"chromium-{self.name}"
        program.write_text(f'#!/bin/sh\nexec {IP} netns exec {self.name} {CHROMIUM} "$@"\n', encoding="utf-8")
        program.chmod(0o755)
        return program

    def curl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call curl on that machine."""
        command = [str(IP), "netns", "exec", self.name, "curl", "-sS", "--max-time", "60", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def ip(*arguments: str) -> None:
    subprocess.run([str(IP), *arguments], check=True, capture_output=True)


def free_network() -> str:
    """Return the first three numbers of a network that this machine has no way to: another run may have its own."""
    routes = subprocess.run([str(IP), "-j", "route"], check=True, capture_output=True).stdout
    taken = {one["dst"] for one in json.loads(routes)}
    return next(f"10.77.{number}" for number in range(1, 255) if f"10.77.{number}.0/24" not in taken)


@contextmanager
def machine(name: str, port: int) -> Iterator[Machine]:
    """Connect a namespace to this machine by a pair of virtual cables; nothing else can reach it."""
    here, there, network = f"{name}h", f"{name}n", free_network()
    made = Machine(name, f"{network}.2", f"{network}.1", port)
    ip("netns", "add", name)
    try:
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", name)
        ip("addr", "add", f"{made.gateway}/24", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", name, "addr", "add", f"{made.address}/24", "dev", there)
        ip("-n", name, "link", "set", there, "up")
        ip("-n", name, "link", "set", "lo", "up")
        yield made
    finally:
        ip("netns", "del", name)


@dataclass(frozen=True)
class ControlRoom:
    """A platform behind an edge, and two machines before it: one a registered terminal, one not."""

    url: str
    home: Path
    terminal: Machine
    elsewhere: Machine

    def admin(self, *arguments: str) -> str:
        done = beamtorch("admin", "--home", str(self.home), *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @cached_property
    def console(self) -> str:
        """The token of a control room's console."""
        return beamtorch("token", "--home", str(self.home), "--console").stdout.strip()

    def token(self, user: str) -> str:
        return beamtorch("token", "--home", str(self.home), "--user", user).stdout.split()[-1]

    def password(self, user: str) -> str:
        return str(json.loads((self.home / "secrets" / "passwords.json").read_text(encoding="utf-8"))[user])

    def leases(self, user: str) -> list[dict[str, Any]]:
        """Return what somebody has now; asked directly, for what is only there for a moment."""
        wanted, headers = {"username": user, "active": "true"}, {"Authorization": f"token {self.console}"}
        url = f"{self.url}services/spawner/leases"
        for _ in range(100):
            answer = httpx.get(url, params=wanted, headers=headers, timeout=60, trust_env=False)
            if answer.is_success:
                return list(answer.json())
            time.sleep(0.2)
        pytest.fail(answer.text)

    def order(self, user: str, *, key: str) -> str:
        """Start somebody's lab at the terminal as a console does, again until the API answers; return the lease."""
        headers = {"Authorization": f"token {self.console}", "Idempotency-Key": key}
        body = {"username": user, "environment": "lab", "sourceip": self.terminal.address}
        url = f"{self.url}services/spawner/userpod/"
        for _ in range(100):
            answer = httpx.post(url, headers=headers, json=body, timeout=60, trust_env=False)
            if answer.is_success:
                return str(answer.json()["lease"])
            time.sleep(0.2)
        pytest.fail(answer.text)

    def sign_in(self, browser: Browser, at: Machine, user: str) -> Page:
        page = browser.new_context(viewport={"width": 1280, "height": 1024}).new_page()
        page.goto(at.url)
        page.fill("input[name=username]", user)
        page.fill("input[name=password]", self.password(user))
        page.click("button[type=submit]")
        page.wait_for_selector("[data-environment]")
        return page

    def start(self, page: Page, at: Machine, environment: str) -> None:
        page.goto(f"{at.url}hub/home")
        page.click(f'[data-environment="{environment}"] [data-start]')
        page.wait_for_url("**/user/**", timeout=120_000)


def beamtorch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "beamtorch_hub", *arguments],
        env={name: value for name, value in os.environ.items() if name != "BEAMTORCH_HOME"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def edge(where: Path, machines: tuple[Machine, ...], behind: str) -> Iterator[None]:
    """Run nginx before the platform, listening only where the machines are connected."""
    listen = " ".join(f"listen {one.gateway}:{one.port};" for one in machines)
    config = where / "nginx.conf"
    config.write_text(EDGE.format(where=where, listen=listen, behind=behind), encoding="utf-8")
    with subprocess.Popen([str(NGINX), "-p", str(where), "-c", str(config), "-e", str(where / "error.log")]) as process:
        try:
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlRoom]:
    for program, package in ((NGINX, "nginx-light"), (IP, "iproute2"), (CHROMIUM, "chromium")):
        if program is None:
            pytest.skip(f"Debian's {package} is not installed")
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    where = tmp_path_factory.mktemp("room")
    home, port = where / "home", free_port()
    with ExitStack() as stack:
        tag = secrets.token_hex(2)
        first = stack.enter_context(machine(f"bta{tag}", port))
        second = stack.enter_context(machine(f"btb{tag}", port))
        done = beamtorch("up", "--detach", "--home", str(home), "--port", str(port))
        assert done.returncode == 0, done.stdout + done.stderr
        stack.callback(beamtorch, "down", "--home", str(home))
        # The edge and the platform's own proxy are on loopback here; labs are processes, so this is for tests alone.
        (home / "config" / "policy.yaml").write_text("trusted_proxies: [127.0.0.1/32]\n", encoding="utf-8")
        stack.enter_context(edge(where, (first, second), f"http://127.0.0.1:{port}"))
        made = ControlRoom(f"http://127.0.0.1:{port}/", home, first, second)
        more = ("--name", "hutch", "--grace", str(GRACE_SECONDS), "--minimum", "0")
        made.admin("terminals", "add", first.address, "--beamline", "BL-B7", *more)
        yield made


@pytest.fixture(scope="module")
def browsers(room: ControlRoom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Browser]]:
    """One Chromium on each machine."""
    where = tmp_path_factory.mktemp("browsers")
    with sync_playwright() as playwright:
        yield {
            one.name: playwright.chromium.launch(
                executable_path=str(one.browser_program(where)),
                args=[*FLAGS, f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {one.gateway}"],
            )
            for one in (room.terminal, room.elsewhere)
        }


def test_the_second_person_at_a_terminal_takes_over_and_nobody_else_loses_anything(room, browsers):
    at, away = room.terminal, room.elsewhere
    bystander = room.sign_in(browsers[away.name], away, "ruiz")
    room.start(bystander, away, "lab")
    kept = room.leases("ruiz")
    assert [one["terminal"] for one in kept] == [None]
    same_person_elsewhere = room.sign_in(browsers[away.name], away, "marsh")

    first = room.sign_in(browsers[at.name], at, "marsh")
    room.start(first, at, "lab")
    assert [one["terminal"] for one in room.leases("marsh")] == [at.address]

    second = room.sign_in(browsers[at.name], at, "chen")
    expect(second.locator("[data-terminal]")).to_contain_text("Elena Marsh")
    second.click('[data-environment="ct"] [data-start]')
    dialog = second.locator("#release-ct")
    expect(dialog).to_contain_text("Elena Marsh")
    expect(dialog.locator("[data-close]")).to_be_focused()
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    second.screenshot(path=ARTEFACTS / "release.png")
    dialog.locator("[data-release-now]").click()
    second.wait_for_url("**/user/**", timeout=120_000)

    assert room.leases("marsh") == []
    assert [one["server"] for one in room.leases("chen")] == ["ct"]
    assert [one["id"] for one in room.leases("ruiz")] == [one["id"] for one in kept]
    first.goto(f"{at.url}hub/home")
    expect(first.locator("[data-session-ended]")).to_contain_text("Somebody else started at this terminal")
    same_person_elsewhere.goto(f"{away.url}hub/home")
    expect(same_person_elsewhere.locator("[data-environment]").first).to_be_visible()

    story = room.admin("audit", "--terminal", at.address)
    assert f"marsh had to give up the server “default” at the terminal {at.address}: chen started" in story


def test_whatever_is_forged_ends_nobody_s_server(room):
    """From a machine that is no terminal: headers, a source address in the body, and pages that only look."""
    before = [one["id"] for one in room.leases("chen")]
    assert before
    forged = ("-H", f"X-Forwarded-For: {room.terminal.address}", "-H", f"X-Real-IP: {room.terminal.address}")
    forged += ("-H", f"Forwarded: for={room.terminal.address}")
    auth = ("-H", f"Authorization: token {room.token('qiao')}", "-H", "Content-Type: application/json")
    start = ("-X", "POST", "-d", '{"user_options": {"environment": "lab"}}')
    away = room.elsewhere
    done = away.curl("-f", *forged, *auth, *start, f"{away.url}hub/api/users/qiao/server")
    assert done.returncode == 0, done.stdout + done.stderr
    pod = {"username": "qiao", "environment": "ct", "podname": "ct", "sourceip": room.terminal.address}
    away.curl(*forged, *auth, "-X", "POST", "-d", json.dumps(pod), f"{away.url}services/spawner/userpod/")
    away.curl(*forged, *auth, f"{away.url}hub/spawn/qiao?environment=lab")
    time.sleep(GRACE_SECONDS + 2)  # nothing is to happen, so there is nothing else to wait for
    assert [one["id"] for one in room.leases("chen")] == before
    assert {one["terminal"] for one in room.leases("qiao")} == {None}
    assert {one["source_ip"] for one in room.leases("qiao")} == {away.address}
    assert "only a token with custom:torch:sourceip is believed" in room.admin("audit", "--user", "qiao")


def kill_the_api(room):
    """End the spawner API at once; its supervisor starts another."""
    children = json.loads((room.home / "run" / "platform.json").read_text(encoding="utf-8"))["children"]
    os.kill(next(child["pid"] for child in children if child["name"] == "spawner"), signal.SIGKILL)


def in_state(room, user, state):
    """Wait until a server of somebody is in a state."""
    until = time.monotonic() + 120
    while not any(one["state"] == state for one in room.leases(user)):
        assert time.monotonic() < until, f"{user} never was {state}"
        time.sleep(0.02)


def test_at_two_terminals_the_api_dies_between_an_end_and_a_start_and_nobody_starts_twice(room, browsers, open_kernel):
    at, away = room.terminal, room.elsewhere
    room.admin("terminals", "add", away.address, "--beamline", "BL-A4", "--name", "gallery", "--minimum", "0")
    bystander = room.sign_in(browsers[away.name], away, "marsh")
    room.start(bystander, away, "lab")
    (kept,) = room.leases("marsh")
    assert kept["terminal"] == away.address
    kernel = open_kernel(f"{room.url}user/marsh/", room.token("marsh"), room.home / "homes" / "marsh")
    kernel.says("measured = 6 * 7")

    clicking = room.sign_in(browsers[at.name], at, "novak")
    clicking.click('[data-environment="lab"] [data-start]')
    clicking.locator("#release-lab [data-release-now]").click()
    in_state(room, "chen", "stopping")
    kill_the_api(room)
    clicking.wait_for_url("**/user/novak/**", timeout=120_000)
    assert room.leases("chen") == []
    (begun,) = room.leases("novak")
    assert (begun["terminal"], begun["state"]) == (at.address, "running")

    first = room.order("chen", key="once")
    in_state(room, "novak", "stopping")
    kill_the_api(room)
    assert room.order("chen", key="once") == first
    in_state(room, "chen", "running")
    assert room.order("chen", key="once") == first
    assert [one["id"] for one in room.leases("chen")] == [first]
    assert room.leases("novak") == []
    running = json.loads(beamtorch("status", "--json", "--home", str(room.home)).stdout)["labs"]
    processes = {one["user"]: psutil.Process(one["pid"]).environ()["BEAMTORCH_LEASE"] for one in running}
    assert {user: processes.get(user) for user in ("chen", "marsh", "novak")} == {
        "chen": first,
        "marsh": kept["id"],
        "novak": None,
    }
    assert kernel.says("print(measured)") == "42"
