"""Bringing the database in line with the cluster and the Hub; what nobody can use any more is ended, with a record."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_spawner import marks
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.differences import Action, Found, KnownLease, World, differences, moment, read_marks
from beamtorch_spawner.services.ports import Cluster, ClusterUnreachableError, ClusterView, HubApi
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import ClusterPod, Difference, LeaseState, Reconciliation

log = logging.getLogger(__name__)
ACTOR = "reconciler"
ORPHAN_GRACE_SECONDS = 30
RECENT = timedelta(days=1)


class ClusterAwayError(SpawnerError):
    """The cluster cannot be looked at."""

    code = "cluster-unreachable"
    status = 503
    title = Words(en="The cluster does not answer", zh="集群无响应")


class Reconciler:
    """Looks, compares, and acts."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        hub: HubApi,
        cluster: Cluster | None,
        policy: Callable[[], Policy],
    ) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub
        self._cluster = cluster
        self._policy = policy

    async def tick(self) -> None:
        """Look once and put right what is wrong, orphans included."""
        await self.run(dry_run=False, ends_pods=True)

    async def run(self, *, dry_run: bool, ends_pods: bool) -> Reconciliation:
        """Return what differed, after putting it right unless it is only to be shown.

        Raises
        ------
        ClusterAwayError
            If the cluster does not answer: nothing is concluded from that.
        HubUnreachableError
            If the Hub does not answer: likewise.
        """
        taken_at = self._clock.now()
        servers = await self._hub.servers()
        view = await self._view()
        leases = await run_in_threadpool(self._leases, taken_at)
        policy = self._policy()
        world = World(view, servers, leases, taken_at, policy.orphan_seconds, policy.unheard_seconds)
        found = differences(world)
        if not dry_run:
            await self._put_right(found, ends_pods=ends_pods)
            await run_in_threadpool(self._note_lives, view)
            await self._mark_ends(view)
        return Reconciliation(
            dry_run=dry_run,
            taken_at=taken_at,
            pods=len(view.pods) if view is not None else 0,
            leases=sum(1 for lease in leases if lease.state.is_active),
            differences=tuple(_told(one) for one in found),
        )

    async def _view(self) -> ClusterView | None:
        if self._cluster is None:
            return None
        try:
            return await self._cluster.view()
        except ClusterUnreachableError as error:
            raise ClusterAwayError(
                Words(
                    en=f"The cluster does not answer ({error}). Nothing was changed; running labs go on.",
                    zh=f"集群无响应（{error}）。未作任何更改，正在运行的实验室不受影响。",
                )
            ) from error

    def _leases(self, now: datetime) -> tuple[KnownLease, ...]:
        with self._database.reading() as stores:
            # Those that ended lately, too: a pod of one is an orphan, and not somebody's without a lease.
            rows = {row.id: row for row in (*stores.leases.active(), *stores.leases.ended_since(now - RECENT))}
            return tuple(
                KnownLease(
                    id=row.id,
                    username=row.username,
                    server=row.server,
                    state=row.lease_state,
                    changed_at=row.changed_at,
                    pod_uid=row.pod_uid,
                    is_waiting=row.awaits is not None,
                )
                for row in rows.values()
            )

    async def _put_right(self, found: tuple[Found, ...], *, ends_pods: bool) -> None:
        for one in found:
            try:
                match one.action:
                    case Action.ADOPT:
                        await run_in_threadpool(self._adopt, one)
                    case Action.END_LEASE | Action.CHANGE:
                        await self._end_lease(one)
                    case Action.END_POD if ends_pods:
                        await self._end_pod(one)
                    case Action.WAIT | Action.FORGET:
                        await self._remember(one)
            except (BeamtorchError, ClusterUnreachableError) as error:
                log.warning("%s: %s", one.message.en, error)

    def _adopt(self, one: Found) -> None:
        pod, now = one.pod, self._clock.now()
        marked = read_marks(pod) if pod is not None else None
        if pod is None or marked is None:
            return
        with self._database.admitting() as stores:
            row = stores.leases.find(marked.lease)
            if stores.leases.holder(marked.username, marked.server) is not None:
                return
            row = _rebuilt(stores, pod, now) if row is None else _revived(stores, row, now)
            stores.audit.of_lease(row, "adopted", actor=ACTOR, at=now, detail=one.message)

    async def _end_lease(self, one: Found) -> None:
        failed = one.action is Action.CHANGE
        if await run_in_threadpool(self._over, one, failed=failed) and failed:
            # The Hub gives the address of the server free as soon as it knows.
            await self._hub.stop(one.username or "", one.server or "")

    def _over(self, one: Found, *, failed: bool) -> bool:
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.get(one.lease or "")
            if not row.lease_state.is_active:
                return False
            if row.held_from is not None:
                at = one.pod.ended_at if one.pod is not None and one.pod.ended_at is not None else now
                row.held_until = max(min(at, now), row.held_from)
            state = LeaseState.FAILED if failed else LeaseState.ENDED
            stores.leases.change(row, state, actor=ACTOR, at=now, reason=one.message)
            return True

    async def _remember(self, one: Found) -> None:
        """Write on a pod since when nobody can use it: that outlives this process, and other replicas read it."""
        if one.pod is None or self._cluster is None:
            return
        is_noted = marks.ORPHAN_SINCE in one.pod.annotations
        if one.action is Action.FORGET:
            await self._cluster.annotate(one.pod.name, {marks.ORPHAN_SINCE: None})
        elif not is_noted:
            await self._cluster.annotate(one.pod.name, {marks.ORPHAN_SINCE: self._clock.now().isoformat()})

    async def _end_pod(self, one: Found) -> None:
        pod = one.pod
        if pod is None or self._cluster is None:
            return
        if await self._cluster.end(pod.name, pod.uid, grace_seconds=ORPHAN_GRACE_SECONDS):
            await run_in_threadpool(self._record_orphan, one)

    def _record_orphan(self, one: Found) -> None:
        now = self._clock.now()
        with self._database.transaction() as stores:
            row = stores.leases.find(one.lease or "")
            if row is None:
                stores.audit.of_facility("orphan-ended", actor=ACTOR, at=now, detail=one.message)
                return
            stores.audit.of_lease(row, "orphan-ended", actor=ACTOR, at=now, detail=one.message)
            if row.lease_state.is_active:
                stores.leases.change(row, LeaseState.FAILED, actor=ACTOR, at=now, reason=one.message)

    def _note_lives(self, view: ClusterView | None) -> None:
        """Write down what only the cluster knows: from when a pod really held its resources."""
        if view is None:
            return
        by_lease = {pod.labels.get(marks.LEASE): pod for pod in view.pods}
        with self._database.transaction() as stores:
            for row in stores.leases.active():
                pod = by_lease.get(row.id)
                if pod is not None and row.pod_uid is None:
                    row.pod, row.pod_uid, row.held_from = pod.name, pod.uid, row.held_from or pod.created_at

    async def _mark_ends(self, view: ClusterView | None) -> None:
        """Keep the end that a pod tells what the database says, so that an empty database can be rebuilt from it."""
        if view is None or self._cluster is None:
            return
        ends = await run_in_threadpool(self._ends)
        for pod in view.pods:
            end = ends.get(pod.labels.get(marks.LEASE, ""))
            if end is not None and pod.annotations.get(marks.EXPIRES_AT) != end:
                await self._cluster.annotate(pod.name, {marks.EXPIRES_AT: end})

    def _ends(self) -> dict[str, str]:
        with self._database.reading() as stores:
            return {row.id: row.expires_at.isoformat() for row in stores.leases.active() if row.expires_at}


def _rebuilt(stores: Stores, pod: ClusterPod, now: datetime) -> LeaseRow:
    """Add the lease that a running pod tells of."""
    said, marked = pod.annotations, read_marks(pod)
    assert marked is not None  # noqa: S101 - whoever adopts has looked
    row = stores.leases.add(
        username=marked.username,
        server=marked.server,
        user_options={},
        source_ip=said.get(marks.SOURCE_IP),
        state=LeaseState.RUNNING,
        at=moment(said.get(marks.REQUESTED_AT)) or pod.created_at,
        lease=marked.lease,
    )
    row.pod, row.pod_uid = pod.name, pod.uid
    row.environment, row.description = said.get(marks.ENVIRONMENT), said.get(marks.DESCRIPTION)
    row.cores, row.memory = marked.resources.cores, marked.resources.memory
    row.extended, row.groups = dict(marked.resources.extended), list(marked.groups)
    row.terminal, row.beamline = said.get(marks.TERMINAL), said.get(marks.BEAMLINE)
    if row.terminal is not None and stores.leases.at_terminal(row.terminal)[0] is not None:
        row.terminal = None
    row.held_from = row.running_at = pod.started_at or pod.created_at
    run, ceiling = _seconds(said.get(marks.RUN_SECONDS)), _seconds(said.get(marks.CEILING_SECONDS))
    row.run_seconds = run
    row.latest_end = row.running_at + timedelta(seconds=ceiling) if ceiling else None
    row.expires_at = moment(said.get(marks.EXPIRES_AT)) or (row.running_at + timedelta(seconds=run) if run else None)
    row.changed_at = now
    # The audit refers to it.
    stores.session.flush()
    return row


def _revived(stores: Stores, row: LeaseRow, now: datetime) -> LeaseRow:
    """Let a lease run on that was taken to be over."""
    row.state, row.ended_at, row.held_until, row.changed_at = LeaseState.RUNNING.value, None, None, now
    if row.terminal is not None and stores.leases.at_terminal(row.terminal)[0] is not None:
        row.terminal = None
    row.awaits = None
    stores.session.flush()
    return row


def _seconds(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004 - 30 years


def _told(one: Found) -> Difference:
    return Difference(
        kind=one.kind,
        pod=one.pod.name if one.pod else None,
        lease=one.lease,
        username=one.username,
        server=one.server,
        action=one.action.value,
        message=one.message,
    )
