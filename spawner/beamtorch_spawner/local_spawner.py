"""TorchLocalSpawner: labs and apps as processes of this machine, for a platform on one computer.

It stays thin: the spawner service decides (`torch_client`), pure functions say what the process looks like (`launch`),
and this class starts it, finds it again after a restart of the Hub, and ends it with all that it started. Where the
platform runs as root, each server runs under its person's own numbers; elsewhere all run under the platform's.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from subprocess import STDOUT, Popen
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from jupyterhub.utils import random_port, url_path_join
from pydantic import ValidationError
from traitlets import Bool, Float, List, Unicode, default

from beamtorch_facility.errors import BeamtorchError
from beamtorch_identity.credentials import UMASK
from beamtorch_spawner.admitted import AdmittedSpawner
from beamtorch_spawner.lab_files import LabFiles, LabRecord
from beamtorch_spawner.lab_process import LabProcess, Liveness, is_running, kill
from beamtorch_spawner.lab_words import ASKING, STARTING, did_not_start, ended_by_itself, home_unusable
from beamtorch_spawner.launch import Launch, Place, environment_at_start, given_input, launch
from beamtorch_spawner.refusals import refusal, shown
from beamtorch_spawner.wire import Grant, LeaseState

LOOPBACK = "127.0.0.1"
STEP_SECONDS = 0.1
MARGIN_SECONDS = 5.0
"""By how much our own patience at a start ends before the Hub's, so that the person reads our sentence."""
KILL_ROUNDS = 50


class TorchLocalSpawner(AdmittedSpawner, LocalProcessSpawner):
    """Starts what the spawner service grants, as a process on this machine."""

    platform_home = Unicode(help="Folder of the platform: records in run/labs, logs in logs/labs").tag(config=True)
    stop_seconds = Float(8.0, help="How long a server may take to end its kernels before all is killed").tag(
        config=True
    )

    as_person = Bool(
        default_value=False, help="Whether each server gets the uid, gid and groups of its person; only root can"
    ).tag(config=True)

    program_folders = List(Unicode(), help="Folders of the program, for labs of other users").tag(config=True)
    person_folders = List(Unicode(), help="Folders that people work in, for labs of other users").tag(config=True)

    @default("platform_home")
    def _platform_home_default(self) -> str:
        return os.environ.get("BEAMTORCH_HOME", "")

    @default("poll_interval")
    def _poll_interval_default(self) -> int:
        return 5

    @default("start_timeout")
    def _start_timeout_default(self) -> int:
        return 120

    def __init__(self, **traits: Any) -> None:
        self._record: LabRecord | None = None
        self._exit = 0
        self._recovered = False
        self._child: Popen[bytes] | None = None
        super().__init__(**traits)

    @property
    def files(self) -> LabFiles:
        """The record and the log of this server."""
        return LabFiles(Path(self.platform_home), self.user.name, self.name)

    # -- what JupyterHub keeps for us over a restart ----------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what finds the process again."""
        state: dict[str, Any] = super().get_state()
        if self._record is not None:
            state["lab"] = self._record.model_dump()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the process again; by its record if the Hub died before it could keep a state."""
        super().load_state(state)
        try:
            self._record = LabRecord.model_validate(state["lab"]) if "lab" in state else None
        except ValidationError:
            self.log.warning("The kept state of %s cannot be read", self._log_name)
        if self._record is None and self.server is not None:
            self._record = self.files.record()
        if self._record is not None:
            self._recovered = True
            self.pid, self.port = self._record.pid, self._record.port
            # The Hub does not keep the token, and without it could not withdraw it when the server stops.
            self.api_token = self._record.process.variable("JUPYTERHUB_API_TOKEN") or ""

    def clear_state(self) -> None:
        """Forget the process."""
        super().clear_state()
        self._record = None

    async def get_url(self) -> str:
        """Return where the server listens; the Hub may have died before it was told."""
        if self._record is None:
            return str(self.server.url)
        return str(url_path_join(f"http://{LOOPBACK}:{self._record.port}", self.server.base_url))

    # -- start ------------------------------------------------------------------------------------

    def start(self) -> "asyncio.Future[tuple[str, int]]":
        """Ask for admission and start what is granted; nothing of an earlier start is used again."""
        self._exit, self._step, self._recovered, self._child = 0, ASKING, False, None
        return self.in_its_own_time(self._admitted_start())

    async def _admitted_start(self) -> tuple[str, int]:
        try:
            grant = await self.admission()
            await self.end_stray()
            return await self._begin(grant)
        except BeamtorchError as error:
            raise refusal(error, self) from error

    async def end_stray(self, lease: str = "") -> None:  # noqa: ARG002 - a record tells more than a lease
        """End what still runs under this server's name without the Hub's knowledge."""
        record = self.files.record()
        if record is not None:
            if record.process.liveness() is not Liveness.GONE:
                self.log.warning("Ending a stray process %i of %s", record.pid, self._log_name)
            await self._end(record.process, now=True)
            self.files.forget(record.lease)

    async def _begin(self, grant: Grant) -> tuple[str, int]:
        self._step, self.port = STARTING, random_port()
        place = Place(
            python=sys.executable,
            is_root=os.geteuid() == 0,
            search_path=os.environ.get("PATH", os.defpath),
            as_person=self.as_person,
            program_folders=tuple(map(Path, self.program_folders)),
            person_folders=tuple(map(Path, self.person_folders)),
        )
        self._reports.tell(grant.lease, LeaseState.STARTING)
        try:
            what = launch(grant, username=self.user.name, hub_environment=self.get_env(), place=place)
            self._start_process(what, grant)
            await self._until_it_answers(grant)
        except BeamtorchError as error:
            self._lease = ""
            self._reports.tell(grant.lease, LeaseState.FAILED, error.detail)
            raise
        self._lease = ""
        self._reports.tell(grant.lease, LeaseState.RUNNING)
        return LOOPBACK, self.port

    def _start_process(self, what: Launch, grant: Grant) -> None:
        try:
            if not self.as_person:
                # What root makes would be root's; the hub makes people's homes theirs before a start.
                what.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.files.new_log() as log, given_input(what) as given:
                self.log.info("Starting %s: %s", self._log_name, " ".join(what.command))
                self._child = Popen(  # noqa: S603 - the command of a grant, no shell
                    what.command,
                    cwd=what.folder,
                    env=environment_at_start(what),
                    stdin=given,
                    stdout=log,
                    stderr=STDOUT,
                    start_new_session=True,
                    umask=UMASK if self.as_person else -1,
                )
        except OSError as error:
            raise home_unusable(what.folder, error) from error
        process = LabProcess.of(self._child.pid, grant.lease)
        self.pid = process.pid
        self._record = LabRecord(
            pid=process.pid,
            create_time=process.create_time,
            user=self.user.name,
            server=self.name,
            environment=grant.environment,
            lease=grant.lease,
            port=self.port,
        )
        self.files.write(self._record)

    async def _until_it_answers(self, grant: Grant) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + max(self.start_timeout - MARGIN_SECONDS, MARGIN_SECONDS)
        while not await _listens(self.port):
            code = self._child.poll() if self._child else None
            if code is None and clock() < until:
                await asyncio.sleep(STEP_SECONDS)
                continue
            self.log.error("%s did not start. Its last words:\n%s", self._log_name, self.files.last_words())
            if self._record is not None:
                await self._end(self._record.process, now=True)
                self.files.forget(grant.lease)
            self._record = None
            raise did_not_start(grant.name, code, self.files.log_path)

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell the page that waits what is going on."""
        told = None
        while True:
            if (step := self._step) is not told:
                told = step
                percent = 10 if step is ASKING else 40
                yield {"progress": percent, "message": step.en, "html_message": shown(step)}
            await asyncio.sleep(STEP_SECONDS)

    # -- while it runs, and its end ---------------------------------------------------------------

    async def poll(self) -> int | None:
        """Return None while the server runs or nothing can be said, else its exit code."""
        record = self._record
        if record is None:
            return self._exit
        code = self._exit_code(record)
        if code is None:
            if self._recovered:
                self._recovered = False
                self._reports.tell(record.lease, LeaseState.RUNNING)
            return None
        self._record, self._exit = None, code
        await self._end(record.process, now=True)
        self.files.forget(record.lease)
        self._reports.tell(
            record.lease,
            LeaseState.FAILED if code else LeaseState.ENDED,
            ended_by_itself(code if self._child else None),
        )
        return code

    def _exit_code(self, record: LabRecord) -> int | None:
        if self._child is not None:
            return self._child.poll()
        liveness = record.process.liveness()
        if liveness is Liveness.UNKNOWN:
            self.log.warning("Process %i of %s cannot be looked at; taken to run", record.pid, self._log_name)
        return 0 if liveness is Liveness.GONE else None

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 - JupyterHub's signature
        """End the server with everything that it started, within a bounded time."""
        record = self._record
        if record is None:
            self.give_up_lease()
            return
        self._lease = ""
        self._reports.tell(record.lease, LeaseState.STOPPING)
        await self._end(record.process, now=now)
        self._exit = (self._child.poll() if self._child else 0) or 0
        self._record = None
        self.files.forget(record.lease)
        self._reports.tell(record.lease, LeaseState.ENDED)

    async def _end(self, process: LabProcess, *, now: bool) -> None:
        members = await asyncio.to_thread(process.members)
        if not now:
            process.interrupt()
            for _ in range(int(self.stop_seconds / STEP_SECONDS)):
                if process.liveness() is Liveness.GONE:
                    break
                await asyncio.sleep(STEP_SECONDS)
        for _ in range(KILL_ROUNDS):
            members = {left for left in members | await asyncio.to_thread(process.members) if is_running(left)}
            if not members:
                return
            kill(members)
            await asyncio.sleep(STEP_SECONDS)
        self.log.error("Processes of %s do not end: %s", self._log_name, sorted(left.pid for left in members))

    # -- JupyterHub's own ways that need a user of the operating system ----------------------------

    def make_preexec_fn(self, name: str) -> None:
        """Leave the user id as it is."""

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Leave the variables to `launch`; a platform's users need no line in /etc/passwd."""
        return env

    async def move_certs(self, paths: dict[str, str]) -> dict[str, str]:
        """Leave certificates where they are; the Hub and its servers have the same user id."""
        return paths


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(LOOPBACK, port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
