"""`beamtorch catalogue load --synthetic`: a facility that does not exist, to try and to measure with."""

import argparse
import sys
import time
from typing import TYPE_CHECKING

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_BATCH = 500


class LoadRefusedError(CatalogueError):
    """A load that cannot go on."""

    code = "load-refused"
    exit_code = 8
    title = Words(en="The load stopped", zh="载入已停止")


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    load = commands.add_parser(
        "load", help="fill a catalogue for trying with a facility that does not exist; not for one in use"
    )
    load.add_argument("--synthetic", action="store_true", required=True, help="there is nothing else to load")
    load.add_argument("--datasets", type=int, default=10_000)
    load.add_argument("--proposals", type=int, default=800)
    load.add_argument("--seed", type=int, default=1, help="the same seed gives the same facility")
    load.add_argument("--first", type=int, default=0, help="number of the first dataset, to go on where a load stopped")
    load.add_argument("--data-root", required=True, help="the catalogue's data root; nothing is written there")
    load.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    made = Synthetic(proposals=arguments.proposals, seed=arguments.seed, root=arguments.data_root.rstrip("/"))
    client.import_facility(made.facility())
    started, done = time.monotonic(), 0
    for body in made.batches(arguments.datasets, _BATCH, arguments.first):
        refused = [one for one in client.ingest_json(body) if one.outcome == "refused"]
        if refused:
            problem = refused[0].problem
            raise LoadRefusedError(problem or Words(en="A record was refused.", zh="有记录被拒绝。"))
        done = min(done + _BATCH, arguments.datasets)
        rate = done / (time.monotonic() - started)
        print(f"\r{done} of {arguments.datasets} datasets, {rate:.0f}/s", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"Loaded {done} datasets of {arguments.proposals} proposals.")
    return 0
