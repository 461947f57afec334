"""Admissions: 300 at once against a quota of 100, and one after another on the idle service; SQLite and PostgreSQL.

Run it as ``python benchmarks/admission.py`` or ``just bench admission``. The service is a process of its own behind
HTTP, with a Hub that answers from memory. Rounds alternate between the databases, because what else runs on the machine
makes both slower; while one of them is asked, the other one's service stands still, for the machine is to be idle.
A virtual machine is not idle either while its host gives the processor to others: rounds go on until there are enough
in which that was less than a twentieth, or three times as many were made; told are those rounds, and all.
PostgreSQL is Debian's, in a temporary folder; without it only SQLite is measured.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from answering import wait_until_it_answers
from yardstick import IDLE_SHARE, Processor, spread, told, yardstick

from beamtorch_service.testing import FakeHub, served

ACCESS = "access:services!service=spawner"
GPU = "nvidia.com/gpu"
AT_ONCE, QUOTA = 300, 100
ENOUGH = 3
"""How many times the wanted rounds are made at most, if the machine is not idle."""
RESULTS = Path(__file__).parent / "results" / "admission.json"
ENVIRONMENTS = {
    "environments": [
        {"id": "any", "kind": "lab", "name": {"en": "Any", "zh": "任意"}, "summary": {"en": "", "zh": ""},
         "extra_resource": {GPU: 1}},
    ]
}  # fmt: skip


@contextlib.contextmanager
def postgres(*settings: str) -> Iterator[str | None]:
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not tools:
        yield None
        return
    place = Path(tempfile.mkdtemp(prefix="pg-"))
    other = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    if other:
        os.chown(place, 65534, 65534)
    data = place / "data"

    def run(*command: str) -> None:
        subprocess.run([*other, *command], check=True, capture_output=True, cwd=place)

    run(str(tools[-1] / "initdb"), "-D", str(data), "-U", "bench", "-A", "trust")
    control = [str(tools[-1] / "pg_ctl"), "-D", str(data)]
    given = " ".join(f"-c {one}" for one in ("listen_addresses=", f"unix_socket_directories={place}", *settings))
    run(*control, "-l", str(place / "log"), "-w", "-o", given, "start")
    try:
        yield f"postgresql+psycopg://bench@/postgres?host={place}"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def service(where: Path, database: str, hub: FakeHub) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    people = [
        {"username": f"guest{n}", "full_name": {"en": "Guest", "zh": "访客"}, "uid": 50001 + n, "gid": 50001 + n}
        for n in range(AT_ONCE)
    ]
    marsh = {"username": "marsh", "full_name": {"en": "M", "zh": "马"}, "uid": 60000, "gid": 60000}
    people.append({**marsh, "groups": ["facility-admin"]})
    (where / "people.yaml").write_text(yaml.safe_dump({"people": people}), encoding="utf-8")
    (where / "environments.yaml").write_text(yaml.safe_dump(ENVIRONMENTS), encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with served(hub) as api_url:
        own = {
            "JUPYTERHUB_SERVICE_NAME": "spawner",
            "JUPYTERHUB_SERVICE_PREFIX": "/services/spawner/",
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "JUPYTERHUB_API_URL": api_url,
            "JUPYTERHUB_API_TOKEN": "bench",
            "BEAMTORCH_SPAWNER_DATABASE": database,
            "BEAMTORCH_ENVIRONMENTS": str(where / "environments.yaml"),
            "BEAMTORCH_DIRECTORY": str(where / "people.yaml"),
            "BEAMTORCH_PUBLIC_URL": "http://127.0.0.1/",
        }
        with subprocess.Popen([sys.executable, "-m", "beamtorch_spawner"], env={**os.environ, **own}) as process:
            url = f"http://127.0.0.1:{port}/services/spawner/"
            try:
                wait_until_it_answers(f"{url}health")
                process.send_signal(signal.SIGSTOP)
                yield url, process
            finally:
                process.send_signal(signal.SIGCONT)
                process.terminate()


@contextlib.contextmanager
def awake(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Let a service run for a while."""
    process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        process.send_signal(signal.SIGSTOP)


async def at_once(url: str, token: str) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=AT_ONCE)
    headers = {"Authorization": f"token {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120, limits=limits, trust_env=False) as http:

        async def ask(number: int) -> tuple[int, float]:
            began = time.perf_counter()
            body = {"username": f"guest{number}", "user_options": {"environment": "any"}}
            answer = await http.post("admissions", json=body)
            return answer.status_code, time.perf_counter() - began

        began = time.perf_counter()
        answers = await asyncio.gather(*(ask(number) for number in range(AT_ONCE)))
        took = time.perf_counter() - began
    codes = [code for code, _ in answers]
    return {
        "seconds": took,
        "granted": codes.count(201),
        "refused": codes.count(403),
        "failed": len(codes) - codes.count(201) - codes.count(403),
        "p95_ms": 1000 * statistics.quantiles([seconds for _, seconds in answers], n=20)[-1],
    }


def one_by_one(url: str, token: str, rounds: int) -> list[float]:
    """Return seconds of single admissions, each ended before the next."""
    times = []
    with httpx.Client(base_url=url, headers={"Authorization": f"token {token}"}, timeout=60, trust_env=False) as http:
        for number in range(rounds):
            began = time.perf_counter()
            body = {"username": f"guest{number % AT_ONCE}", "user_options": {"environment": "any"}}
            answer = http.post("admissions", json=body)
            times.append(time.perf_counter() - began)
            http.patch(f"leases/{answer.json()['lease']}", json={"state": "ended"})
    return times


def without_work(url: str, rounds: int = 100) -> list[float]:
    """Return seconds of answers for which nothing is done: what HTTP takes on this machine at this time."""
    times = []
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        for _ in range(rounds):
            began = time.perf_counter()
            http.get("health").raise_for_status()
            times.append(time.perf_counter() - began)
    return times


def end_all(url: str, torch: str, marsh: str) -> int:
    """End every active lease; return how many there were."""
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        query = {"active": "true", "limit": 500}
        leases = http.get("leases", params=query, headers={"Authorization": f"token {marsh}"}).json()
        for lease in leases:
            headers = {"Authorization": f"token {torch}"}
            http.patch(f"leases/{lease['id']}", json={"state": "ended"}, headers=headers)
    return len(leases)


def one_round(url: str, torch: str, marsh: str, single: int) -> dict[str, Any]:
    empty = without_work(url)
    before = Processor.now()
    singles = one_by_one(url, torch, single)
    taken = Processor.now().share_taken_since(before)
    burst = asyncio.run(at_once(url, torch))
    burst["held_after"] = end_all(url, torch, marsh)
    return {"empty": empty, "single": singles, "taken": taken, "burst": burst}


def idle(rounds: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in rounds if one["taken"] <= IDLE_SHARE]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6, help="rounds on the idle machine, per database")
    parser.add_argument("--single", type=int, default=100, help="admissions one after another, per round")
    options = parser.parse_args()
    hub = FakeHub()
    torch, marsh = hub.issue("torch", ACCESS, kind="service"), hub.issue("marsh", ACCESS)
    found: dict[str, list[dict[str, Any]]] = {}
    speed = []
    with contextlib.ExitStack() as stack:
        services = {}
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        databases = {"sqlite": f"sqlite:///{folders[0]}/spawner.sqlite", "postgresql": stack.enter_context(postgres())}
        for where, (name, database) in zip(folders, databases.items(), strict=True):
            if database is not None:
                services[name] = stack.enter_context(service(where, database, hub))
        quota = {"scope": "facility", "subject": "", "resource": GPU, "limit": QUOTA}
        for url, process in services.values():
            headers = {"Authorization": f"token {marsh}"}
            with awake(process):
                httpx.put(f"{url}quotas", json=quota, headers=headers, trust_env=False).raise_for_status()
        for _ in range(ENOUGH * options.rounds):
            for name, (url, process) in services.items():
                speed.append(yardstick())
                with awake(process):
                    found.setdefault(name, []).append(one_round(url, torch, marsh, options.single))
            if all(len(idle(rounds)) >= options.rounds for rounds in found.values()):
                break
    report(found, speed)


def report(found: dict[str, list[dict[str, Any]]], speed: list[float]) -> None:
    result: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "quota": QUOTA,
        "at_once": AT_ONCE,
        "yardstick": spread(speed),
        "databases": {},
    }
    print(f"{'':12}{'p50':>9}{'p95':>9}{'p99':>9}")
    for name, rounds in found.items():
        result["databases"][name] = one = summary(rounds)
        for title, kind in ((name, "idle"), ("  all rounds", "all")):
            if (times := one[kind]) is not None:
                told_taken = f"{100 * times['taken']['least']:.0f} to {100 * times['taken']['most']:.0f} %"
                print(
                    f"{title:12}{times['p50']:7.1f}ms{times['p95']:7.1f}ms{times['p99']:7.1f}ms   "
                    f"{times['rounds']} rounds of {times['count'] // times['rounds']}; p95 of each "
                    f"{times['p95_by_round']['least_ms']} to {times['p95_by_round']['most_ms']} ms; "
                    f"of the processor went to others {told_taken}"
                )
            else:
                print(f"{title:12}no round: the machine was never idle")
        bursts = one["bursts"]
        said = sorted({f"{b['granted']} granted, {b['refused']} refused, {b['failed']} failed" for b in bursts})
        print(f"{'':12}{AT_ONCE} at once, {len(bursts)} times: {'; '.join(said)}; never more than "
              f"{max(b['held_after'] for b in bursts)} held of {QUOTA}")  # fmt: skip
        empty = one["without_work_ms"]
        print(f"{'':12}an answer without work: p50 {empty['p50']:.1f} ms, p95 {empty['p95']:.1f} ms")
    print(told(speed))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def summary(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what one database's rounds come to."""
    empty = statistics.quantiles([1000 * seconds for one in rounds for seconds in one["empty"]], n=20)
    return {
        "idle": times(idle(rounds)),
        "all": times(rounds),
        "without_work_ms": {"p50": empty[9], "p95": empty[18]},
        "bursts": [one["burst"] for one in rounds],
    }


def times(rounds: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return milliseconds of single admissions, and how much of the processor others had; None for no rounds."""
    if not rounds:
        return None
    cuts = statistics.quantiles([1000 * seconds for one in rounds for seconds in one["single"]], n=100)
    by_round = [statistics.quantiles([1000 * seconds for seconds in one["single"]], n=20)[-1] for one in rounds]
    taken = [one["taken"] for one in rounds]
    return {
        "p50": cuts[49],
        "p95": cuts[94],
        "p99": cuts[98],
        "p95_by_round": spread(by_round),
        "count": sum(len(one["single"]) for one in rounds),
        "rounds": len(rounds),
        "taken": {"least": min(taken), "most": max(taken)},
    }


if __name__ == "__main__":
    main()
