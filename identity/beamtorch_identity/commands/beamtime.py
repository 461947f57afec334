"""Make folders of beamtimes, keep their access lists in line with the directory, release and close them."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial

from beamtorch_facility.data_layout import Area, BeamtimeFolder, DataLayout
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_identity.beamtimes.errors import NobodyError
from beamtorch_identity.beamtimes.finding import find, record_at, recorded
from beamtorch_identity.beamtimes.founding import Beamtimes, demand_root, folder_of, utc_today
from beamtorch_identity.beamtimes.record import BeamtimeRecord, EntriesBy
from beamtorch_identity.beamtimes.report import SHOWN, SyncReport
from beamtorch_identity.beamtimes.rights import Members, members_of
from beamtorch_identity.commands.places import add_data, add_directory, data_root, directory_file
from beamtorch_identity.opening import open_directory

SOME_LEFT = 8
"""Exit code if something could not be brought in line."""
CLOSED = (
    "A closed beamtime is over and its raw data are complete: raw becomes root's and nobody writes it any more, the "
    "acquisition account included. The team and the beamline's staff go on analysing: processed, scratch and share "
    "stay writable for them. Who joins the proposal later still gets rights with sync-access, who leaves loses them."
)
SYNCED = (
    "Whoever joined the proposal or the beamline's staff gets rights, whoever left loses them, everywhere below; an "
    "embargo whose day has come ends. Taking away comes first. Entries that were set by hand are taken away, files of "
    "people who left become the owner's, the x of files stays as their owners set it. Links are not followed; files "
    "with names elsewhere (hard links) and other mounted file systems are left alone and named. A run that was killed "
    "is completed by the next one. Exit code 8: something was left alone."
)


def main(argv: Sequence[str]) -> int:
    """Run one sub-command; expected failures are raised."""
    options = _parser().parse_args(argv)
    return int(options.run(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="beamtorch beamtime", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    create = commands.add_parser("create", help="make a beamtime's folder with its access lists")
    create.add_argument("beamline", metavar="BEAMLINE", type=BeamlineId)
    create.add_argument("beamtime", metavar="BEAMTIME", type=BeamtimeId)
    create.add_argument("--proposal", required=True, metavar="P", type=ProposalId, help="whose team gets rights")
    create.add_argument("--start", required=True, metavar="DATE", type=_day, help="first day, such as 2026-11-21")
    create.add_argument(
        "--entries",
        choices=[one.value for one in EntriesBy],
        default=EntriesBy.USERS.value,
        help="whether people get entries or their groups (users: no limit of 16 groups, and at once)",
    )
    create.add_argument(
        "--embargo-until",
        metavar="DATE",
        type=_day,
        help="day from which everybody may read raw and processed (none: until “beamtorch beamtime release”)",
    )
    create.add_argument(
        "--owner", metavar="UID:GID", type=_owner, default=(0, 0), help="who writes raw: the acquisition (0:0)"
    )
    create.set_defaults(run=_create)

    for name, summary, more in (
        ("close", "declare raw complete: nobody writes it any more", CLOSED),
        ("release", "end the embargo today: everybody may read raw and processed", None),
    ):
        one = commands.add_parser(name, help=summary, description=more or summary)
        one.add_argument("beamtime", metavar="BEAMTIME", help="its number, or BEAMLINE/NUMBER")
        one.set_defaults(run=partial(_decide, verb=name))
        if name == "close":
            one.add_argument("--reopen", action="store_true", help="take it back: data still come")

    sync = commands.add_parser("sync-access", help="bring access lists in line with the directory", description=SYNCED)
    sync.add_argument("beamtimes", nargs="*", metavar="BEAMTIME", help="numbers, or BEAMLINE/NUMBER (all)")
    sync.add_argument("--json", action="store_true", help="for programs")
    sync.add_argument("--empty-team", action="store_true", help="nobody in a team is right: take away their rights")
    sync.set_defaults(run=_sync)

    show = commands.add_parser("show", help="show what is known of beamtimes, and who belongs to them")
    show.add_argument("beamtimes", nargs="*", metavar="BEAMTIME", help="numbers, or BEAMLINE/NUMBER (all)")
    show.add_argument("--json", action="store_true", help="for programs")
    show.set_defaults(run=_show)

    for name, command in commands.choices.items():
        add_data(command)
        add_directory(command)
        if name != "show":
            command.add_argument("--dry-run", action="store_true", help="change nothing, say what would be changed")
    return parser


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"“{text}” is no day; write it as 2026-11-21") from None


def _owner(text: str) -> tuple[int, int]:
    uid, _, gid = text.partition(":")
    if uid.isdecimal() and gid.isdecimal() and max(int(uid), int(gid)) < 2**32 - 1:
        return int(uid), int(gid)
    raise argparse.ArgumentTypeError(f"“{text}” is no owner; write numbers as 1000:1000")


def _create(options: argparse.Namespace) -> int:
    uid, gid = options.owner
    record = BeamtimeRecord(
        beamline=options.beamline,
        beamtime=options.beamtime,
        proposal=options.proposal,
        start=options.start,
        entries=EntriesBy(options.entries),
        embargo_until=options.embargo_until,
        owner=uid,
        group=gid,
    )
    beamtimes, people = _beamtimes(options), _people(options)
    report = beamtimes.create(record, people)
    path = folder_of(beamtimes.layout, record).path
    if report is None:
        print(f"Would make {path} with {', '.join(Area)} for {_who(members_of(record, people))}.")
        return 0
    print(f"{path} is for {_who(members_of(record, people))}.")
    return _end([report], options)


def _decide(options: argparse.Namespace, verb: str) -> int:
    beamtimes = _beamtimes(options)
    folder, people = find(beamtimes.layout, options.beamtime), _people(options)
    if verb == "release":
        report = beamtimes.release(folder, people)
    else:
        report = beamtimes.reopen(folder, people) if options.reopen else beamtimes.close(folder, people)
    return _end([report], options)


def _sync(options: argparse.Namespace) -> int:
    demand_root()
    beamtimes, people = _beamtimes(options), _people(options)
    if not people:
        raise NobodyError.at_all()
    reports, failed = [], []
    for folder in _chosen(beamtimes.layout, options.beamtimes):
        try:
            reports.append(beamtimes.sync(folder, people, empty_team=options.empty_team))
        except BeamtorchError as error:
            # One beamtime that cannot be set is no reason to leave rights of the others as they are.
            failed.append({"beamtime": f"{folder.beamline}/{folder.beamtime}", **error.problem()})
            print(f"{folder.beamline}/{folder.beamtime}: {error.detail.en}", file=sys.stderr)
    if options.json:
        told = {"dry_run": options.dry_run, "beamtimes": [one.document() for one in reports], "failed": failed}
        print(json.dumps(told, indent=1, ensure_ascii=False))
        return SOME_LEFT if failed or any(one.left_alone for one in reports) else 0
    return max(_end(reports, options), SOME_LEFT if failed else 0)


def _show(options: argparse.Namespace) -> int:
    layout, people = DataLayout(data_root(options.data)), _people(options)
    found = []
    for folder in _chosen(layout, options.beamtimes):
        record = record_at(folder.path)
        if record is not None:
            found.append((folder, record, members_of(record, people)))
    if options.json:
        print(json.dumps([_document(*one) for one in found], indent=1, ensure_ascii=False))
    else:
        print("\n".join(_shown(*one) for one in found) or f"No beamtime has a record below {layout.root}.")
    return 0


def _beamtimes(options: argparse.Namespace) -> Beamtimes:
    tell: Callable[[str], None] = partial(print, file=sys.stderr, flush=True)
    return Beamtimes(DataLayout(data_root(options.data)), tell=tell, dry_run=options.dry_run)


def _people(options: argparse.Namespace) -> tuple[Identity, ...]:
    return tuple(open_directory(directory_file(options.directory)).people())


def _chosen(layout: DataLayout, names: Sequence[str]) -> Iterable[BeamtimeFolder]:
    return [find(layout, name) for name in names] if names else list(recorded(layout))


def _who(members: Members) -> str:
    return f"{len(members.team)} of the team and {len(members.staff)} of the staff"


def _end(reports: Iterable[SyncReport], options: argparse.Namespace) -> int:
    """Print what was done; return the exit code."""
    code = 0
    for report in reports:
        would = "would be " if options.dry_run else ""
        print(
            f"{report.beamtime}: {report.entries:,} entries, "
            + (
                f"{report.changed:,} {would}changed ({report.taken:,} lost rights, {report.given:,} only got some)"
                if report.changed
                else "everything is as it should be"
            )
            + ("; the embargo is over" if report.released else "")
        )
        for place, told in report.changes if options.dry_run else ():
            print(f"  {place}: {told}")
        if options.dry_run and report.changed > SHOWN:
            print(f"  … and {report.changed - SHOWN:,} more")
        for place, why in report.left_places:
            print(f"  left alone ({why}): {place}", file=sys.stderr)
        if report.left_alone:
            print(f"  {report.left_alone:,} left alone; look at them", file=sys.stderr)
            code = SOME_LEFT
    return code


def _document(folder: BeamtimeFolder, record: BeamtimeRecord, members: Members) -> dict[str, object]:
    return {
        "path": str(folder.path),
        **record.model_dump(mode="json"),
        "embargoed": record.is_embargoed(utc_today()),
        "team": [person.username for person in members.team],
        "staff": [person.username for person in members.staff],
    }


def _shown(folder: BeamtimeFolder, record: BeamtimeRecord, members: Members) -> str:
    until = f"under embargo until {record.embargo_until or 'it is released'}"
    return "\n".join(
        [
            f"{record.name}  proposal {record.proposal}, from {record.start}, "
            + (f"closed {record.closed}" if record.closed else "open")
            + ", "
            + (until if record.is_embargoed(utc_today()) else f"released {record.released or record.embargo_until}"),
            f"  {folder.path}",
            f"  entries of {record.entries}, raw is written by {record.owner}",
            f"  team: {_names(members.team)}",
            f"  staff: {_names(members.staff)}",
        ]
    )


def _names(people: Iterable[Identity]) -> str:
    return ", ".join(person.username for person in people) or "nobody"
