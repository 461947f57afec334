"""Downloads: bytes per second of one client, and small files per second, beside nginx and uvicorn's own.

Run it as ``python benchmarks/download.py`` or ``just bench download``. Each server is a process of its own on loopback,
curl is the client, and rounds alternate between the servers, because what else runs on the machine makes all of them
slower. “beamtorch” is everything that a download takes behind the sign-in: the reader opens the file (in the name of a
person, as root), hands the descriptor over, and the service sends it. “read and write” is the same without sendfile,
“loop.sendfile” asyncio's own, which calls the file system in the event loop. nginx is Debian's, with sendfile on.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
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

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from beamtorch_catalogue.sendfile import SendfileProtocol
from beamtorch_catalogue.sending import OpenFileResponse
from beamtorch_facility.identity import Username
from beamtorch_identity.reader.beneath import PathBelow
from beamtorch_identity.reader.client import ReaderClient
from beamtorch_identity.reader.testing import ADA, new_site, running_reader

RESULTS = Path(__file__).parent / "results" / "download.json"
LARGE, SMALL = "large.h5", "small.h5"
SERVERS = ("beamtorch", "read and write", "uvicorn FileResponse", "loop.sendfile", "nginx")
NGINX = """
daemon off; worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log; user root;
events {{ }}
http {{ access_log off; sendfile on; sendfile_max_chunk 2m; tcp_nopush on;
  server {{ listen 127.0.0.1:{port}; root {place}/data; }} }}
"""


def serve(kind: str, place: Path, port: int) -> None:
    if kind == "nginx":
        (place / "nginx.conf").write_text(NGINX.format(place=place, port=port))
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
        os.execv(program, [program, "-c", str(place / "nginx.conf")])
    if kind == "loop.sendfile":
        asyncio.run(bare(place / "data", port))
    reader = ReaderClient(place / "reader" / "socket")

    async def ours(request: Request) -> Response:
        name = request.path_params["name"]
        return OpenFileResponse(await reader.open(Username("ada"), PathBelow((name,))), name, request.headers)

    async def plain(request: Request) -> Response:
        return FileResponse(place / "data" / request.path_params["name"])

    endpoint = plain if kind == "uvicorn FileResponse" else ours
    protocol = SendfileProtocol if kind == "beamtorch" else "h11"
    app = Starlette(routes=[Route("/{name}", endpoint)])
    uvicorn.run(app, port=port, http=protocol, log_level="error", access_log=False)


async def bare(data: Path, port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:  # somebody only looked whether it listens
            writer.close()
            return
        path = data / request.split()[1].decode().strip("/")
        with path.open("rb") as file:
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {path.stat().st_size}\r\n\r\n".encode())
            await writer.drain()
            await asyncio.get_running_loop().sendfile(writer.transport, file)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


@contextlib.contextmanager
def served(kind: str, place: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, __file__, "--serve", kind, "--place", str(place), "--port", str(port)]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert time.monotonic() < until, f"{kind} did not start"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


def large(url: str) -> float:
    """Return GB/s of one download."""
    command = ["curl", "-sf", "--noproxy", "*", "-o", "/dev/null", "-w", "%{speed_download}", f"{url}{LARGE}"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1e9


def small(url: str, count: int) -> float:
    """Return small files per second, one after another by one client."""
    urls = [part for _ in range(count) for part in ("-o", "/dev/null", f"{url}{SMALL}")]
    began = time.perf_counter()
    subprocess.run(["curl", "-sf", "--noproxy", "*", *urls], check=True)
    return count / (time.perf_counter() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--place", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.place, given.port)
        return 0
    speeds: dict[str, list[float]] = {kind: [] for kind in SERVERS}
    rates: dict[str, list[float]] = {kind: [] for kind in SERVERS}
    with tempfile.TemporaryDirectory(prefix="download-") as name, contextlib.ExitStack() as stack:
        site = new_site(Path(name))
        piece = os.urandom(1 << 20)
        content = piece * round(given.gib * 1024)
        for file, body in ((LARGE, content), (SMALL, piece[:10_000])):
            site.file(file, body, mode=0o644 if os.geteuid() != 0 else 0o600, acl=f"u:{ADA}:r")
        del content
        stack.enter_context(
            running_reader(socket=site.socket, root=site.root, directory=site.directory, options=[], log=site.log)
        )
        urls = {kind: stack.enter_context(served(kind, site.place)) for kind in SERVERS}
        for _ in range(given.rounds):
            for kind, url in urls.items():
                speeds[kind].append(large(url))
                rates[kind].append(small(url, given.files))
    report: dict[str, Any] = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "system": platform.platform()},
        "gib": given.gib,
        "rounds": given.rounds,
        "servers": {
            kind: {
                "gigabytes_per_second": statistics.median(speeds[kind]),
                "gigabytes_per_second_best": max(speeds[kind]),
                "small_files_per_second": statistics.median(rates[kind]),
            }
            for kind in SERVERS
        },
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"{given.gib:g} GiB from the page cache, one client, {given.rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for kind, facts in report["servers"].items():
        middle, best = facts["gigabytes_per_second"], facts["gigabytes_per_second_best"]
        print(f"  {kind:<22} {middle:5.2f} GB/s (best {best:5.2f})   {facts['small_files_per_second']:6.0f} files/s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
