"""Catalogue data, find them, correct and publish them; import what the user office knows."""

import argparse
import os
from collections.abc import Sequence

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.commands import edit, export, find, history, ingest, keys, load, office, publish, webhooks


def main(argv: Sequence[str]) -> int:
    """Run one sub-command; expected failures are raised."""
    arguments = _parser().parse_args(argv)
    with _client(arguments) as client:
        return int(arguments.run(arguments, client))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="beamtorch catalogue", description=__doc__)
    parser.add_argument("--url", help="address of the catalogue (default: $BEAMTORCH_CATALOGUE_URL)")
    parser.add_argument("--token", help="a token of the hub (default: $JUPYTERHUB_API_TOKEN)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    for part in (ingest, find, edit, publish, export, history, office, keys, webhooks, load):
        part.add(commands)
    return parser


def _client(arguments: argparse.Namespace) -> CatalogueClient:
    given = {"BEAMTORCH_CATALOGUE_URL": arguments.url, "JUPYTERHUB_API_TOKEN": arguments.token}
    return CatalogueClient.from_environment({**os.environ, **{name: value for name, value in given.items() if value}})
