"""A control-room terminal in turn: two machines in network namespaces, an edge proxy before the platform, two browsers.

The first person's lab ends with notice when the second starts there; nobody else's does, whatever is forged.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

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


@contextmanager
def machine(name: str, network: int, port: int) -> Iterator[Machine]:
    """Connect a namespace to this machine by a pair of virtual cables; nothing else can reach it."""
    here, there = f"{name}h", f"{name}n"
    made = Machine(name, f"10.77.{network}.2", f"10.77.{network}.1", port)
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
    """A platform behind an edge, and two terminals before it."""

    platform: Any
    first: Machine
    second: Machine
    browsers: dict[str, Browser]

    def context(self, at: Machine) -> BrowserContext:
        return self.browsers[at.name].new_context(viewport={"width": 1280, "height": 1024})
