"""`beamtorch catalogue edit`: correct what a file said wrongly, or not at all."""

import argparse
import re
from typing import TYPE_CHECKING, Any

from beamtorch_catalogue import printing
from beamtorch_catalogue.client import CatalogueClient
from beamtorch_catalogue.errors import CatalogueError
from beamtorch_catalogue.wire import DatasetEdit
from beamtorch_facility.quantity import Quantity
from beamtorch_facility.words import Words

if TYPE_CHECKING:
    from beamtorch_catalogue.commands import SubCommands

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\S.*)?")
_TEXTS = ("name", "technique", "sample", "software", "recipe")


class NothingToChangeError(CatalogueError):
    """A correction that corrects nothing, or that cannot be read."""

    code = "nothing-to-change"
    exit_code = 2
    title = Words(en="Nothing to change", zh="没有要更改的内容")


def add(commands: "SubCommands") -> None:
    """Add the command to the parser."""
    edit = commands.add_parser(
        "edit",
        help="correct a dataset; all old values are kept",
        epilog="example: edit ds-… --sample tooth-3 --set 'energy=12.4 keV' --unset comment",
    )
    edit.add_argument("id", metavar="ID")
    for name in _TEXTS:
        edit.add_argument(f"--{name}", help="an empty one takes it away" if name in {"sample", "recipe"} else None)
    edit.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter, with its unit")
    edit.add_argument("--unset", action="append", default=[], metavar="NAME", help="take a parameter away")
    edit.add_argument("--version", type=int, help="only if nobody has changed it since this version")
    edit.add_argument("--json", action="store_true", help="print the dataset as JSON")
    edit.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, client: CatalogueClient) -> int:
    given: dict[str, Any] = {
        name: getattr(arguments, name) or None for name in _TEXTS if getattr(arguments, name) is not None
    }
    parameters = dict.fromkeys(arguments.unset) | dict(map(_parameter, arguments.set))
    if parameters:
        given["parameters"] = parameters
    if not given:
        raise NothingToChangeError(
            Words(
                en="Say what to correct, for example --sample NAME or --set 'energy=12.4 keV'.",
                zh="请说明要更改的内容，例如 --sample 名称 或 --set 'energy=12.4 keV'。",
            )
        )
    dataset = client.edit(arguments.id, DatasetEdit.model_validate(given), version=arguments.version)
    print(dataset.model_dump_json(indent=2) if arguments.json else printing.dataset(dataset))
    return 0


def _parameter(text: str) -> tuple[str, Quantity | str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise NothingToChangeError(
            Words(
                en=f"“{text}” is not NAME=VALUE, such as energy=12.4 keV.",
                zh=f"“{text}”不是 名称=值 的形式，例如 energy=12.4 keV。",
            )
        )
    number = _NUMBER.fullmatch(value.strip())
    found: Quantity | str = Quantity(value=float(number[1]), unit=number[2] or "") if number else value.strip()
    return name.strip(), found
