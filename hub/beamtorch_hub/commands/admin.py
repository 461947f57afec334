"""Run the platform: users, pods, leases, quotas, terminals, usage, audit, reconcile."""

import argparse
import os
from collections.abc import Sequence

from beamtorch_facility.words import Words
from beamtorch_hub.administration.topics import TOPICS, moment
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.commands.token import admin_of
from beamtorch_hub.errors import NotRunningError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.hub_api import HubApi
from beamtorch_hub.platform.banner import command
from beamtorch_hub.platform.lock import is_locked
from beamtorch_hub.settings import PlatformSettings
from beamtorch_spawner.client import SpawnerClient
from beamtorch_spawner.wire import Protection, QuotaScope

TOKEN_SECONDS = 300
SCOPES = [scope.value for scope in QuotaScope]


def main(argv: Sequence[str]) -> int:
    """Do one thing by the spawner API's REST routes, and print what it tells."""
    options = _options().parse_args(argv)
    with _client(options) as client:
        TOPICS[options.topic](client, options)
    return 0


def _client(options: argparse.Namespace) -> SpawnerClient:
    """Return a client: of the API that is named, else of the platform on this machine as its first admin."""
    url = options.url or os.environ.get("BEAMTORCH_SPAWNER_URL")
    token = os.environ.get("BEAMTORCH_TOKEN")
    if url and token and options.home is None:
        return SpawnerClient(url, token)
    home = home_of(options.home)
    if not is_locked(home):
        raise NotRunningError(
            Words(
                en=f"No platform runs from {home.root}. Start it ({command('up', home)}), or name one elsewhere: --url "
                "and a token in BEAMTORCH_TOKEN.",
                zh=f"没有平台从 {home.root} 运行。请启动（{command('up', home)}），或用 --url 和环境变量 "
                "BEAMTORCH_TOKEN 指定其他平台。",
            )
        )
    settings = PlatformSettings.load(home)
    return SpawnerClient(f"{settings.public_url}services/spawner/", _token(home, settings))


def _token(home: PlatformHome, settings: PlatformSettings) -> str:
    with HubApi(settings) as hub:
        return hub.new_token(admin_of(home), expires_in=TOKEN_SECONDS)


def _options() -> argparse.ArgumentParser:
    made = parser("admin", __doc__)
    made.add_argument(
        "--url", help="another platform's spawner API ($BEAMTORCH_SPAWNER_URL); its token: $BEAMTORCH_TOKEN"
    )
    topics = made.add_subparsers(dest="topic", required=True, metavar="TOPIC")
    _topic(topics, "users", "who there is, and who has servers")
    pods = _topic(topics, "pods", "what runs, for whom, with what, until when")
    pods.add_argument("--user", help="of one person")
    _leases(_topic(topics, "leases", "every start, newest first; extend or end one"))
    _quotas(_topic(topics, "quotas", "who may hold how much; set or lift a limit"))
    _terminals(_topic(topics, "terminals", "registered control-room addresses"))
    usage = _topic(topics, "usage", "core-, memory- and GPU-hours of a month")
    usage.add_argument("--month", metavar="YYYY-MM", help="in UTC (this month)")
    usage.add_argument("--by", choices=("user", "group", "beamline"), default="user")
    audit = _topic(topics, "audit", "what happened, one sentence a line")
    audit.add_argument("--user", help="about one person")
    audit.add_argument("--terminal", metavar="IP", help="at one terminal")
    audit.add_argument("--since", type=moment, metavar="WHEN", help="today, yesterday, 3h, 2d, 2026-11-21T08:00")
    audit.add_argument("--limit", type=int, default=200, help="at most so many, the newest (200)")
    clean = _topic(topics, "reconcile", "bring the database in line with the cluster")
    clean.add_argument("--end-orphans", action="store_true", help="also end pods that nobody can use any more")
    _ending(clean)
    return made


def _topic(
    topics: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, said: str
) -> argparse.ArgumentParser:
    made = topics.add_parser(name, help=said, description=said[0].upper() + said[1:] + ".")
    made.add_argument("--json", action="store_true", help="as the API tells it, for scripts")
    made.set_defaults(verb="list", dry_run=False, yes=False)
    return made


def _ending(made: argparse.ArgumentParser) -> None:
    made.add_argument("--dry-run", action="store_true", help="only say what would end")
    made.add_argument("--yes", action="store_true", help="do not ask")


def _leases(made: argparse.ArgumentParser) -> None:
    made.add_argument("--user", help="of one person")
    made.add_argument("--limit", type=int, default=50, help="at most so many (50)")
    verbs = made.add_subparsers(dest="verb", metavar="VERB")
    extend = verbs.add_parser("extend", help="let a server run longer")
    extend.add_argument("lease")
    extend.add_argument("--seconds", type=int, help="how much longer (what policy gives at once)")
    end = verbs.add_parser("end", help="stop a server")
    end.add_argument("lease")
    _ending(end)


def _quotas(made: argparse.ArgumentParser) -> None:
    made.add_argument("--user", help="those that count for one person")
    verbs = made.add_subparsers(dest="verb", metavar="VERB")
    for verb, said in (("set", "set a limit"), ("lift", "lift a limit")):
        one = verbs.add_parser(verb, help=said, description="The facility's subject is empty: “”; “*” is each one.")
        one.add_argument("scope", choices=SCOPES)
        one.add_argument("subject", help="name of the user, group or beamline; “*”: each; “”: the facility")
        one.add_argument("resource", help="cores, memory, servers, gpu-hours, nvidia.com/gpu, …")
        if verb == "set":
            one.add_argument("limit", help="16, 200G, 3, …")


def _terminals(made: argparse.ArgumentParser) -> None:
    verbs = made.add_subparsers(dest="verb", metavar="VERB")
    add = verbs.add_parser("add", help="register an address, or change what is registered")
    add.add_argument("ip")
    add.add_argument("--beamline", required=True)
    add.add_argument("--name", help="how people call it")
    add.add_argument("--grace", dest="grace_seconds", type=int, metavar="SECONDS", help="between notice and end (10)")
    add.add_argument("--minimum", dest="minimum_seconds", type=int, metavar="SECONDS", help="left alone so long (60)")
    add.add_argument("--protection", choices=[one.value for one in Protection])
    add.add_argument("--valid-from", type=moment, metavar="WHEN")
    add.add_argument("--valid-until", type=moment, metavar="WHEN")
    for verb, said in (("lock", "freeze it: nothing can be started there"), ("unlock", "let people start there again")):
        verbs.add_parser(verb, help=said).add_argument("ip")
    remove = verbs.add_parser("remove", help="remove an address; what was started there goes on")
    remove.add_argument("ip")
    _ending(remove)
