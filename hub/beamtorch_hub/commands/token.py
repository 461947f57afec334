"""Print a fresh API token of a person, or the one of the control-room console, for scripts and the command line."""

import argparse
import re
from collections.abc import Sequence

from beamtorch_facility.directory import UnknownPersonError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.errors import NotRunningError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.hub_api import HubApi
from beamtorch_hub.platform.banner import command
from beamtorch_hub.platform.lock import is_locked
from beamtorch_hub.settings import PlatformSettings
from beamtorch_identity.opening import open_directory

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def main(argv: Sequence[str]) -> int:
    """Print the token alone, so that a shell can catch it."""
    options = parser("token", __doc__)
    whose = options.add_mutually_exclusive_group()
    whose.add_argument("--user", metavar="NAME", help="whose (the first person who runs the facility)")
    whose.add_argument(
        "--console",
        action="store_true",
        help="the control-room console's, which never expires: it starts and stops for anybody at the spawner API, "
        "and is believed about the address of a terminal",
    )
    options.add_argument("--expires", type=_seconds, default="30d", metavar="TIME", help="8h, 30d, 600 (30d)")
    chosen = options.parse_args(argv)
    home = home_of(chosen.home)
    if not is_locked(home):
        raise NotRunningError(
            Words(
                en=f"No platform runs from {home.root}, so nobody can make a token. Start it: {command('up', home)}",
                zh=f"没有平台从 {home.root} 运行，无法生成令牌。启动：{command('up', home)}",
            )
        )
    settings = PlatformSettings.load(home)
    if chosen.console:
        print(settings.tokens.console.get_secret_value())
        return 0
    person = admin_of(home, chosen.user)
    with HubApi(settings) as hub:
        print(hub.new_token(person, expires_in=chosen.expires))
    return 0


def admin_of(home: PlatformHome, name: str | None = None) -> Identity:
    """Return somebody by name, else the first person who runs the facility."""
    directory = open_directory(home.directory)
    if name is not None:
        return directory.person(Username(name))
    for person in directory.people():
        if person.is_admin:
            return person
    raise UnknownPersonError(
        Words(
            en="The directory has nobody who runs the facility. Say whose token you want with --user.",
            zh="人员目录中没有设施管理员。请用 --user 指定用户。",
        )
    )


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)([smhd]?)", text.strip())
    if not found or not int(found[1]):
        raise argparse.ArgumentTypeError(f"“{text}” is no time; use 600 (seconds), 10m, 8h or 30d")
    return int(found[1]) * UNITS[found[2]]
