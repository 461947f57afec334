"""`beamtorch catalogue ingest`: catalogue data where they lie, or copy them into a beamtime first."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from beamtorch_catalogue.client import CatalogueClient, CatalogueUnreachableError
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.printing_ingest import ingest_report
from beamtorch_catalogue.spool import Spool
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands
    from beamtorch_catalogue.ingesting import IngestReport

SOME_BROKEN = 8
"""Exit code if something was refused, or could not be read at all."""
_EPILOG = (
    "A catalogue that does not answer loses nothing: what was read waits in a spool on this machine, and the next "
    "ingest, or “ingest --send”, sends it. The exit code is then 4; it is 8 if something was refused or not readable."
)


class NothingToDoError(CatalogueError):
    """Neither a path nor ``--send``."""

    code = "nothing-to-ingest"
    exit_code = 2
    title = Words(en="What shall be catalogued?", zh="要为什么编目？")


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    ingest = commands.add_parser("ingest", help="catalogue data; the same again changes nothing", epilog=_EPILOG)
    ingest.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a dataset, a beamtime or the data root")
    ingest.add_argument("--data-root", type=Path, help="root of the beamtime folders (default: $BEAMTORCH_DATA_ROOT)")
    ingest.add_argument("--beamtime", metavar="BEAMTIME", help="the beamtime that the data belong to")
    ingest.add_argument(
        "--copy", action="store_true", help="copy the data into the beamtime's raw folder first; replaces nothing"
    )
    ingest.add_argument(
        "--paths",
        dest="path_lists",
        type=Path,
        metavar="FILE.yaml",
        help="where the files of each beamline say what (default: $BEAMTORCH_EXTRACTION, then what is common)",
    )
    ingest.add_argument(
        "--walk",
        action="store_true",
        help="afterwards walk through all files at low priority and keep everything small as parameters tree/…",
    )
    ingest.add_argument("--send", action="store_true", help="only send what waits in the spool")
    ingest.add_argument("--json", action="store_true", help="print one JSON object")
    ingest.set_defaults(run=_ingest)


def _ingest(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    # Reading files needs h5py and numpy, which a search has no time to wait for.
    from beamtorch_catalogue import ingesting  # noqa: PLC0415

    _check(arguments)
    spool = Spool.from_environment(client.address, os.environ)
    report = ingesting.send_waiting(client, spool) if arguments.send else _read(arguments, client, spool)
    print(report.model_dump_json(indent=2) if arguments.json else ingest_report(report))
    if report.waiting:
        return CatalogueUnreachableError.exit_code
    return SOME_BROKEN if report.refused or report.unreadable else 0


def _read(arguments: argparse.Namespace, client: CatalogueClient, spool: Spool) -> "IngestReport":
    from beamtorch_catalogue import ingesting  # noqa: PLC0415 - as above
    from beamtorch_catalogue.extract.path_lists import load_path_lists  # noqa: PLC0415
    from beamtorch_catalogue.ingesting.copying import beamtime_folder, copy_in  # noqa: PLC0415
    from beamtorch_catalogue.ingesting.where import check_beamtime, layout_of  # noqa: PLC0415

    how = ingesting.Ingesting(
        extraction=load_path_lists(arguments.path_lists, os.environ), spool=spool, walks=arguments.walk
    )
    layout, paths, report = layout_of(arguments.data_root, arguments.paths, os.environ), arguments.paths, None
    if arguments.copy:
        report = ingesting.IngestReport()
        paths = copy_in(paths, beamtime_folder(client, layout, arguments.beamtime), report)
    elif arguments.beamtime:
        for path in paths:
            check_beamtime(layout, path, arguments.beamtime)
    return ingesting.ingest(client, layout, paths, how, report)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.copy and not arguments.beamtime:
        raise NothingToDoError(
            Words(en="Say with --beamtime into which beamtime to copy.", zh="请用 --beamtime 指明复制到哪个机时。")
        )
    if arguments.send and (arguments.copy or arguments.walk or arguments.paths):
        raise NothingToDoError(
            Words(en="--send reads no data; leave the paths out.", zh="--send 不读取数据；请不要给出路径。")
        )
    if not arguments.send and not arguments.paths:
        raise NothingToDoError(
            Words(en="Name a path, or say --send to send what waits.", zh="请给出路径，或用 --send 发送等待中的数据。")
        )
