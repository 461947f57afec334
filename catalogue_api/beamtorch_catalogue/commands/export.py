"""``export``: a dataset or a publication for citations and other catalogues, and where data came from."""

import argparse
import re
from typing import TYPE_CHECKING

from beamtorch_catalogue.client import CatalogueClient

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

FORMS = ("datacite", "jsonld", "citation", "bibtex", "prov")
_DATASET = re.compile(r"[^/]+")


def add(commands: "SubCommands") -> None:
    """Add the command."""
    parser = commands.add_parser("export", help="print a dataset or a publication for other programs")
    parser.add_argument("id", metavar="ID", help="a dataset's name, or a persistent identifier")
    parser.add_argument("--format", choices=FORMS, default="citation", help="prov: of datasets alone")
    parser.add_argument("--direction", choices=("up", "down", "both"), default="both", help="of prov")
    parser.add_argument("--depth", type=int, default=10, help="of prov: how many steps")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    """Print it."""
    if arguments.format == "prov":
        text = client.prov(arguments.id, direction=arguments.direction, depth=arguments.depth)
    elif _DATASET.fullmatch(arguments.id):
        text = client.cite(arguments.id, arguments.format)
    else:
        text = client.resolve(arguments.id, arguments.format)
    print(text.rstrip("\n"))
    return 0
