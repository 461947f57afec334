"""`beamtorch catalogue import`, `role` and `station`: what the user office knows."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.printing import table
from beamtorch_catalogue.wire import FacilityReport, KindReport
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_MOST_TOLD = 20
_NO_RIGHTS = (
    "Roles are for display, search and citation. They let nobody read anything: that is the word of the directory "
    "(the groups proposal-… and staff-…)."
)


def add(commands: "SubCommands") -> None:
    """Add the commands to the parser."""
    _add_import(commands)
    _add_role(commands)
    _add_station(commands)


def _add_import(commands: "SubCommands") -> None:
    take_in = commands.add_parser(
        "import",
        help="import what the user office knows; the same again changes nothing",
        description="Import instruments, stations, people, proposals, roles, beamtimes and samples, whole or not at "
        f"all. What is gone at the source is told and kept. {_NO_RIGHTS}",
    )
    ways = take_in.add_mutually_exclusive_group(required=True)
    ways.add_argument("file", nargs="?", type=Path, metavar="FILE.yaml", help="one YAML file")
    ways.add_argument("--csv", type=Path, metavar="FOLDER", help="instruments.csv, stations.csv, people.csv, …")
    ways.add_argument("--rest", type=Path, metavar="MAPPING.yaml", help="a REST API, asked as this file says")
    ways.add_argument("--from", dest="plugin", nargs=2, metavar=("NAME", "PLACE"), help="a way of a plugin")
    take_in.add_argument("--dry-run", action="store_true", help="only tell what would change")
    take_in.add_argument("--json", action="store_true", help="print one JSON object")
    take_in.set_defaults(run=_import)


def _add_role(commands: "SubCommands") -> None:
    role = commands.add_parser("role", help="set or remove roles of somebody in a proposal", description=_NO_RIGHTS)
    actions = role.add_subparsers(required=True, metavar="ACTION")
    chosen = actions.add_parser("set", help="give somebody exactly these roles", description=_NO_RIGHTS)
    chosen.set_defaults(run=_set_role)
    removed = actions.add_parser("remove", help="take all roles from somebody", description=_NO_RIGHTS)
    removed.set_defaults(run=_remove_role)
    for action in (chosen, removed):
        action.add_argument("proposal", metavar="PROPOSAL")
        action.add_argument("user", metavar="USER")
    chosen.add_argument("roles", nargs="+", metavar="ROLE", help="such as co-proposer or local-contact")


def _add_station(commands: "SubCommands") -> None:
    station = commands.add_parser("station", help="set or remove end stations of a beamline")
    actions = station.add_subparsers(required=True, metavar="ACTION")
    chosen = actions.add_parser("set", help="create or rename an end station")
    chosen.set_defaults(run=_set_station)
    removed = actions.add_parser("remove", help="remove an end station that no beamtime names")
    removed.set_defaults(run=_remove_station)
    for action in (chosen, removed):
        action.add_argument("beamline", metavar="BEAMLINE")
        action.add_argument("station", metavar="STATION")
    chosen.add_argument("name", metavar="NAME", help="in English")
    chosen.add_argument("--zh", metavar="NAME", help="in Chinese (default: as in English)")


def _import(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    # Reading spreadsheets and foreign APIs is nothing that a search should load.
    from beamtorch_catalogue.office import open_office  # noqa: PLC0415

    way, place = _way(arguments)
    report = client.import_facility(open_office(way, place).records(), rehearse=arguments.dry_run)
    print(report.model_dump_json(indent=2) if arguments.json else said(report))
    return 0


def _way(arguments: argparse.Namespace) -> tuple[str, Path]:
    if arguments.plugin:
        return arguments.plugin[0], Path(arguments.plugin[1])
    for way, place in (("csv", arguments.csv), ("rest", arguments.rest)):
        if place is not None:
            return way, place
    return "yaml", arguments.file


def said(report: FacilityReport) -> str:
    """Return what an import did, with what a person should look at."""
    kinds = [
        (name, kind) for name in type(report).model_fields if isinstance(kind := getattr(report, name), KindReport)
    ]
    head = ("", "CREATED", "CHANGED", "UNCHANGED", "NOT AT THE SOURCE")
    rows = [(name, *map(str, (k.created, k.updated, k.unchanged, k.absent))) for name, k in kinds]
    lines = [_first(report), "", *table([head, *rows])]
    for name, kind in kinds:
        lines += _told(f"{name}, new", kind.created_names, kind.created) if report.is_rehearsal else []
        changed = tuple(f"{one.name} ({', '.join(one.fields)})" for one in kind.updated_names)
        lines += _told(f"{name}, changed", changed, kind.updated)
        lines += _told(f"{name}, not at the source and kept", kind.absent_names, kind.absent)
    return "\n".join(lines)


def _first(report: FacilityReport) -> str:
    if not report.changes:
        return "Nothing would change." if report.is_rehearsal else "Nothing changed: all of it was there already."
    verb = "would be created or changed; nothing was" if report.is_rehearsal else "created or changed"
    return f"{report.changes} {'record' if report.changes == 1 else 'records'} {verb}."


def _told(title: str, names: tuple[str, ...], count: int) -> list[str]:
    lines = [f"{title}: {name}" for name in names[:_MOST_TOLD]]
    return [*lines, f"{title}: … and {count - _MOST_TOLD} more"] if count > _MOST_TOLD else lines


def _set_role(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    member = client.set_roles(arguments.proposal, arguments.user, arguments.roles)
    print(f"{member.name.en} is {', '.join(member.roles)} in {arguments.proposal}. {_NO_RIGHTS}")
    return 0


def _remove_role(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    client.remove_roles(arguments.proposal, arguments.user)
    print(f"{arguments.user} has no role in {arguments.proposal}. {_NO_RIGHTS}")
    return 0


def _set_station(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    name = Words(en=arguments.name, zh=arguments.zh or arguments.name)
    station = client.set_station(arguments.beamline, arguments.station, name)
    print(f"{arguments.beamline} has the station {station.station} ({station.name.en}).")
    return 0


def _remove_station(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    client.remove_station(arguments.beamline, arguments.station)
    print(f"{arguments.beamline} has no station {arguments.station}.")
    return 0
