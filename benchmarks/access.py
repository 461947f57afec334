"""Rights of a beamtime's tree: our run over 100 000 entries beside `setfacl -R`, in turns on one tree of the same disk.

Run it as root, ``python benchmarks/access.py`` or ``just bench access``. Each round has four runs: nothing to do,
somebody joined, the same as `setfacl -R -m` does it, and somebody left. `setfacl` reads and writes every entry in
every run; it neither keeps files of other owners apart nor knows what is in line already.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from beamtorch_facility.data_layout import Area, DataLayout
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.proposal import BeamlineId, BeamtimeId, ProposalId
from beamtorch_facility.words import Words
from beamtorch_identity.beamtimes.founding import Beamtimes, folder_of
from beamtorch_identity.beamtimes.record import BeamtimeRecord
from beamtorch_identity.beamtimes.report import SyncReport

RESULTS = Path(__file__).parent / "results" / "access.json"
FIRST, TEAM, IN_FOLDER = 53001, 20, 1000


def person(number: int) -> Identity:
    name = Username(f"user{number}")
    gids = {"proposal-P-1": 60988}
    return Identity(
        username=name, full_name=Words(en=name, zh=name), uid=FIRST + number, gid=FIRST, groups=tuple(gids), gids=gids
    )


def fill(folder: Path, entries: int) -> None:
    """Make files as a lab does, in folders of a thousand, so that they get the folders' default rights."""
    for number in range(entries // (IN_FOLDER + 1)):
        below = folder / f"d{number}"
        below.mkdir()
        descriptor = os.open(below, os.O_RDONLY)
        for file in range(IN_FOLDER):
            os.close(os.open(f"f{file}.h5", os.O_CREAT | os.O_WRONLY, 0o666, dir_fd=descriptor))
        os.close(descriptor)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--where", type=Path, help="folder of the file system to measure (the temporary one)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("only root can set rights", file=sys.stderr)
        return 1
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=options.where) as root:
        day = date(2026, 11, 21)
        record = BeamtimeRecord(
            beamline=BeamlineId("BL"), beamtime=BeamtimeId("BT-1"), proposal=ProposalId("P-1"), start=day
        )
        beamtimes, people = Beamtimes(DataLayout(Path(root)), today=lambda: day), [person(n) for n in range(TEAM)]
        folder = folder_of(beamtimes.layout, record)
        beamtimes.create(record, people)
        fill(folder.area(Area.SCRATCH), options.entries)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def run(name: str, who: list[Identity]) -> SyncReport:
            seconds, report = timed(lambda: beamtimes.sync(folder, who))
            found.setdefault(name, []).append(report.entries / seconds)
            return report

        newcomer = person(TEAM)
        for _ in range(options.rounds):
            assert run("nothing to do", people).changed == 0
            assert run("somebody joined", [*people, newcomer]).given > options.entries // 2
            entries = run("somebody left", people).entries
            for name, words in (("setfacl -R -m", ["-m", "u:1234:rwX"]), ("setfacl -R -x", ["-x", "u:1234"])):
                command = ["setfacl", "-R", *words, str(folder.area(Area.SCRATCH))]
                seconds, _ = timed(lambda command=command: subprocess.run(command, check=True))
                found.setdefault(name, []).append(entries / seconds)
            beamtimes.sync(folder, people)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    report(found, entries, grown)
    return 0


def report(found: dict[str, list[float]], entries: int, grown: int) -> None:
    print(f"{entries:,} entries, {TEAM} people; memory grew by {grown / 1024:.1f} MiB")
    for name, rates in found.items():
        told = ", ".join(f"{rate:,.0f}" for rate in rates)
        print(f"{name:18}{statistics.median(rates):>12,.0f} entries/s   ({told})")
    result = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "entries": entries,
        "people": TEAM,
        "memory_grew_mib": round(grown / 1024, 2),
        "entries_per_second": {
            name: {"median": statistics.median(rates), "all": rates} for name, rates in found.items()
        },
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
