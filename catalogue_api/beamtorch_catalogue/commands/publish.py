"""``publish``: datasets get a title, creators, a licence and an identifier of their own."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire.publications import Publication, PublicationRequest
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands


class UnreadablePublicationError(CatalogueError):
    """A file that should say what is to be published."""

    code = "unreadable-publication"
    exit_code = 2
    title = Words(en="The publication cannot be read", zh="无法读取发布说明")


def add(commands: "SubCommands") -> None:
    """Add the command."""
    parser = commands.add_parser("publish", help="publish datasets with a title, creators and a licence")
    parser.add_argument(
        "file", type=Path, help="YAML: title, abstract (each en, zh), licence, creators, datasets; see the docs"
    )
    parser.add_argument("--release", action="store_true", help="open what is not open yet to the world, now")
    parser.add_argument("--json", action="store_true", help="print the publication as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    """Publish what a file says."""
    request = _read(arguments.file)
    if arguments.release:
        request = request.model_copy(update={"release": True})
    made = client.publish(request)
    print(made.model_dump_json(indent=2) if arguments.json else told(made))
    return 0


def told(made: Publication) -> str:
    """Return a publication as a terminal shows it."""
    count = len(made.datasets)
    return f"{made.pid}  {count} {'dataset' if count == 1 else 'datasets'}\n{made.url}\n\n{made.citation.en}"


def _read(path: Path) -> PublicationRequest:
    try:
        return PublicationRequest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        else:
            reason = str(error).partition("\n")[0]
        raise UnreadablePublicationError(
            Words(
                en=f"{path} does not say what to publish: {reason}. Mend the file and try again.",
                zh=f"{path} 未正确说明发布内容：{reason}。请修正文件后重试。",
            )
        ) from error
