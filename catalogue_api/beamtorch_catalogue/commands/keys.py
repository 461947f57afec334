"""`beamtorch catalogue keys`: keys for programs that act in one's name."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.printing import table
from beamtorch_catalogue.wire import KeyRecord, Scope

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_DAYS = 90


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    keys = commands.add_parser("keys", help="list, make and withdraw keys for programs")
    keys.add_argument("--json", action="store_true", help="print JSON")
    keys.set_defaults(run=_list)
    actions = keys.add_subparsers(metavar="ACTION")

    make = actions.add_parser("make", help="make a key; its text is printed this once")
    make.add_argument(
        "scopes", nargs="+", choices=[scope.value for scope in Scope], metavar="SCOPE", help="%(choices)s"
    )
    make.add_argument("--days", type=float, default=_DAYS, help="how long it lasts (default: %(default)s)")
    make.add_argument("--note", default="", help="what it is for")
    make.add_argument("--json", action="store_true", help="print JSON")
    make.set_defaults(run=_make)

    withdraw = actions.add_parser("withdraw", help="withdraw a key")
    withdraw.add_argument("number", type=int)
    withdraw.set_defaults(run=_withdraw)


def _list(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    keys = client.keys()
    if arguments.json:
        print(TypeAdapter(list[KeyRecord]).dump_json(keys, indent=2).decode())
    else:
        print(_table(keys) if keys else "You have no keys. Make one: beamtorch catalogue keys make read")
    return 0


def _make(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    ends = datetime.now(UTC) + timedelta(days=arguments.days)
    made = client.make_key(arguments.scopes, expires_at=ends, note=arguments.note)
    if arguments.json:
        print(made.model_dump_json(indent=2))
    else:
        print(made.key)
        print(f"Key {made.number} is good until {_moment(made.expires_at)}. Keep it now: it is not shown again.")
    return 0


def _withdraw(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    client.withdraw_key(arguments.number)
    print(f"Key {arguments.number} is withdrawn.")
    return 0


def _table(keys: Sequence[KeyRecord]) -> str:
    head = ("KEY", "OWNER", "SCOPES", "EXPIRES", "USED", "STATE", "NOTE")
    return "\n".join(table([head, *map(_row, keys)]))


def _row(key: KeyRecord) -> tuple[str, ...]:
    state = "withdrawn" if key.revoked_at else "expired" if key.expires_at <= datetime.now(UTC) else "good"
    used = _moment(key.used_at) if key.used_at else "never"
    return (str(key.number), key.owner, " ".join(key.scopes), _moment(key.expires_at), used, state, key.note)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"
