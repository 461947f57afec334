"""Print or write the stanzas with which ssh, scp, rsync and editors find one's servers by name."""

import argparse
import ssl
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from beamtorch_facility.words import Words
from beamtorch_hub.ssh.account import Account, find_account, own_folder
from beamtorch_hub.ssh.errors import TokenNotTakenError
from beamtorch_hub.ssh.hub import Platform
from beamtorch_hub.ssh.stanza import Way, stanzas, this_program, with_known_host


def main(argv: Sequence[str]) -> int:
    """Print the stanzas, or write a file that one line of ~/.ssh/config includes."""
    options = argparse.ArgumentParser(prog="beamtorch ssh-config", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--url", metavar="URL", help="the platform's address ($BEAMTORCH_URL)")
    options.add_argument("--prefix", type=_prefix, default="beamtorch", help="names are PREFIX-SERVER (beamtorch)")
    options.add_argument("--write", action="store_true", help="write the file, and tell how to include it")
    chosen = options.parse_args(argv)
    account = find_account(chosen.url)
    with closing(Platform(account, ssl.create_default_context())) as platform:
        way = way_to(account, platform.username())
        if not keep_host_key(platform, way):
            raise TokenNotTakenError(
                Words(
                    en="Your token may not ask for the host key of your servers. Make one with the scope "
                    "access:services!service=spawner beside access:servers!user on the hub's page “Token”.",
                    zh="您的令牌无权查询服务器的主机密钥。请在 Hub 的“令牌”页面新建令牌，除 access:servers!user 外还需 "
                    "access:services!service=spawner 权限。",
                )
            )
        text = stanzas(way, platform.servers(way.username), chosen.prefix)
    if not chosen.write:
        print(text, end="")
        return 0
    file = own_folder() / "ssh" / f"{account.place.replace(':', '_')}.conf"
    _write(file, text)
    print(
        f'Wrote {file}. Have this as the first line of ~/.ssh/config:\nInclude "{(file.parent / "*.conf").as_posix()}"'
    )
    return 0


def way_to(account: Account, username: str) -> Way:
    """Return how ssh gets to somebody's servers from this machine."""
    return Way(
        url=account.url,
        place=account.place,
        username=username,
        known_hosts=own_folder() / "known_hosts",
        program=this_program(),
    )


def keep_host_key(platform: Platform, way: Way) -> bool:
    """Keep the host key that the platform tells over TLS, so that ssh never asks; return whether it told one."""
    key = platform.host_key()
    if key is None:
        return False
    known = way.known_hosts.read_text(encoding="utf-8") if way.known_hosts.exists() else ""
    if (wanted := with_known_host(known, way, key)) != known:
        _write(way.known_hosts, wanted)
    return True


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def _prefix(text: str) -> str:
    if not text.isascii() or not text.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError("use letters, digits, - and _")
    return text
