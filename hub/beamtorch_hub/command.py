"""The `beamtorch` command: finds its sub-commands by entry point and imports the one that is asked for."""

import ast
import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path

from beamtorch_facility.errors import BeamtorchError

GROUP = "beamtorch.commands"
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command, or tell what there is."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = {point.name: point for point in entry_points(group=GROUP)}
    match given:
        case [] | ["-h" | "--help" | "help", *_]:
            print(overview(commands))
        case ["--version", *_]:
            print(f"beamtorch {version('beamtorch')}")
        case [name, *rest] if name in commands:
            return _call(commands[name], rest)
        case [name, *_]:
            print(f"beamtorch: there is no command “{name}”. “beamtorch --help” lists them.", file=sys.stderr)
            return 2
    return 0


def _call(point: EntryPoint, arguments: list[str]) -> int:
    """Run a sub-command; an expected error is a sentence on stderr and an exit code, never a traceback."""
    try:
        return int(_load(point)(arguments))
    except BeamtorchError as error:
        print(f"beamtorch {point.name}: {error.detail.en}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output went away (`beamtorch … | head`); silence the flush at exit, too.
        sys.stderr.close()
        return 0


def _load(point: EntryPoint):  # type: ignore[no-untyped-def]  # noqa: ANN202 - whatever the entry point names
    try:
        return point.load()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("beamtorch"):
            raise
        print(
            f"beamtorch {point.name}: the Python package “{error.name}” is not installed. "
            f"“pip install 'beamtorch[all]'” brings everything.",
            file=sys.stderr,
        )
        return lambda _: 3


def overview(commands: dict[str, EntryPoint]) -> str:
    """List the commands, each with the first line of its module, without importing any."""
    width = max((len(name) for name in commands), default=0)
    rows = [f"  {name:<{width}}  {_summary(point)}" for name, point in sorted(commands.items())]
    return "\n".join(
        [
            "usage: beamtorch COMMAND [ARGUMENTS]",
            "",
            "The interactive analysis platform of a light source.",
            "",
            "commands:",
            *rows,
            "",
            "“beamtorch COMMAND --help” tells more. “beamtorch up” starts everything on this machine.",
        ]
    )


def _summary(point: EntryPoint) -> str:
    package, _, module = point.module.rpartition(".")
    try:
        found = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        return ""
    for place in (found.submodule_search_locations or []) if found else []:
        source = Path(place) / f"{module}.py"
        if source.is_file():
            doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
            return doc.partition("\n")[0]
    return ""
