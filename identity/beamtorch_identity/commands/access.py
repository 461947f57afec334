"""Explain why somebody can or cannot read a file, folder by folder, as the kernel decides it."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from beamtorch_facility.identity import Username
from beamtorch_identity.acl.explanation import Explanation, explain
from beamtorch_identity.acl.telling import by, shown
from beamtorch_identity.beamtimes.advice import adviser
from beamtorch_identity.beamtimes.founding import utc_today
from beamtorch_identity.commands.places import add_directory, directory_file
from beamtorch_identity.opening import open_directory

NOT_READABLE = 1


def main(argv: Sequence[str]) -> int:
    """Print the explanation; the exit code is 0 only if the person can read."""
    options = _parser().parse_args(argv)
    person = open_directory(directory_file(options.directory)).person(Username(options.user))
    found = explain(person, options.path, advise=adviser(utc_today))
    print(json.dumps(found.document(), indent=1, ensure_ascii=False) if options.json else _told(found))
    return 0 if found.readable else NOT_READABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="beamtorch access", description=__doc__)
    topics = parser.add_subparsers(required=True, metavar="COMMAND")
    told = topics.add_parser(
        "explain",
        help="tell why somebody can or cannot read and write",
        description="Tell why somebody can or cannot read and write what a path leads to. Each folder from / on and "
        "each link is looked at; root can look everywhere. Exit code 0: readable, 1: not.",
    )
    told.add_argument("user", metavar="USER", help="name of a person of the directory")
    told.add_argument("path", type=Path, metavar="PATH")
    told.add_argument("--json", action="store_true", help="for programs")
    add_directory(told)
    return parser


def _told(found: Explanation) -> str:
    lines = [one.said.en for one in found.verdicts]
    # A way that is barred has the same answer for every operation.
    lines = list(dict.fromkeys(lines))
    lines.append("the way:")
    for step in found.steps:
        if step.decision is not None:
            passed = "passes" if step.decision.allowed else "STOPS"
            lines.append(f"  {shown(step.path)}  {passed}: {by(step.decision).en}")
        else:
            lines.append(f"  {shown(step.path)}  is a link to {shown(Path(step.link_to or ''))}")
    return "\n".join([*lines, *(f"hint: {hint.en}" for hint in found.hints)])
