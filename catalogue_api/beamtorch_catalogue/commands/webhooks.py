"""`beamtorch catalogue webhooks`: receivers that are told of changes."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.printing import table
from beamtorch_catalogue.wire import WebhookEdit, WebhookRecord

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

NOT_DELIVERED = 8
"""Exit code if a test event was not confirmed."""


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    webhooks = commands.add_parser("webhooks", help="list, make, test and delete webhooks, for staff and admins")
    webhooks.add_argument("--json", action="store_true", help="print JSON")
    webhooks.set_defaults(run=_list)
    actions = webhooks.add_subparsers(metavar="ACTION")

    make = actions.add_parser("make", help="tell a receiver of changes; the secret is printed this once")
    make.add_argument("address", metavar="URL")
    make.add_argument("--action", action="append", default=[], help="such as released; may be repeated (default: all)")
    make.add_argument("--after", type=int, help="begin after this change (default: with the next one)")
    make.add_argument("--json", action="store_true", help="print JSON")
    make.set_defaults(run=_make)

    for name, run, what in (
        ("test", _test, "send a test event now"),
        ("resume", _resume, "try again at once, even one that was given up"),
        ("delete", _delete, "take a webhook away"),
    ):
        action = actions.add_parser(name, help=what)
        action.add_argument("number", type=int)
        action.set_defaults(run=run)


def _list(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    hooks = client.webhooks()
    if arguments.json:
        print(TypeAdapter(list[WebhookRecord]).dump_json(hooks, indent=2).decode())
    else:
        print(_table(hooks) if hooks else "You have no webhooks. Make one: beamtorch catalogue webhooks make URL")
    return 0


def _make(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    made = client.make_webhook(arguments.address, actions=arguments.action, after=arguments.after)
    if arguments.json:
        print(made.model_dump_json(indent=2))
    else:
        print(made.secret)
        print(f"Webhook {made.number} is signed with this secret. Keep it now: it is not shown again.")
    return 0


def _test(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    outcome = client.test_webhook(arguments.number)
    print("The receiver confirmed it." if outcome.problem is None else outcome.problem.en)
    return 0 if outcome.is_delivered else NOT_DELIVERED


def _resume(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    client.change_webhook(arguments.number, WebhookEdit(is_active=True))
    print(f"Webhook {arguments.number} is tried again.")
    return 0


def _delete(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    client.end_webhook(arguments.number)
    print(f"Webhook {arguments.number} is deleted.")
    return 0


def _table(hooks: Sequence[WebhookRecord]) -> str:
    head = ("WEBHOOK", "OWNER", "URL", "ACTIONS", "DELIVERED", "STATE", "PROBLEM")
    return "\n".join(table([head, *map(_row, hooks)]))


def _row(hook: WebhookRecord) -> tuple[str, ...]:
    state = "good" if not hook.failures else f"{hook.failures} failures"
    return (
        str(hook.number),
        hook.owner,
        hook.url,
        " ".join(hook.actions) or "all",
        str(hook.delivered),
        state if hook.is_active else "given up" if hook.problem else "off",
        hook.problem.en if hook.problem else "",
    )
