"""What an sshd for one connection is told, pure: its files, its command, its variables.

It runs as the person (`sshd_config(5)`, `sshd(8)` with ``-i``), which keeps every group of the lab, also those without
a name. An sshd wants a line of passwd(5) for the one whom it lets in; nss_wrapper gives it one, and to it alone.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SECRET_FILES = ("host_key", "sshd_config")
"""Those with a private key or a token in them; sshd has read them when it says its first word."""
SESSION = Path(__file__).with_name("session.sh")
KEEP_ALIVE_SECONDS, MISSED = 30, 4
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_A_SESSION = frozenset({"USER", "LOGNAME", "MAIL", "PWD", "OLDPWD", "SHLVL", "TERM", "COLUMNS", "LINES", "_"})
_FOREIGN = ("SSH_", "NSS_WRAPPER_", "BASH_FUNC_")
"""An agent of whoever started the platform is nobody's in a lab."""


@dataclass(frozen=True)
class Programs:
    """What is installed."""

    sshd: Path
    sftp_server: Path
    nss_wrapper: Path | None
    python: Path


@dataclass(frozen=True)
class Person:
    """Whose lab it is, and as what it runs."""

    username: str
    uid: int
    gid: int
    home: Path
    shell: str
    umask: int


@dataclass(frozen=True)
class Keys:
    """Who may come in, and by what the lab is known."""

    authorized: tuple[str, ...]
    host: str


@dataclass(frozen=True)
class Server:
    """An sshd to start: its files by name, its command, its variables."""

    files: dict[str, str]
    command: tuple[str, ...]
    environment: dict[str, str]


def server(*, person: Person, keys: Keys, programs: Programs, folder: Path, environment: Mapping[str, str]) -> Server:
    """Return the sshd for one connection.

    Parameters
    ----------
    person
        Whom it lets in.
    keys
        Already checked: they go into its files as they are.
    programs
        What is installed.
    folder
        Where its files will lie; nobody else may read it.
    environment
        The lab's own variables, which sessions get as a terminal of the lab does.
    """
    names = _names(programs, folder)
    files = {
        "host_key": keys.host,
        "authorized_keys": "".join(f"{key}\n" for key in keys.authorized),
        "passwd": passwd(person),
        # Where devpts has no group, a pseudo-terminal is to be the person's own: nobody may give it to the real “tty”.
        "group": f"tty:x:{person.gid}:\n",
        "sshd_config": config(person, programs, folder, names=names, environment=environment),
    }
    command = (str(programs.sshd), "-i", "-e", "-f", str(folder / "sshd_config"))
    return Server(files, command, {**environment, **names})


def passwd(person: Person) -> str:
    """Return the line of passwd(5); a home that it cannot hold is where sessions get by their variables."""
    home = str(person.home)
    home = "/" if ":" in home or not home.isprintable() else home
    return f"{person.username}:x:{person.uid}:{person.gid}::{home}:{person.shell}\n"


def _names(programs: Programs, folder: Path) -> dict[str, str]:
    if programs.nss_wrapper is None:
        return {}
    return {
        "LD_PRELOAD": str(programs.nss_wrapper),
        "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
        "NSS_WRAPPER_GROUP": str(folder / "group"),
    }


def config(
    person: Person,
    programs: Programs,
    folder: Path,
    *,
    names: Mapping[str, str],
    environment: Mapping[str, str],
) -> str:
    """Return the sshd_config: public keys of ours alone, no agent, no ports but the person's own forwarding."""
    named = (f"{name}={value}" for name, value in names.items())
    session = shlex.join((str(SESSION), f"{person.umask:04o}", str(programs.python.parent), *named))
    own = {"SHELL": person.shell, "HOME": str(person.home)}
    options = {
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "AuthenticationMethods": "publickey",
        "PubkeyAuthentication": "yes",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "HostbasedAuthentication": "no",
        "PermitRootLogin": "no",
        "AllowUsers": person.username,
        "UsePAM": "no",
        # The folder is the person's alone; what lies above it, such as /tmp, is not theirs to tighten.
        "StrictModes": "no",
        "MaxAuthTries": 10,
        "LoginGraceTime": 60,
        "MaxSessions": 100,
        "AllowAgentForwarding": "no",
        "AllowTcpForwarding": "yes",
        "AllowStreamLocalForwarding": "yes",
        "GatewayPorts": "no",
        "PermitTunnel": "no",
        "X11Forwarding": "no",
        "PermitUserEnvironment": "no",
        "PermitUserRC": "no",
        "AcceptEnv": "LANG LC_*",
        "PrintMotd": "no",
        "PrintLastLog": "no",
        "ClientAliveInterval": KEEP_ALIVE_SECONDS,
        "ClientAliveCountMax": MISSED,
        "UseDNS": "no",
        "PidFile": "none",
        "LogLevel": "INFO",
        "Subsystem": f"sftp {programs.sftp_server}",
        "ForceCommand": f"exec /bin/sh {session}",
        "SetEnv": _set_env({**environment, **own}),
    }
    return "".join(f"{name} {value}\n" for name, value in options.items())


def _set_env(environment: Mapping[str, str]) -> str:
    """Return the words of SetEnv, of which only the first line counts; what a line cannot hold is left out."""
    words = []
    for name, value in sorted(environment.items()):
        is_foreign = name in _OF_A_SESSION or name.startswith(_FOREIGN) or not _VARIABLE.fullmatch(name)
        if is_foreign or any(letter in value for letter in "\n\r\0"):
            continue
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        words.append(f'"{name}={escaped}"')
    return " ".join(words)
