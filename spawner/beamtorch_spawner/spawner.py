"""TorchSpawner: labs and apps as pods of a Kubernetes, started when the spawner service admits them.

It stays thin: the service decides, `pod` says what the pod looks like, KubeSpawner makes it. Added is what a hub in
daily use needs: nothing of an earlier start is used again, refusals of the cluster are readable within seconds, a view
of the cluster that died is replaced, and “stopped” is said only of what is known to be.
"""

import asyncio
import copy
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from kubernetes_asyncio.client.rest import ApiException
from kubespawner import KubeSpawner
from traitlets import Enum, Float, Unicode, default

from beamtorch_facility.errors import BeamtorchError
from beamtorch_spawner import marks
from beamtorch_spawner.admitted import AdmittedSpawner
from beamtorch_spawner.lab_words import ASKING, STARTING
from beamtorch_spawner.pod import PodFields, pod_fields
from beamtorch_spawner.pod_groups import MERGE, STRICT, demand_strict_groups, once_declared, take_identity
from beamtorch_spawner.pod_trouble import refused_by_cluster, trouble
from beamtorch_spawner.pod_watch import WatchedPodReflector, finished_at
from beamtorch_spawner.refusals import refusal, shown
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.wire import Grant, LeaseState

STEP_SECONDS = 0.3
NOT_RESET = frozenset({"options_form", "spawner_url", "spawner_token"})


class TorchSpawner(AdmittedSpawner, KubeSpawner):
    """Starts what the spawner service grants, as a pod."""

    extra_labels: Any
    extra_annotations: Any
    extra_pod_config: Any
    environment: Any

    python = Unicode("python3", help="Python in the images of our environments").tag(config=True)
    patience_seconds = Float(
        10.0, help="How long a pod may find no room, or its image not be fetched, before the start is refused"
    ).tag(config=True)
    promised_cores = Float(
        1.0,
        min=0.0,
        max=1.0,
        help="What part of its cores a pod is promised; up to all of them it uses what others leave",
    ).tag(config=True)
    supplemental_groups_policy = Enum(
        [STRICT, MERGE],
        default_value=STRICT,
        help="Strict: a pod has the directory's groups alone, and a cluster that cannot see to that gets no pods. "
        "Merge: groups that an image gives to the person's number are added; whoever makes an image grants them",
    ).tag(config=True)
    unknown_seconds = Float(
        300.0, help="After so long without a look at the cluster a server that cannot be seen is an alarm in the log"
    ).tag(config=True)

    @default("delete_grace_period")
    def _delete_grace_period_default(self) -> int:
        # Kernels get the time to write what they hold.
        return 30

    @default("k8s_api_request_timeout")
    def _k8s_api_request_timeout_default(self) -> int:
        # With a hundred starts at once a request waits its turn. Given up after KubeSpawner's 3 s it would only be made
        # again, and after 30 s of that the starts would fail.
        return 30

    @default("k8s_api_request_retry_timeout")
    def _k8s_api_request_retry_timeout_default(self) -> int:
        return 180

    @default("poll_interval")
    def _poll_interval_default(self) -> int:
        return 10

    def __init__(self, *args: Any, **traits: Any) -> None:
        self._grant: Grant | None = None
        self._is_found = False
        self._unseen_since: float | None = None
        super().__init__(*args, **traits)
        self._configured = {
            name: copy.copy(getattr(self, name)) for name in self.trait_names(config=True) if name not in NOT_RESET
        }

    # -- what JupyterHub keeps for us over a restart ----------------------------------------------

    def get_state(self) -> dict[str, Any]:
        """Return what finds the pod and its lease again."""
        state: dict[str, Any] = super().get_state()
        if self._lease:
            state["lease"] = self._lease
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Find the pod and its lease again."""
        super().load_state(state)
        self._lease = str(state.get("lease", ""))
        self._is_found = bool(self._lease)

    def clear_state(self) -> None:
        """Forget the pod, and whatever an earlier start or its options changed.

        JupyterHub calls this first at each start, before hooks and group overrides, and it uses one object again.
        """
        super().clear_state()
        self._grant, self._lease, self._is_found = None, "", False
        for name, value in self._configured.items():
            if getattr(self, name) != value:
                setattr(self, name, copy.copy(value))

    # -- start ------------------------------------------------------------------------------------

    def start(self) -> "asyncio.Future[str]":
        """Ask for admission and start what is granted."""
        self._step, self._grant = ASKING, None
        self._start_future = self.in_its_own_time(self._admitted_start())
        return self._start_future

    async def _admitted_start(self) -> str:
        try:
            await self.load_user_options()
            await self.checkpoint("asking")
            grant = await self.admission(own=self._own_resources())
            await self.checkpoint("granted")
            self._apply(pod_fields(grant, python=self.python))
            self._grant, self._step = grant, STARTING
            self._reports.tell(grant.lease, LeaseState.STARTING, pod=self.pod_name)
            return await self._begin(grant)
        except BeamtorchError as error:
            raise refusal(error, self) from error

    async def _begin(self, grant: Grant) -> str:
        try:
            url = await self._start_or_say_why()
        except BeamtorchError as error:
            self._lease = ""
            self._reports.tell(grant.lease, LeaseState.FAILED, error.detail)
            await super().stop(now=True)
            raise
        await self.checkpoint("running")
        self._report_running(grant.lease)
        await self.checkpoint("reported")
        return url

    def _report_running(self, lease: str) -> None:
        told = (self._pod() or {}).get("metadata", {})
        self._reports.tell(
            lease,
            LeaseState.RUNNING,
            pod=self.pod_name,
            pod_uid=told.get("uid"),
            at=_moment(told.get("creationTimestamp")),
        )

    async def _start_or_say_why(self) -> str:
        """Start the pod, and stop waiting for it as soon as the cluster says that it will not come."""
        starting = asyncio.ensure_future(super()._start())
        looking = asyncio.ensure_future(self._raise_trouble())
        try:
            await asyncio.wait({starting, looking}, return_when=asyncio.FIRST_COMPLETED)
            if looking.done() and not starting.done():
                looking.result()
            return str(await starting)
        except ApiException as error:
            raise refused_by_cluster(error.status or 0, str(error.body or error.reason or "")) from error
        finally:
            for task in (starting, looking):
                task.cancel()
            await asyncio.gather(starting, looking, return_exceptions=True)

    async def _raise_trouble(self) -> None:
        since: float | None = None
        while True:
            await asyncio.sleep(STEP_SECONDS)
            pod = self._pod()
            found = trouble(pod, lambda: self.events) if pod is not None and self._is_ours(pod) else None
            if found is None:
                since = None
                continue
            since = since or time.monotonic()
            if not found.may_pass or time.monotonic() - since >= self.patience_seconds:
                raise found.error

    def _own_resources(self) -> Resources:
        """Return what the Hub's own configuration would start, profile and hooks included."""
        extended = {name: int(float(count)) for name, count in (self.extra_resource_limits or {}).items()}
        return Resources(
            cores=self.cpu_limit or self.cpu_guarantee or 0,
            memory=int(self.mem_limit or self.mem_guarantee or 0),
            extended=extended,
        )

    def _apply(self, fields: PodFields) -> None:
        # KubeSpawner reads braces in these as templates, and people's own words may contain some.
        self.extra_labels = {**self.extra_labels, **_verbatim(fields.labels)}
        self.extra_annotations = {**self.extra_annotations, **_verbatim(fields.annotations)}
        self.extra_pod_config = {**self.extra_pod_config, **fields.pod_config}
        # What the Hub's own configuration sets knows the place better than a grant does.
        self.environment = {**_verbatim(fields.environment), **self.environment}
        said = {
            "image": fields.image,
            "cmd": fields.command,
            "args": fields.arguments,
            "default_url": fields.default_url,
            "cpu_limit": fields.cores,
            "cpu_guarantee": fields.cores and fields.cores * self.promised_cores,
            "mem_limit": fields.memory,
            "mem_guarantee": fields.memory,
            "extra_resource_limits": fields.extended,
            "extra_resource_guarantees": fields.extended,
            "working_dir": fields.working_dir,
        }
        for name, value in said.items():
            if value is not None:
                setattr(self, name, value)
        if fields.identity is not None:
            take_identity(self, fields.identity, self.supplemental_groups_policy)

    async def _make_create_pod_request(self, pod: Any, request_timeout: float) -> bool:
        """Create the pod; one that is there already and has our lease was made by a request that seemed to time out."""
        existing = await self._read_pod()
        if existing is not None and existing["metadata"].get("labels", {}).get(marks.LEASE) == self._lease:
            return True
        if self.supplemental_groups_policy == STRICT and self._grant is not None and self._grant.identification:
            await demand_strict_groups(self, pod)
        make = super()._make_create_pod_request
        made = bool(await once_declared(lambda: make(pod, request_timeout)))
        await self.checkpoint("pod-made")
        return made

    async def end_stray(self, lease: str) -> None:
        """End a pod of this server that the Hub does not know of; a start ends it by its name, too."""
        pod = await self._read_pod()
        if pod is not None:
            self.log.warning("Ending a stray pod %s of lease %s", self.pod_name, lease)
            await super().stop(now=True)

    async def checkpoint(self, name: str) -> None:
        """Pass a step of a start; tests of what a crash leaves behind do something here."""

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Tell the page that waits what is going on: first the admission, then what the cluster says."""
        told = None
        while self._grant is None and not self._start_future.done():
            if (step := self._step) is not told:
                told = step
                yield {"progress": 5, "message": step.en, "html_message": shown(step)}
            await asyncio.sleep(STEP_SECONDS)
        async for event in super().progress():
            yield event

    # -- while it runs, and its end ---------------------------------------------------------------

    async def _start_watching_pods(self, replace: bool = False) -> Any:  # noqa: FBT001, FBT002 - KubeSpawner's signature
        """Look at the pods; a view that no longer follows the cluster is replaced."""
        current = self.pod_reflector
        if isinstance(current, WatchedPodReflector) and current.first_load_future.done() and not current.is_fresh:
            self.log.error("The view of the pods in %s is %.0f s old; starting a new one", self.namespace, current.age)
            replace = True
        return await self._start_reflector(
            kind="pods",
            reflector_class=WatchedPodReflector,
            labels={"component": self.component_label},
            omit_namespace=self.enable_user_namespaces,
            replace=replace,
        )

    async def poll(self) -> int | None:
        """Return None while the pod runs or nothing can be known about it, else its exit code."""
        try:
            code = await super().poll()
            if code is not None and self._pod() is None and await self._read_pod() is not None:
                # Not in the view, but in the cluster: the view will follow.
                code = None
        except Exception:  # noqa: BLE001 - whatever it is, it does not tell that the pod has ended
            self._unseen_since = self._unseen_since or time.monotonic()
            unseen = time.monotonic() - self._unseen_since
            level = self.log.critical if unseen > self.unknown_seconds else self.log.warning
            level("%s cannot be looked at since %.0f s; taken to run", self.pod_name, unseen, exc_info=True)
            return None
        self._unseen_since = None
        if code is None:
            self._take_over_found()
        if code is not None and self._lease:
            self._reports.tell(self._lease, LeaseState.FAILED if code else LeaseState.ENDED, at=self._ended_at())
            self._lease = ""
        return int(code) if code is not None else None

    def _take_over_found(self) -> None:
        """Report a pod whose start the Hub did not live to finish: it knows the server again, the pod says which."""
        pod = self._pod()
        if self._lease or pod is None or not self.is_pod_running(pod):
            return
        if self._start_future is not None and not self._start_future.done():
            return
        self._lease = str(pod["metadata"].get("labels", {}).get(marks.LEASE, ""))
        self._is_found = bool(self._lease)
        if self._is_found:
            self._report_running(self._lease)

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002 - JupyterHub's signature
        """End the pod and wait until it is gone: before that it still holds what others want."""
        lease, started = self._lease, self._grant is not None or self._is_found
        if lease and not started:
            self.give_up_lease()
        elif lease:
            self._reports.tell(lease, LeaseState.STOPPING)
        await super().stop(now=now)
        if lease and started:
            self._reports.tell(lease, LeaseState.ENDED, at=self._ended_at())
            self._lease = ""

    def _pod(self) -> dict[str, Any] | None:
        reflector = self.pod_reflector
        return reflector.pods.get(f"{self.namespace}/{self.pod_name}") if reflector is not None else None

    def _ended_at(self) -> datetime | None:
        """Return when the pod ended, by the cluster's word, which comes before ours by the time it takes to notice."""
        reflector = self.pod_reflector
        seen = reflector.ends.pop(f"{self.namespace}/{self.pod_name}", None) if reflector is not None else None
        return finished_at(self._pod() or {}) or seen

    def _is_ours(self, pod: dict[str, Any]) -> bool:
        return bool(pod["metadata"].get("labels", {}).get(marks.LEASE) == self._lease)

    async def _read_pod(self) -> dict[str, Any] | None:
        """Ask the cluster itself for the pod."""
        try:
            pod = await asyncio.wait_for(
                self.api.read_namespaced_pod(self.pod_name, self.namespace), self.k8s_api_request_timeout
            )
        except ApiException as error:
            if error.status == 404:  # noqa: PLR2004 - not found
                return None
            raise
        found: dict[str, Any] = self.api.api_client.sanitize_for_serialization(pod)
        return found


def _verbatim(words: Mapping[str, str]) -> dict[str, str]:
    """Return texts that KubeSpawner, which takes every text for a template, leaves as they are."""
    return {name: value.replace("{", "{{").replace("}", "}}") for name, value in words.items()}


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
