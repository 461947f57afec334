"""The reader as a process: ``python -m beamtorch_identity.reader --socket PATH --root DATA --directory FILE``."""

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from beamtorch_facility.errors import BeamtorchError
from beamtorch_identity.becoming import open_ways
from beamtorch_identity.opening import open_directory
from beamtorch_identity.reader.child import Task
from beamtorch_identity.reader.forker import Forker
from beamtorch_identity.reader.limits import Limits
from beamtorch_identity.reader.listener import Listener, bound
from beamtorch_identity.reader.wire import LARGEST_ORDER

log = logging.getLogger("beamtorch_identity.reader")


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    options = _options(argv)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_ORDER)
    # Forked before there is any thread, and before the directory's password is read.
    pid = os.fork()
    if pid == 0:
        os._exit(_fork_for_ever(ours, theirs, options))
    theirs.close()
    try:
        _listen(ours, options, pid)
    except BeamtorchError as error:
        print(f"beamtorch reader: {error.detail.en}", file=sys.stderr)  # noqa: T201 - the process's last words
        return error.exit_code
    finally:
        ours.close()
        options.socket.unlink(missing_ok=True)
    return 0


def _options(argv: Sequence[str]) -> argparse.Namespace:
    known = argparse.ArgumentParser(prog="python -m beamtorch_identity.reader", description=__doc__)
    known.add_argument("--socket", type=Path, required=True, metavar="PATH", help="where the service asks")
    known.add_argument("--root", type=Path, required=True, metavar="PATH", help="root of the data")
    known.add_argument("--directory", type=Path, required=True, metavar="FILE", help="the people (YAML)")
    known.add_argument(
        "--service-uid", type=int, default=os.geteuid(), metavar="N", help="the one who may ask (that of this process)"
    )
    known.add_argument(
        "--own-rights", action="store_true", help="read with the rights of this process, as it does without root"
    )
    known.add_argument(
        "--show",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="a folder that children need, such as Python's, even where the way to it is closed to others",
    )
    known.add_argument(
        "--task",
        action="append",
        default=[],
        type=_task,
        metavar="NAME=MODULE:FUNCTION",
        help="what may be done with files in a person's name",
    )
    for name, field in Limits.model_fields.items():
        default = field.default
        flag = f"--{name.replace('_', '-')}"
        known.add_argument(flag, type=type(default), default=default, help=f"{field.description} ({default})")
    return known.parse_args(argv)


def _task(text: str) -> tuple[str, Task]:
    name, _, place = text.partition("=")
    module, _, function = place.partition(":")
    try:
        return name, getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"“{text}” names no function: {error}") from error


def _fork_for_ever(listener: socket.socket, orders: socket.socket, options: argparse.Namespace) -> int:
    listener.close()
    # The listener ends this process by going away; a Ctrl-C is for the listener alone.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    limits = Limits(**{name: getattr(options, name) for name in Limits.model_fields})
    try:
        if _becomes(options):
            open_ways(read_only=[options.root, *options.show], writable=())
        Forker(orders, root=options.root, tasks=dict(options.task), limits=limits).run()
    except Exception:
        log.exception("the forking process broke")
        return 1
    return 0


def _becomes(options: argparse.Namespace) -> bool:
    """Say whether children become the person who asks."""
    return os.geteuid() == 0 and not options.own_rights


def _listen(forker: socket.socket, options: argparse.Namespace, pid: int) -> None:
    becomes = _becomes(options)
    socket_ = bound(options.socket, options.service_uid)
    listener = Listener(
        socket_,
        forker,
        directory=open_directory(options.directory),
        service_uid=options.service_uid,
        becomes=becomes,
    )
    threading.Thread(target=_end_with, args=(pid,), daemon=True).start()

    def ready() -> None:
        how = "as the person who asks" if becomes else f"as uid {os.geteuid()}, whoever asks"
        log.info("files below %s are read %s; uid %d may ask", options.root, how, options.service_uid)

    listener.run(ready)


def _end_with(pid: int) -> None:
    """End this process when the forking one is gone: without it nothing can be read, and somebody starts both again."""
    os.waitpid(pid, 0)
    log.error("the forking process has ended")
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
