"""Connect to a running server by ssh: a shell, a command, or the bytes of ssh as its ProxyCommand."""

import argparse
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing

from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_hub.commands.ssh_config import keep_host_key, way_to
from beamtorch_hub.ssh.account import Account, find_account, is_server_name
from beamtorch_hub.ssh.carrying import carry
from beamtorch_hub.ssh.errors import SshError
from beamtorch_hub.ssh.hub import Platform
from beamtorch_hub.ssh.stanza import command


def main(argv: Sequence[str]) -> int:
    """Carry bytes where ssh calls; call ssh where a person does."""
    options = argparse.ArgumentParser(prog="beamtorch ssh", description=(__doc__ or "").partition("\n")[0])
    options.add_argument(
        "server", type=_server, help="name of the server at the hub; “default” for the one without a name"
    )
    options.add_argument("--user", metavar="NAME", help="whose server (the token's owner)")
    options.add_argument("--url", metavar="URL", help="the platform's address ($BEAMTORCH_URL)")
    options.usage = "%(prog)s SERVER [--user NAME] [--url URL] [-- COMMAND …]"
    words = list(argv)
    before = words[: words.index("--")] if "--" in words else words
    chosen, remote = options.parse_args(before), words[len(before) + 1 :]
    account = find_account(chosen.url)
    owner = str(Username(chosen.user)) if chosen.user else None
    if not remote and not sys.stdin.isatty():
        carry(account, owner or _asked(account), chosen.server, source=sys.stdin.fileno(), sink=sys.stdout.fileno())
        return 0
    with closing(Platform(account, ssl.create_default_context())) as platform:
        me = platform.username()
        way = way_to(account, owner or me)
        # The platform tells one's own host key alone.
        is_known = way.username == me and keep_host_key(platform, way)
    call = command(way, chosen.server, remote, asks=not is_known)
    return _become(call)


def _asked(account: Account) -> str:
    with closing(Platform(account, ssl.create_default_context())) as platform:
        return platform.username()


def _become(call: tuple[str, ...]) -> int:
    program = shutil.which(call[0])
    if program is None:
        raise SshError(
            Words(
                en="There is no ssh on this machine. Install OpenSSH's client, then try again.",
                zh="本机没有 ssh。请安装 OpenSSH 客户端后重试。",
            )
        )
    if os.name == "posix":
        os.execv(program, call)  # noqa: S606 - our words, no shell
    return subprocess.run([program, *call[1:]], check=False).returncode  # noqa: S603 - our words, no shell


def _server(text: str) -> str:
    if not is_server_name(text):
        raise argparse.ArgumentTypeError(f"“{text[:60]}” is no name of a server; use letters, digits and -")
    return text
