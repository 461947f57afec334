"""Import the facility's records, catalogue data, search them, and show one dataset."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import yaml
from pydantic import ValidationError

from beamtorch_catalogue import printing
from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import FacilityRecords
from beamtorch_facility.dataset import DatasetKind
from beamtorch_facility.words import Words

SOME_BROKEN = 8
"""Exit code if something was refused, or could not be read at all."""


class UnreadableRecordsError(CatalogueError):
    """A file that should hold the facility's records."""

    code = "unreadable-records"
    exit_code = 2
    title = Words(en="The records cannot be read", zh="无法读取设施信息")


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

    take_in = commands.add_parser(
        "import", help="import instruments, proposals, beamtimes and samples from a YAML file"
    )
    take_in.add_argument("file", type=Path)
    take_in.set_defaults(run=_import)

    ingest = commands.add_parser("ingest", help="catalogue data; the same again changes nothing")
    ingest.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a dataset, a beamtime or the data root")
    ingest.add_argument("--data-root", type=Path, help="root of the beamtime folders (default: $BEAMTORCH_DATA_ROOT)")
    ingest.add_argument("--json", action="store_true", help="print one JSON object")
    ingest.set_defaults(run=_ingest)

    search = commands.add_parser("search", help="find datasets", epilog="example: search tooth energy 12..13 keV")
    search.add_argument("query", nargs="*", metavar="QUERY", help="words, and one range such as: energy 12..13 keV")
    search.add_argument("--kind", choices=[kind.value for kind in DatasetKind])
    search.add_argument("--technique")
    search.add_argument("--limit", type=int, default=25)
    search.add_argument("--after", help="“next” of the page before")
    search.add_argument("--json", action="store_true", help="print the page as JSON")
    search.set_defaults(run=_search)

    show = commands.add_parser("show", help="show one dataset")
    show.add_argument("id", metavar="ID")
    show.add_argument("--json", action="store_true", help="print the dataset as JSON")
    show.set_defaults(run=_show)
    return parser


def _client(arguments: argparse.Namespace) -> CatalogueClient:
    given = {"BEAMTORCH_CATALOGUE_URL": arguments.url, "JUPYTERHUB_API_TOKEN": arguments.token}
    return CatalogueClient.from_environment({**os.environ, **{name: value for name, value in given.items() if value}})


def _import(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    try:
        document = yaml.safe_load(arguments.file.read_text(encoding="utf-8"))
        records = FacilityRecords.model_validate(document)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise _unreadable(arguments.file, error) from error
    client.import_facility(records)
    print(
        f"Imported {len(records.instruments)} instruments, {len(records.proposals)} proposals, "
        f"{len(records.beamtimes)} beamtimes, {len(records.samples)} samples."
    )
    return 0


def _ingest(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    # Reading files needs h5py and numpy, which a search has no time to wait for.
    from beamtorch_catalogue import ingesting  # noqa: PLC0415

    layout = ingesting.layout_of(arguments.data_root, arguments.paths, os.environ)
    report = ingesting.ingest(client, layout, arguments.paths)
    print(report.model_dump_json(indent=2) if arguments.json else printing.ingest_report(report))
    return SOME_BROKEN if report.refused or report.unreadable else 0


def _search(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    page = client.search(
        " ".join(arguments.query),
        kind=arguments.kind,
        technique=arguments.technique,
        limit=arguments.limit,
        after=arguments.after,
    )
    print(page.model_dump_json(indent=2) if arguments.json else printing.page(page))
    return 0


def _show(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    dataset = client.dataset(arguments.id)
    print(dataset.model_dump_json(indent=2) if arguments.json else printing.dataset(dataset))
    return 0


def _unreadable(path: Path, error: Exception) -> UnreadableRecordsError:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        reason = str(error).partition("\n")[0]
    return UnreadableRecordsError(
        Words(
            en=f"{path} cannot be read as the facility's records: {reason}. Mend the file and try again.",
            zh=f"无法将 {path} 读作设施信息：{reason}。请修正文件后重试。",
        )
    )
