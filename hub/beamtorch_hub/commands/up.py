"""Start the whole platform on this machine; prints where it is and who can sign in."""

import argparse
import contextlib
import re
import signal
import subprocess
import sys
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from beamtorch_hub.cluster.settings import NAMESPACE, ClusterWish
from beamtorch_hub.commands.options import home_of, parser
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform import logs
from beamtorch_hub.platform.banner import banner
from beamtorch_hub.platform.launch import DEFAULT_PORT, Launch, make_home
from beamtorch_hub.platform.lock import demand_unlocked
from beamtorch_hub.platform.record import PlatformState, read_record

POLL_SECONDS = 0.1
READY = "ready after"
CLUSTER_OPTIONS = ("namespace", "lab_image", "address")


def main(argv: Sequence[str]) -> int:
    """Run the platform until it is ended, or with --detach until it is ready."""
    options = _options(argv)
    home = home_of(options.home)
    if options.detach:
        return _detach(home, options)
    wish = _wish(options)
    launch = Launch(home=home, port=options.port, keep_labs=options.keep_labs, demo=options.demo, wish=wish)

    def ready(url: str, seconds: float) -> None:
        # In the background the one who waits for us prints it: passwords go into no log.
        said = f"{READY} {seconds:.1f} s" if options.background else banner(home, url, seconds=seconds, detached=False)
        print(said, flush=True)
        if options.open:
            webbrowser.open(url)

    launch.run(announce=_announce, on_ready=ready)
    return 0


def _announce(line: str) -> None:
    # A terminal that was closed or a log on a full disk must not end the platform.
    with contextlib.suppress(OSError):
        print(f"beamtorch: {line}", flush=True)


def _options(argv: Sequence[str]) -> argparse.Namespace:
    known = parser("up", __doc__)
    known.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help=f"port of the platform (that of the last start, at first {DEFAULT_PORT})",
    )
    known.add_argument(
        "--detach", action="store_true", help="return when it is ready, and let it run in the background"
    )
    known.add_argument("--open", action="store_true", help="open a browser when it is ready")
    known.add_argument("--keep-labs", action="store_true", help="at the end let running labs live on")
    known.add_argument("--demo", type=Path, metavar="FILE", help="at the first start make this facility (YAML)")
    known.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    _add_cluster(known)
    options = known.parse_args(argv)
    if not options.cluster and any(getattr(options, name) for name in CLUSTER_OPTIONS):
        known.error("--namespace, --lab-image and --address say where labs go with --cluster; name that, too")
    return options


def _add_cluster(known: argparse.ArgumentParser) -> None:
    cluster = known.add_argument_group("labs in a cluster", "what is chosen counts for later starts, too")
    cluster.add_argument(
        "--cluster", action="store_true", help="labs are pods of the current kubeconfig's cluster, the rest is here"
    )
    cluster.add_argument("--namespace", type=_namespace, metavar="NAME", help="of the lab pods; made if it is missing")
    cluster.add_argument("--lab-image", metavar="IMAGE", help="of labs and apps (that of this version)")
    cluster.add_argument(
        "--address", metavar="IP", help="of this machine, as pods reach it (the one that faces the cluster)"
    )


def _wish(options: argparse.Namespace) -> ClusterWish | None:
    named = {name: getattr(options, name) for name in CLUSTER_OPTIONS}
    return ClusterWish(**named) if options.cluster else None


def _namespace(text: str) -> str:
    if re.fullmatch(NAMESPACE, text):
        return text
    raise argparse.ArgumentTypeError(f"“{text}” is no name of a namespace; use a-z, 0-9 and “-”, 63 letters at most")


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:  # noqa: PLR2004 - the highest there is
        return int(text)
    raise argparse.ArgumentTypeError(f"“{text}” is no port; use a number from 1 to 65535")


def _detach(home: PlatformHome, options: argparse.Namespace) -> int:
    make_home(home)
    demand_unlocked(home)
    began = time.monotonic()
    log = home.logs / "platform.log"
    logs.rotate(log)
    with log.open("wb") as out, log.open("r", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            _again(home, options),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
        try:
            status = _follow(home, process, said)
        except KeyboardInterrupt:
            process.send_signal(signal.SIGTERM)
            process.wait()
            raise
    record = read_record(home)
    if status is not None or record is None:
        return status or 1
    print(banner(home, record.url, seconds=time.monotonic() - began, detached=True))
    if options.open:
        webbrowser.open(record.url)
    return 0


def _again(home: PlatformHome, options: argparse.Namespace) -> list[str]:
    command = [sys.executable, "-m", "beamtorch_hub", "up", "--background", "--home", str(home.root)]
    command += ["--port", str(options.port)] if options.port else []
    command += ["--keep-labs"] if options.keep_labs else []
    command += ["--cluster"] if options.cluster else []
    for name in CLUSTER_OPTIONS:
        value = getattr(options, name)
        command += [f"--{name.replace('_', '-')}", value] if value else []
    return command + (["--demo", str(options.demo.resolve())] if options.demo else [])


def _follow(home: PlatformHome, process: subprocess.Popen[bytes], said: IO[str]) -> int | None:
    """Show what the background process says until it is ready (None) or has ended (its status)."""
    while True:
        status = process.poll()
        record = read_record(home)
        _show(said)
        if status is not None:
            return status
        if record and record.pid == process.pid and record.state is PlatformState.READY:
            return None
        time.sleep(POLL_SECONDS)


def _show(said: IO[str]) -> None:
    for line in said:
        # Progress begins with “beamtorch:”; what is neither that nor the last line is an error and its particulars.
        if not line.startswith(READY):
            print(line, end="", flush=True, file=sys.stdout if line.startswith("beamtorch: ") else sys.stderr)
