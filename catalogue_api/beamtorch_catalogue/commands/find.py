"""`beamtorch catalogue search|show|files|stats|searches`: looking things up."""

import argparse
from itertools import islice
from typing import TYPE_CHECKING

from beamtorch_catalogue import printing
from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.wire import Count, Facets, Order
from beamtorch_facility.dataset import DatasetKind

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_FILTERS = ("beamline", "proposal", "beamtime", "state", "year")
_HELP = "terms of the query language, e.g.: tooth energy 12..13 keV date:7d -kind:processed"


def add(commands: "SubCommands") -> None:
    """Add the commands to the parser."""
    search = commands.add_parser("search", help="find datasets", epilog="example: search tooth energy 12..13 keV")
    _add_query(search)
    search.add_argument("--limit", type=int, default=25)
    search.add_argument("--after", help="“next” of the page before")
    search.add_argument("--sort", choices=[order.value for order in Order], default=Order.NEWEST.value,
                        help="which come first (default: newest)")  # fmt: skip
    search.add_argument("--facets", action="store_true", help="also count by which values it can be narrowed")
    search.add_argument("--save", metavar="NAME", help="keep this search by a name")
    search.set_defaults(run=_search)

    searches = commands.add_parser("searches", help="list saved searches, or forget one")
    searches.add_argument("--forget", metavar="NAME")
    searches.set_defaults(run=_searches)

    stats = commands.add_parser("stats", help="count what you can read, by type, technique, beamline, year and state")
    _add_query(stats)
    stats.set_defaults(run=_stats)

    show = commands.add_parser("show", help="show one dataset")
    show.add_argument("id", metavar="ID")
    show.add_argument("--json", action="store_true", help="print the dataset as JSON")
    show.set_defaults(run=_show)

    files = commands.add_parser("files", help="list the files of a dataset")
    files.add_argument("id", metavar="ID")
    files.add_argument("--limit", type=int, default=1000, help="at most so many; 0: all")
    files.add_argument("--json", action="store_true", help="print one JSON object for each file")
    files.set_defaults(run=_files)


def _add_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("query", nargs="*", metavar="QUERY", help=_HELP)
    parser.add_argument("--kind", choices=[kind.value for kind in DatasetKind])
    parser.add_argument("--technique")
    for name in _FILTERS:
        parser.add_argument(f"--{name}", action="append", default=[], help="may be given several times")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _filters(arguments: argparse.Namespace) -> dict[str, list[str]]:
    return {name: getattr(arguments, name) for name in _FILTERS if getattr(arguments, name)}


def _search(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    q, filters = " ".join(arguments.query), _filters(arguments)
    page = client.search(
        q,
        kind=arguments.kind,
        technique=arguments.technique,
        filters=filters,
        limit=arguments.limit,
        after=arguments.after,
        sort=arguments.sort,
    )
    if arguments.json:
        print(page.model_dump_json(indent=2))
    else:
        total = Count(total=page.total, total_is_capped=page.total_is_capped)
        if total.total_is_capped:
            total = client.count(q, kind=arguments.kind, technique=arguments.technique, filters=filters)
        print(printing.page(page, total))
    if arguments.facets and not arguments.json:
        print("\n" + _counted(client.facets(q, kind=arguments.kind, technique=arguments.technique, filters=filters)))
    if arguments.save:
        client.save_search(arguments.save, q)
        print(f"\nKept as “{arguments.save}”; “beamtorch catalogue searches” lists what you keep.")
    return 0


def _searches(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    if arguments.forget:
        client.forget_search(arguments.forget)
        print(f"Forgotten: {arguments.forget}")
        return 0
    found = client.searches()
    if not found:
        print("You keep no searches. “search … --save NAME” keeps one.")
        return 0
    print("\n".join(printing.table([("NAME", "QUERY"), *((one.name, one.query) for one in found)], widest=None)))
    return 0


def _stats(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    q, filters = " ".join(arguments.query), _filters(arguments)
    total = client.count(q, kind=arguments.kind, technique=arguments.technique, filters=filters)
    facets = client.facets(q, kind=arguments.kind, technique=arguments.technique, filters=filters)
    if arguments.json:
        print(facets.model_copy(update={"counted": total.total}).model_dump_json(indent=2))
        return 0
    print(f"{printing.counted(total)} datasets that you can read")
    print(_counted(facets))
    return 0


def _counted(facets: Facets) -> str:
    """Return facets as tables, one below the other."""
    lines = []
    for facet in facets.facets:
        if facet.values:
            newest = f" (of the newest {facets.counted})" if facet.is_capped else ""
            rows = [(f"  {value.label.en}", str(value.count)) for value in facet.values]
            lines += ["", f"{facet.label.en}{newest}", *printing.table(rows), *(["  …"] if facet.is_cut else [])]
    return "\n".join(lines).lstrip("\n")


def _show(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    dataset = client.dataset(arguments.id)
    print(dataset.model_dump_json(indent=2) if arguments.json else printing.dataset(dataset))
    return 0


def _files(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    found = islice(client.files(arguments.id), arguments.limit or None)
    if arguments.json:
        for file in found:
            print(file.model_dump_json())
        return 0
    rows = [(file.path, printing.size(file.size), file.format, file.state.value, file.xxh3 or "–") for file in found]
    print("\n".join(printing.table([("PATH", "SIZE", "FORMAT", "STATE", "XXH3"), *rows], widest=None)))
    return 0
