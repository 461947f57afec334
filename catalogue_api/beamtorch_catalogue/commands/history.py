"""`beamtorch catalogue history`: who changed what."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.printing import table
from beamtorch_catalogue.wire import ChangePage, ChangeRecord

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_MOST_PAGES = 100


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    history = commands.add_parser(
        "history", help="show what changed: of a dataset, or everything for staff and admins; newest first"
    )
    history.add_argument("dataset", nargs="?", metavar="ID", help="a dataset (default: everything)")
    history.add_argument("--by", help="user name, or name of a service")
    history.add_argument("--action", help="such as released")
    history.add_argument("--since", type=_moment, help="a moment such as 2026-11-01T08:00")
    history.add_argument("--limit", type=int, default=25)
    history.add_argument("--after", type=int, help="“next” of the page before")
    history.add_argument("--json", action="store_true", help="print JSON")
    history.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    page = _page(arguments, client)
    if arguments.json:
        print(page.model_dump_json(indent=2))
    elif page.changes:
        print(_table(page.changes))
        if page.next is not None:
            print(f"\nthe next page: --after {page.next}")
    else:
        print("Nothing was changed.")
    return 0


def _page(arguments: argparse.Namespace, client: CatalogueClient) -> ChangePage:
    if arguments.dataset:
        return client.history(arguments.dataset, after=arguments.after, limit=arguments.limit)
    found: list[ChangeRecord] = []
    after = arguments.after
    for _ in range(_MOST_PAGES):
        page = client.changes(
            by=arguments.by,
            action=arguments.action,
            since=arguments.since,
            after=after,
            limit=arguments.limit - len(found),
            newest_first=True,
        )
        found += page.changes
        after = page.next
        if after is None or len(found) >= arguments.limit:
            break
    return ChangePage(changes=tuple(found), next=after)


def _table(changes: Sequence[ChangeRecord]) -> str:
    head = ("CHANGE", "AT", "BY", "WHAT", "ACTION", "VALUES")
    return "\n".join(table([head, *map(_row, changes)], widest=80))


def _row(change: ChangeRecord) -> tuple[str, ...]:
    what = f"{change.subject} {change.subject_id}"
    moment = f"{change.at.astimezone():%Y-%m-%d %H:%M:%S}"
    return (str(change.id), moment, change.by, what, change.action, "; ".join(_told(change)))


def _told(change: ChangeRecord) -> Iterator[str]:
    before, after = change.before or {}, change.after or {}
    for name in [*after, *(name for name in before if name not in after)]:
        if name in before and name in after:
            if before[name] != after[name]:
                yield f"{name}: {_short(before[name])} → {_short(after[name])}"
        else:
            yield f"{name}: {_short(after.get(name, before.get(name)))}"


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()
