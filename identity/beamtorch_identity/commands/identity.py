"""Look at people as the directory has them: one of them whole, or everybody for what would make trouble."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from beamtorch_facility.identity import Identity, Username
from beamtorch_identity.checking import Finding, Weight, check
from beamtorch_identity.commands.places import add_directory, directory_file
from beamtorch_identity.opening import open_directory
from beamtorch_identity.ssh_keys import sort_keys

REFUSED = 1


def main(argv: Sequence[str]) -> int:
    """Print what is asked for; the exit code of `check` is 1 if an entry cannot be used."""
    options = _parser().parse_args(argv)
    directory = open_directory(directory_file(options.directory))
    if options.topic == "show":
        person = directory.person(Username(options.user))
        print(json.dumps(_document(person), indent=1, ensure_ascii=False) if options.json else _shown(person))
        return 0
    found = check(directory)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
    else:
        print(_told(found))
    return REFUSED if any(one.weight is Weight.REFUSED for one in found) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="beamtorch identity", description=__doc__)
    topics = parser.add_subparsers(required=True, metavar="COMMAND", dest="topic")
    show = topics.add_parser("show", help="somebody's numbers, groups, home and keys", description=_SHOW)
    show.add_argument("user", metavar="USER", help="name of a person of the directory")
    checked = topics.add_parser("check", help="what in the directory will make trouble", description=_CHECK)
    for one in (show, checked):
        one.add_argument("--json", action="store_true", help="for programs")
        add_directory(one)
    return parser


_SHOW = "Show somebody as the directory has them now, and as a server that they start would be to the kernel."
_CHECK = (
    "Check everybody: accounts that are locked or over, names and numbers that several have, numbers of systems, "
    "missing primary groups (all of them refused); and warn of more than 16 groups (NFS), shared homes, groups with "
    "one number, and ssh keys that do not count. Exit code 1 if an entry is refused."
)


def _document(person: Identity) -> dict[str, object]:
    return {**person.model_dump(mode="json"), "supplementary_gids": list(person.supplementary_gids)}


def _shown(person: Identity) -> str:
    keys = [key.fingerprint for key in sort_keys(person.ssh_keys)[0]]
    groups = [f"{name} ({person.gids[name]})" if name in person.gids else name for name in person.groups]
    numbers = ",".join(map(str, person.supplementary_gids)) or "-"
    rows = {
        "name": f"{person.full_name.en} · {person.full_name.zh}",
        "uid": str(person.uid),
        "gid": str(person.gid),
        "groups": ", ".join(groups) or "none",
        "to the kernel": f"uid={person.uid} gid={person.gid} groups={numbers}",
        "home": str(person.home or "below the platform's own"),
        "ssh keys": ", ".join(keys) or "none",
        "SID": person.sid or "none",
        "language": person.language,
    }
    wide = max(map(len, rows))
    return "\n".join(f"{name:<{wide}}  {value}" for name, value in {"user": str(person.username), **rows}.items())


def _told(found: Sequence[Finding]) -> str:
    if not found:
        return "Every entry can be used, and none will surprise anybody."
    wide = max(len(one.name) for one in found)
    return "\n".join(f"{one.weight:<7}  {one.name:<{wide}}  {one.said}" for one in found)
