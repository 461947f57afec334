"""What ssh is told of a server, pure: options for one call, and the stanzas of `ssh_config(5)`."""

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beamtorch_hub.ssh.account import DEFAULT_SERVER

ALIVE_SECONDS = 30


@dataclass(frozen=True)
class Way:
    """How ssh gets to the servers of somebody."""

    url: str
    place: str
    username: str
    known_hosts: Path
    program: tuple[str, ...]
    """The words that run `beamtorch` on this machine."""

    @property
    def alias(self) -> str:
        """The one name under which all servers of this person are known."""
        return f"beamtorch-{self.username}@{self.place}"


def this_program() -> tuple[str, ...]:
    """Return the words that run `beamtorch` again; its script may not be on the path of ssh."""
    return (sys.executable, "-m", "beamtorch_hub")


def options(way: Way, server: str, *, asks: bool = False) -> dict[str, str]:
    """Return the options of ssh for one server.

    Parameters
    ----------
    way
        How ssh gets there.
    server
        Name at the Hub; empty or “default”: the unnamed one.
    asks
        Whether the host key is not known beforehand, so that the first one is kept.
    """
    called = server or DEFAULT_SERVER
    proxy = (*way.program, "ssh", "--url", way.url, "--user", way.username, called)
    return {
        "HostName": called,
        "User": way.username,
        "ProxyCommand": _words(proxy).replace("%", "%%"),
        "HostKeyAlias": way.alias,
        "UserKnownHostsFile": f'"{way.known_hosts.as_posix()}"',
        "StrictHostKeyChecking": "accept-new" if asks else "yes",
        "CheckHostIP": "no",
        "ForwardAgent": "no",
        "ForwardX11": "no",
        "ServerAliveInterval": str(ALIVE_SECONDS),
    }


def command(way: Way, server: str, more: Sequence[str], *, asks: bool) -> tuple[str, ...]:
    """Return the ssh command for a shell in a server, or for a command there."""
    said = options(way, server, asks=asks)
    words = [word for name, value in said.items() for word in ("-o", f"{name}={value}")]
    return ("ssh", *words, f"beamtorch-{server or DEFAULT_SERVER}", *more)


def stanzas(way: Way, servers: Sequence[str], prefix: str) -> str:
    """Return a stanza for each server by name.

    A pattern with %n would let the name that somebody types, or that a foreign repository's submodule has, into a
    shell.
    """
    blocks = []
    for server in servers:
        lines = [f"  {name} {value}" for name, value in options(way, server).items()]
        blocks.append("\n".join([f"Host {prefix}-{server}", *lines]))
    return "\n\n".join(blocks) + "\n"


def with_known_host(text: str, way: Way, key: str) -> str:
    """Return a known_hosts file in which this key, and no other, stands for a person's servers."""
    kept = [line for line in text.splitlines() if line.partition(" ")[0] != way.alias]
    return "\n".join([*kept, f"{way.alias} {key}"]) + "\n"


def _words(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
