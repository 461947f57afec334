"""The catalogue with a million datasets: ingest, searches, counts, facets and pages over HTTP, with access decided.

Run it as ``python benchmarks/catalogue.py`` or ``just bench catalogue``. Everything follows from a seed. The same 200
queries are asked of SQLite and of PostgreSQL in one run, by people with 1, 20 and 300 proposals and by an admin; some
of the answers are compared with what a walk over all records gives. A virtual machine is not idle while its host gives
the processor to others: what that concerned is asked again, and told are the figures as they came and those without it.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
from admission import postgres
from answering import wait_until_it_answers
from catalogue_answers import Person, Question, questions, walk
from catalogue_tiled import measure_tiled
from sqlalchemy import create_engine, text
from yardstick import IDLE_SHARE, Processor, Taken, spread, told, yardstick

from beamtorch_catalogue.synthetic import Synthetic
from beamtorch_catalogue.testing.fake_hub import CatalogueHub, fake_hub
from beamtorch_facility.directory import dump_people
from beamtorch_facility.identity import Identity

RESULTS = Path(__file__).parent / "results"
BATCH = 1000
WINDOW = 4
"""Of how many requests the speed of taking in is told, so that those of the idle machine can be told apart."""
SENDERS = 3
CHECKED = 50
POSTGRES = ("shared_buffers=2GB",)
"""What `docs/how-to/keep-the-catalogue-in-postgresql.md` advises for so many datasets; all else is as it comes."""
DATA = "/nobody/data"
"""Where the files would lie; there are none."""
_MIB = 1024**2
Measured = tuple[dict[str, Any], list[Any]]


class Work(NamedTuple):
    """What every database is given to do."""

    made: Synthetic
    sent: list[Path]
    asked: list[Question]
    people: list[Person]


@contextmanager
def catalogue(
    where: Path, database: str, hub: CatalogueHub, people: list[Person], given: argparse.Namespace
) -> Iterator[Any]:
    directory = where / "directory.yaml"
    described = [
        Identity.model_validate(
            {
                "username": person.name,
                "full_name": {"en": person.name, "zh": person.name},
                "uid": 3000 + index,
                "gid": 3000,
                "groups": ["facility-admin"]
                if person.is_admin
                else [f"proposal-{Synthetic.proposal(number)}" for number in person.proposals],
            }
        )
        for index, person in enumerate(people)
    ]
    directory.write_text(dump_people(described), encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(where),
        "JUPYTERHUB_SERVICE_NAME": "catalogue",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/catalogue/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{given.port}",
        "JUPYTERHUB_API_URL": hub.api_url,
        "JUPYTERHUB_API_TOKEN": "own-secret-token",
        "JUPYTERHUB_BASE_URL": "/",
        "BEAMTORCH_CATALOGUE_DATABASE": database,
        "BEAMTORCH_DIRECTORY": str(directory),
        "BEAMTORCH_DATA_ROOT": DATA,
        "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1:1/",
    }
    with (where / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "beamtorch_catalogue"], env=environment, stderr=log)
    base = f"http://127.0.0.1:{given.port}/services/catalogue/"
    try:
        wait_until_it_answers(f"{base}health")
        yield base, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def memory(process: psutil.Process) -> int:
    """Return the MiB of a service and of the processes that it started."""
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) // _MIB


def working(process: psutil.Process) -> tuple[float, float]:
    """Return the seconds of processor that a service took, and those of the processes that it started."""
    own, *others = (sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True)))
    return own, sum(others)


def _made(given: tuple[Synthetic, int, int, Path]) -> Path:
    made, first, count, where = given
    body = where / f"{first:08}.json"
    body.write_bytes(next(made.batches(count, count, first)))
    return body


def bodies(made: Synthetic, count: int, where: Path) -> list[Path]:
    """Make all requests first, so that making them is not measured."""
    where.mkdir()
    jobs = [(made, first, min(BATCH, count - first), where) for first in range(0, count, BATCH)]
    with get_context("spawn").Pool() as pool:
        return pool.map(_made, jobs, chunksize=8)


def load(base: str, token: str, made: Synthetic, sent: list[Path], process: psutil.Process) -> dict[str, Any]:
    """Send everything, a few requests at a time, as ingestors of several beamlines do."""
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    with httpx.Client(base_url=base, headers=headers, timeout=600, trust_env=False) as http:
        http.put("facility", content=made.facility().model_dump_json()).raise_for_status()

        marks = [(time.perf_counter(), Processor.now())]
        worked = working(process)

        def send(body: Path) -> tuple[int, int]:
            answer = http.post("/datasets:bulk", content=body.read_bytes())
            answer.raise_for_status()
            outcomes = [one["outcome"] for one in answer.json()]
            assert set(outcomes) == {"created"}
            marks.append((time.perf_counter(), Processor.now()))
            return len(outcomes), memory(process)

        with ThreadPoolExecutor(SENDERS) as senders:
            done = list(senders.map(send, sent))
    seconds = marks[-1][0] - marks[0][0]
    count = sum(one for one, _ in done)
    worked = [after - before for after, before in zip(working(process), worked, strict=True)]
    return {
        "datasets": count,
        "seconds": round(seconds, 1),
        "datasets_per_s": round(count / seconds),
        "idle": idle_speed(marks),
        "processor_ms_each": {
            name: round(seconds * 1000 / count, 3) for name, seconds in zip(("service", "reading"), worked, strict=True)
        },
        "highest_memory_mib": max(memory for _, memory in done),
    }


def idle_speed(marks: list[tuple[float, Processor]]) -> dict[str, Any]:
    """Return the datasets per second of the parts in which the machine was idle but for this."""
    speeds = []
    parts = list(zip(marks[::WINDOW], marks[WINDOW::WINDOW], strict=False))
    for (began, before), (ended, after) in parts:
        if after.share_taken_since(before) <= IDLE_SHARE:
            speeds.append(WINDOW * BATCH / (ended - began))
    found: dict[str, Any] = {"windows": len(speeds), "of": len(parts)}
    return found | ({"datasets_per_s": round(statistics.median(speeds))} if speeds else {})


def percentiles(taken: list[Taken]) -> dict[str, Any]:
    """Return milliseconds on the idle machine, and as they came."""
    return {
        "asked": len(taken),
        **_percentiles([one.idle for one in taken]),
        "as_it_came": _percentiles([one.came for one in taken]),
    }


def _percentiles(seconds: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return {
        **{f"p{at}": round(cuts[at - 1] * 1000, 1) for at in (50, 95, 99)},
        "max": round(max(seconds) * 1000, 1),
    }


def timed(http: httpx.Client, path: str, token: str, **params: Any) -> tuple[Taken, dict[str, Any]]:
    taken, answer = Taken.by(lambda: http.get(path, params=params, headers={"Authorization": f"token {token}"}))
    answer.raise_for_status()
    return taken, answer.json()


def ask(base: str, tokens: dict[str, str], asked: list[Question]) -> tuple[dict[str, list[Taken]], list[Any]]:
    """Ask everything once to warm up, then again with the clock running."""
    found: dict[str, list[Taken]] = {}
    answers: list[Any] = []
    with httpx.Client(base_url=base, timeout=600, trust_env=False) as http:
        for question in asked:
            timed(http, "datasets", tokens[question.person.name], q=question.q)
        for question in asked:
            token = tokens[question.person.name]
            taken, page = timed(http, "datasets", token, q=question.q)
            found.setdefault(question.kind, []).append(taken)
            taken, counted = timed(http, "datasets/count", token, q=question.q)
            found.setdefault("count", []).append(taken)
            answers.append(page | counted)
            found.setdefault("facets", []).append(timed(http, "datasets/facets", token, q=question.q)[0])
            for one in page["datasets"][:1]:
                found.setdefault("dataset page", []).append(timed(http, f"datasets/{one['id']}", token)[0])
        for name, token in tokens.items():
            if name != "ingest":
                pages(http, token, found)
    return found, answers


def pages(http: httpx.Client, token: str, found: dict[str, list[Taken]]) -> None:
    """Walk down the list of everything, page by page."""
    after: dict[str, str] = {}
    for number in range(60):
        taken, page = timed(http, "datasets", token, limit=100, **after)
        kind = "page 1" if number == 0 else "page 41 to 60" if number >= 40 else "page 2 to 40"
        found.setdefault(kind, []).append(taken)
        if page["next"] is None:
            return
        after = {"after": page["next"]}


def settle(database: str) -> int:
    """Do what a database does by itself in quiet hours; return its size in bytes."""
    engine = create_engine(database, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
            size = text("SELECT pg_database_size(current_database())")
        else:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            size = text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        found = int(connection.execute(size).scalar_one())
    engine.dispose()
    return found


def measure(database: str, where: Path, given: argparse.Namespace, work: Work) -> Measured:
    """Load one database and ask it everything; return what it took, and the answers."""
    made, sent, asked, people = work
    with fake_hub() as hub, ExitStack() as stack:
        tokens = {person.name: hub.user(person.name) for person in people} | {"ingest": hub.service("ingest")}
        base, process = stack.enter_context(catalogue(where, database, hub, people, given))
        speed = [yardstick()]
        ingest = load(base, tokens["ingest"], made, sent, process)
        print(f"  {ingest['datasets_per_s']} datasets/s in {ingest['seconds']} s", flush=True)
        idle, speed_then = ingest["idle"], ingest["idle"].get("datasets_per_s", "no")
        print(f"  {speed_then} datasets/s in the median of the {idle['windows']} idle parts of {idle['of']}")
        speed.append(yardstick())
        after_ingest = memory(process)
        ingest["bytes_per_dataset"] = settle(database) // given.datasets
        found, answers = ask(base, tokens, asked)
        held = {"after_ingest_mib": after_ingest, "after_queries_mib": memory(process)}
    speed.append(yardstick())
    times = {kind: percentiles(seconds) for kind, seconds in found.items()}
    for kind, one in times.items():
        print(
            f"  {kind:16} p50 {one['p50']:8.1f}  p95 {one['p95']:8.1f}  max {one['max']:8.1f} ms   ({one['asked']}); "
            f"as it came p95 {one['as_it_came']['p95']:8.1f} ms"
        )
    slowest(asked, found, answers)
    print(f"  {ingest['bytes_per_dataset']} bytes for each dataset")
    print(f"  memory {held['after_ingest_mib']} MiB after ingest, {held['after_queries_mib']} MiB in the end")
    print(f"  {told(speed)}", flush=True)
    return {"ingest": ingest, "milliseconds": times, "memory": held, "yardstick": spread(speed)}, answers


def compare(given: argparse.Namespace, work: Work, answered: dict[str, list[Any]], runs: dict[str, Any]) -> None:
    """Compare some answers of each database with a look at every record."""
    chosen = random.Random(given.seed).sample(range(len(work.asked)), min(CHECKED, len(work.asked)))
    expected = walk(work.made, given.datasets, [work.asked[index] for index in chosen])
    for name, answers in answered.items():
        agreed = sum(one.is_met(answers[index]) for one, index in zip(expected, chosen, strict=True))
        runs[name]["checked"] = {"compared": len(chosen), "agreed": agreed}
        print(f"{name}: {agreed} of {len(chosen)} answers as a look at every record gives them", flush=True)


def beside(given: argparse.Namespace, work: Work, runs: dict[str, Any]) -> dict[str, Any]:
    """Measure Tiled with far fewer nodes, and print both as ratios."""
    print(f"Tiled: {given.tiled_nodes} nodes …", flush=True)
    told = measure_tiled(work.made, given.tiled_nodes, work.asked, given.port + 1)
    told["range"] = percentiles([Taken(*one) for one in told.pop("range_seconds")])
    print(f"  {told['nodes_per_s']} nodes/s, range p50 {told['range']['p50']} p95 {told['range']['p95']} ms")
    for name, run in runs.items():
        times = run["ingest"]["datasets_per_s"] / told["nodes_per_s"]
        print(f"  {name}: ingest {times:.0f} times as fast; range p95 {run['milliseconds']['range']['p95']} ms")
    return told


def slowest(asked: list[Question], found: dict[str, list[Taken]], answers: list[Any]) -> None:
    """Tell the slowest questions, for whoever looks for the reason."""
    places: dict[str, int] = {}
    timings = []
    for question, answer in zip(asked, answers, strict=True):
        index = places[question.kind] = places.get(question.kind, -1) + 1
        timings.append((found[question.kind][index].idle, question.person.name, question.q, answer["total"]))
    for seconds, who, q, total in sorted(timings, reverse=True)[:8]:
        print(f"    {seconds * 1000:7.1f} ms  {who:8} {q!r} → {total}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=1_000_000)
    parser.add_argument("--proposals", type=int, default=8000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=18642)
    parser.add_argument(
        "--only", choices=["sqlite", "postgresql"], help="one database; its results have a file of their own"
    )
    parser.add_argument("--tiled-nodes", type=int, default=5000, help="0: without Tiled")
    given = parser.parse_args()
    chance = random.Random(given.seed)
    people = [
        Person("admin", (), is_admin=True),
        *(Person(f"with{n}", tuple(sorted(chance.sample(range(given.proposals), n)))) for n in (1, 20, 300)),
    ]
    asked = questions(people, given.datasets, given.queries, given.seed)
    made = Synthetic(proposals=given.proposals, seed=given.seed, root=DATA)
    runs: dict[str, Any] = {}
    answered: dict[str, list[Any]] = {}
    ways: dict[str, Callable[[Path, ExitStack], str | None]] = {
        "sqlite": lambda where, _: f"sqlite:///{where}/catalogue.sqlite",
        "postgresql": lambda _, stack: stack.enter_context(postgres(*POSTGRES)),
    }
    with tempfile.TemporaryDirectory() as requests:
        work = Work(made, bodies(made, given.datasets, Path(requests) / "bodies"), asked, people)
        for name, way in ways.items():
            if given.only in {None, name}:
                with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
                    database = way(Path(place), stack)
                    if database:
                        print(f"{name}: {given.datasets} datasets …", flush=True)
                        runs[name], answered[name] = measure(database, Path(place), given, work)
    compare(given, work, answered, runs)
    if given.tiled_nodes:
        runs["tiled"] = beside(given, work, runs)
    document = {
        "what": "the catalogue over HTTP, access decided, loopback",
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "given": {
            "datasets": given.datasets,
            "proposals": given.proposals,
            "seed": given.seed,
            "files_each": 10,
            "postgresql": POSTGRES,
        },
        "runs": runs,
    }
    name = f"catalogue-{given.only}" if given.only else "catalogue"
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
