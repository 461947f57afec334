"""What differs between the database and the world, pure: pods, the Hub's servers and leases in, differences out."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import ValidationError

from beamtorch_facility.words import Words
from beamtorch_spawner import marks
from beamtorch_spawner.resources import Resources
from beamtorch_spawner.services.ports import ClusterView, HubServer
from beamtorch_spawner.wire import ClusterPod, DifferenceKind, LeaseState

OVER_PHASES = frozenset({"Succeeded", "Failed"})


class Action(StrEnum):
    """What becomes of a difference."""

    ADOPT = "adopt"
    END_LEASE = "end-lease"
    CHANGE = "change"
    END_POD = "end-pod"
    WAIT = "wait"
    FORGET = "forget"
    """It is no orphan any more."""
    LEAVE = "leave"


@dataclass(frozen=True)
class KnownLease:
    """What the database says of a lease."""

    id: str
    username: str
    server: str
    state: LeaseState
    changed_at: datetime
    pod_uid: str | None
    is_waiting: bool


@dataclass(frozen=True)
class Marked:
    """What a pod says of its lease."""

    lease: str
    username: str
    server: str
    resources: Resources
    groups: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """One difference."""

    kind: DifferenceKind
    action: Action
    message: Words
    pod: ClusterPod | None = None
    lease: str | None = None
    username: str | None = None
    server: str | None = None


@dataclass(frozen=True)
class World:
    """Everything that a look brought together."""

    view: ClusterView | None
    """None: labs are processes here, and only the Hub can be asked."""
    servers: tuple[HubServer, ...]
    leases: tuple[KnownLease, ...]
    taken_at: datetime
    """Before any of it was asked; whatever changed later is left alone."""
    orphan_seconds: int
    unheard_seconds: int
    """How long a start may go on without the Hub knowing of it."""

    def is_unheard(self, lease: KnownLease) -> bool:
        """Tell whether nothing was heard of a lease for longer than anything takes."""
        return lease.changed_at + timedelta(seconds=self.unheard_seconds) < self.taken_at

    def hub(self, username: str, server: str) -> HubServer | None:
        """Return a server as the Hub tells it."""
        return next((one for one in self.servers if (one.username, one.server) == (username, server)), None)


def read_marks(pod: ClusterPod) -> Marked | None:
    """Return what a pod says of its lease, None if it cannot be identified."""
    said = pod.annotations
    lease, username = pod.labels.get(marks.LEASE), said.get(marks.USERNAME)
    if not lease or not username:
        return None
    try:
        resources = Resources.model_validate_json(said.get(marks.RESOURCES, "{}"))
        groups = tuple(str(group) for group in json.loads(said.get(marks.GROUPS, "[]")))
    except (ValidationError, ValueError, TypeError):
        return None
    return Marked(lease, username, said.get(marks.SERVER, ""), resources, groups)


def moment(text: str | None) -> datetime | None:
    """Return a moment that a pod tells, None for what is none."""
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def differences(world: World) -> tuple[Found, ...]:
    """Return every difference and what should become of it; nothing is ever proposed for what cannot be identified."""
    pods = world.view.pods if world.view is not None else ()
    known = {lease.id: lease for lease in world.leases}
    by_pod = [found for pod in pods for found in _of_pod(pod, known, world)]
    return (*by_pod, *_of_leases(world, {pod.labels.get(marks.LEASE): pod for pod in pods}))


def _of_pod(pod: ClusterPod, known: Mapping[str, KnownLease], world: World) -> Iterable[Found]:
    marked = read_marks(pod)
    if marked is None:
        said = Words(
            en=f"The pod {pod.name} does not say whose it is. It is left alone.",
            zh=f"容器 {pod.name} 归属不明，不作处理。",
        )
        yield Found(DifferenceKind.UNKNOWN, Action.LEAVE, said, pod)
        return
    lease = known.get(marked.lease)
    if lease is not None and lease.changed_at > world.taken_at:
        return
    server = world.hub(marked.username, marked.server)
    if pod.phase in OVER_PHASES:
        if lease is not None and lease.state in {LeaseState.STARTING, LeaseState.RUNNING}:
            yield _found(DifferenceKind.STATE, Action.CHANGE, _why_over(pod, marked), pod, marked)
        return
    if pod.deletion_at is not None:
        return
    serves = server is not None and server.pod in {None, pod.name} and (server.ready or server.pending is not None)
    if serves and (lease is None or _was_ended_too_soon(lease, server, world)):
        yield _found(DifferenceKind.POD_WITHOUT_LEASE, Action.ADOPT, _adopted(marked, pod), pod, marked)
    elif serves and marks.ORPHAN_SINCE in pod.annotations:
        said = Words(en=f"The hub knows the pod {pod.name} again.", zh=f"Hub 已重新记录容器 {pod.name}。")
        yield _found(DifferenceKind.STATE, Action.FORGET, said, pod, marked)
    elif not serves and _is_past_waiting(lease, world):
        yield _orphan(pod, marked, world)


def _was_ended_too_soon(lease: KnownLease, server: HubServer | None, world: World) -> bool:
    """Tell whether somebody works on in a lab whose lease is over: it holds what quotas should count."""
    at_work = server is not None and server.ready and server.pending is None
    return at_work and not lease.state.is_active and world.is_unheard(lease)


def _is_past_waiting(lease: KnownLease | None, world: World) -> bool:
    """Tell whether the Hub should know the server of a lease by now, or need not any more."""
    if lease is None or not lease.state.is_active or lease.state is LeaseState.RUNNING:
        return True
    return world.is_unheard(lease)


def _orphan(pod: ClusterPod, marked: Marked, world: World) -> Found:
    since = moment(pod.annotations.get(marks.ORPHAN_SINCE)) or world.taken_at
    age = (world.taken_at - since).total_seconds()
    if age < world.orphan_seconds:
        left = round(world.orphan_seconds - age)
        said = Words(
            en=f"The hub does not know the pod {pod.name} of {marked.username}, who cannot use it. If that stays, it "
            f"ends in {left} s.",
            zh=f"Hub 未记录 {marked.username} 的容器 {pod.name}，用户无法使用；若持续如此，将在 {left} 秒后结束。",
        )
        return _found(DifferenceKind.ORPHAN, Action.WAIT, said, pod, marked)
    said = Words(
        en=f"The hub does not know the pod {pod.name} of {marked.username}, and nobody could use it any more. It ends.",
        zh=f"Hub 未记录 {marked.username} 的容器 {pod.name}，已无法使用，故已结束。",
    )
    return _found(DifferenceKind.ORPHAN, Action.END_POD, said, pod, marked)


def _of_leases(world: World, pods: Mapping[str | None, ClusterPod]) -> Iterable[Found]:
    for lease in world.leases:
        if lease.changed_at > world.taken_at or lease.is_waiting or not lease.state.is_active or lease.id in pods:
            continue
        server = world.hub(lease.username, lease.server)
        at_work = server is not None and (server.ready or server.pending is not None)
        is_old = world.is_unheard(lease)
        if lease.state in {LeaseState.RUNNING, LeaseState.STOPPING}:
            # With a cluster a lease without its pod is over; the Hub hears of it by its own look.
            is_over = not at_work if world.view is None else (not at_work or lease.pod_uid is not None)
        else:
            is_over = is_old and not at_work
        if is_over:
            called = lease.server or "default"
            said = Words(
                en=f"The server “{called}” of {lease.username} is gone, and nobody had said so.",
                zh=f"{lease.username} 的服务器“{called}”已不存在，但此前未被记录。",
            )
            yield Found(
                DifferenceKind.LEASE_WITHOUT_POD,
                Action.END_LEASE,
                said,
                lease=lease.id,
                username=lease.username,
                server=lease.server,
            )


def _found(kind: DifferenceKind, action: Action, said: Words, pod: ClusterPod, marked: Marked) -> Found:
    return Found(kind, action, said, pod, lease=marked.lease, username=marked.username, server=marked.server)


def _adopted(marked: Marked, pod: ClusterPod) -> Words:
    return Words(
        en=f"The pod {pod.name} of {marked.username} runs, and the database had lost it. Its labels tell all.",
        zh=f"{marked.username} 的容器 {pod.name} 正在运行，但数据库中没有记录；已根据标签恢复。",
    )


def _why_over(pod: ClusterPod, marked: Marked) -> Words:
    match pod.reason:
        case "OOMKilled":
            return Words(
                en="The server used more memory than it had and was ended by the cluster. Choose more memory.",
                zh="服务器内存超限，已被集群结束。请选择更大的内存。",
            )
        case "DeadlineExceeded":
            return Words(en="The server reached its latest end.", zh="服务器已到最迟结束时间。")
        case "Evicted":
            return Words(
                en="The machine ran short of room and the cluster ended the server. Start it again.",
                zh="机器资源不足，集群结束了该服务器。请重新启动。",
            )
    why = f" ({pod.reason})" if pod.reason else ""
    return Words(
        en=f"The pod {pod.name} of {marked.username} has ended{why}.",
        zh=f"{marked.username} 的容器 {pod.name} 已退出{why}。",
    )
