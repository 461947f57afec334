"""The supervisor: one loop that starts a platform's processes, watches them, obeys wishes, and ends everything."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from beamtorch_facility.words import Words
from beamtorch_hub.errors import ChildFailedError, ChildGaveUpError, PlatformError
from beamtorch_hub.home import PlatformHome
from beamtorch_hub.platform import logs, requests
from beamtorch_hub.platform.children import STOP_SECONDS, Child, ChildSpec, ChildState, loopback_client, tell_end
from beamtorch_hub.platform.record import ChildRecord, PlatformRecord, PlatformState, write_record
from beamtorch_hub.platform.requests import Request

POLL_SECONDS = 0.1
READY_SECONDS = 120.0
DEATHS, DEATH_SECONDS = 5, 60.0
"""A process may end so often within that time; once more, and the platform gives up."""

Announce = Callable[[str], None]


@dataclass(kw_only=True)
class Supervisor:
    """Runs the processes of one platform until it is asked to stop.

    Parameters
    ----------
    home
        Folder of the platform; locked by the caller.
    specs
        The processes, in the order in which they are started.
    record
        The supervisor's own entry, with no children yet.
    announce
        Takes one line of progress.
    restore_routes
        Makes the Hub tell the proxy its routes; called after the proxy was started again, until it returns True.
    """

    home: PlatformHome
    specs: Sequence[ChildSpec]
    record: PlatformRecord
    announce: Announce
    restore_routes: Callable[[httpx.Client], bool] = lambda _: True
    stopping: threading.Event = field(default_factory=threading.Event)
    keep_labs: bool = False

    def __post_init__(self) -> None:
        self.children = {spec.name: Child(spec, self.home.logs / f"{spec.name}.log") for spec in self.specs}
        self._client = loopback_client()
        self._routes_lost = False

    def start(self) -> None:
        """Start everything side by side and wait until all are well.

        Raises
        ------
        ChildFailedError
            If a process ends before it was well, or is not well in time.
        """
        requests.clear(self.home)
        for child in self.children.values():
            logs.rotate(child.log)
            child.start()
        self._write()
        until = time.monotonic() + READY_SECONDS
        while waiting := [child for child in self.children.values() if child.state is not ChildState.RUNNING]:
            for child in waiting:
                self._await(child, late=time.monotonic() > until)
            if self.stopping.wait(POLL_SECONDS):
                return

    def _await(self, child: Child, *, late: bool) -> None:
        status = child.poll()
        if status is not None:
            raise _failed(child, Words(en=f"ended at once ({tell_end(status)})", zh=f"启动后立即退出（{status}）"))
        if child.probe(self._client):
            self.announce(f"{child.name} is up")
            self._write()
        elif late:
            words = Words(en=f"did not answer within {READY_SECONDS:.0f} s", zh=f"{READY_SECONDS:.0f} 秒内没有响应")
            raise _failed(child, words)

    def ready(self) -> None:
        """Tell the other commands that people can come."""
        self.record = self.record.model_copy(update={"state": PlatformState.READY})
        self._write()

    def run(self) -> None:
        """Watch until asked to stop.

        Raises
        ------
        ChildGaveUpError
            If a process ends again and again.
        """
        while not self.stopping.wait(POLL_SECONDS):
            for child in self.children.values():
                self._tend(child)
            if self._routes_lost and self.children["proxy"].state is ChildState.RUNNING:
                self._routes_lost = not self.restore_routes(self._client)
            for request in requests.receive(self.home):
                self._obey(request)

    def end(self) -> None:
        """End all processes, together; the labs are the caller's."""
        self.record = self.record.model_copy(update={"state": PlatformState.STOPPING})
        self._write()
        for child in self.children.values():
            child.ask_to_end()
        until = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            child.wait(until - time.monotonic())
        self._client.close()

    def _tend(self, child: Child) -> None:
        status = child.poll()
        if status is not None:
            recent = [at for at in child.deaths if time.monotonic() - at < DEATH_SECONDS]
            if len(recent) > DEATHS:
                raise _gave_up(child, len(recent), status)
            self.announce(f"{child.name} ended ({tell_end(status)}), started again")
            self._start_again(child)
        elif child.state is ChildState.STARTING and child.probe(self._client):
            self.announce(f"{child.name} is up again")
            self._write()

    def _start_again(self, child: Child) -> None:
        child.start()
        # A new proxy knows no route; a lab must not wait for the Hub's next look at it, minutes later.
        self._routes_lost = self._routes_lost or child.name == "proxy"
        self._write()

    def _obey(self, request: Request) -> None:
        if request.action == "stop":
            self.keep_labs = self.keep_labs or request.keep_labs
            self.stopping.set()
        elif child := self.children.get(request.child):
            self.announce(f"{child.name} is restarted as asked")
            child.ask_to_end()
            child.wait()
            self._start_again(child)

    def _write(self) -> None:
        children = tuple(
            ChildRecord(name=child.name, pid=child.pid, state=child.state, starts=child.starts)
            for child in self.children.values()
        )
        self.record = self.record.model_copy(update={"children": children})
        try:
            write_record(self.home, self.record)
        except PlatformError as error:
            # A disk that is full for a while must not end what runs.
            self.announce(error.detail.en)


def _failed(child: Child, what: Words) -> ChildFailedError:
    lines = "\n".join(f"  {line}" for line in child.last_lines())
    return ChildFailedError(
        Words(
            en=f"The {child.name} {what.en}, so the platform was ended again. The end of {child.log}:\n{lines}",
            zh=f"{child.name} {what.zh}，平台已停止。{child.log} 的末尾：\n{lines}",
        ),
        child=child.name,
    )


def _gave_up(child: Child, times: int, status: int) -> ChildGaveUpError:
    lines = "\n".join(f"  {line}" for line in child.last_lines())
    how = tell_end(status)
    return ChildGaveUpError(
        Words(
            en=f"The {child.name} ended {times} times within a minute (the last time: {how}), so the platform was "
            f"ended. The end of {child.log}:\n{lines}",
            zh=f"{child.name} 一分钟内退出了 {times} 次（最后一次：{how}），平台已停止。{child.log} 的末尾：\n{lines}",
        ),
        child=child.name,
    )
