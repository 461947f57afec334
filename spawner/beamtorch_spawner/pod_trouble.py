"""Why a pod will not come to run, pure: what Kubernetes says about it, in a sentence for the person who waits."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.spoken import resource_name

_INSUFFICIENT = re.compile(r"Insufficient ([\w./-]+)")
_IMAGE = frozenset({"ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ErrImagePull"})
_CONTAINER = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"})
_KUBERNETES_NAMES = {"cpu": "cores", "memory": "memory"}
_SHOWN = 200


class NoCapacityError(SpawnerError):
    """No node has room."""

    code = "no-capacity"
    status = 409
    title = Words(en="The cluster has no room for this now", zh="集群暂无空闲资源")


class ImageUnusableError(SpawnerError):
    """An image that cannot be fetched."""

    code = "image-unusable"
    status = 422
    title = Words(en="The image cannot be fetched", zh="无法获取镜像")


class PodFailedError(SpawnerError):
    """A pod that cannot run, or ended before it was ready."""

    code = "pod-failed"
    status = 500
    title = Words(en="The server could not start", zh="服务器无法启动")


class PodRefusedError(SpawnerError):
    """The cluster refuses to make the pod."""

    code = "pod-refused"
    status = 409
    title = Words(en="The cluster refused the server", zh="集群拒绝创建服务器")


@dataclass(frozen=True)
class Trouble:
    """What stands in a pod's way, and whether it may still go away by itself."""

    error: SpawnerError
    may_pass: bool


def trouble(pod: Mapping[str, Any], events: Callable[[], Iterable[Mapping[str, Any]]] = lambda: ()) -> Trouble | None:
    """Return what stands in a pod's way, or None.

    Parameters
    ----------
    pod
        The pod as the API gives it.
    events
        Gives its events, which are many to go through; a cluster that is being enlarged for it says so in them.
    """
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        if (found := _container(container)) is not None:
            return found
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            is_growing = any(event.get("reason") == "TriggeredScaleUp" for event in events())
            return None if is_growing else Trouble(_no_room(str(condition.get("message") or "")), may_pass=True)
    if status.get("phase") == "Failed":
        why = str(status.get("message") or status.get("reason") or "")[:_SHOWN]
        return Trouble(_failed(why), may_pass=False)
    return None


def _container(container: Mapping[str, Any]) -> Trouble | None:
    state = container.get("state") or {}
    waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")[:_SHOWN]
    if reason in _IMAGE:
        image = str(container.get("image") or "")
        error = ImageUnusableError(
            Words(
                en=f"The image “{image}” cannot be fetched ({reason}: {message}). Check its name.",
                zh=f"无法获取镜像“{image}”（{reason}：{message}）。请检查名称，或告知设施人员。",
            ),
            image=image,
        )
        # A first failure may be the network's; after it the kubelet backs off and says so.
        return Trouble(error, may_pass=reason == "ErrImagePull" and "not found" not in message)
    if reason in _CONTAINER:
        return Trouble(_failed(f"{reason}: {message}"), may_pass=False)
    if ended and ended.get("exitCode") is not None and container.get("name") == "notebook":
        what = str(ended.get("reason") or "")
        if what == "OOMKilled":
            return Trouble(_out_of_memory(), may_pass=False)
        return Trouble(_failed(f"exit code {ended['exitCode']} {what}".strip()), may_pass=False)
    return None


def _no_room(message: str) -> NoCapacityError:
    lacking = [_KUBERNETES_NAMES.get(name, name) for name in _INSUFFICIENT.findall(message.replace(". ", " "))]
    if not lacking:
        return NoCapacityError(
            Words(
                en=f"No machine of the cluster takes this server: {message[:_SHOWN]} Try again later.",
                zh=f"集群中没有机器可运行此服务器：{message[:_SHOWN]} 请稍后重试，或联系设施人员。",
            )
        )
    name = lacking[0].rstrip(".,")
    what = resource_name(name)
    return NoCapacityError(
        Words(
            en=f"All {what.en} of the cluster that fit are in use now. Try again when somebody stops, or ask for less.",
            zh=f"集群中合适的{what.zh}均在使用中。请在有人停止后重试，或减少申请量。",
        ),
        resource=name,
    )


def _failed(why: str) -> PodFailedError:
    return PodFailedError(
        Words(
            en=f"The server ended before it could be used ({why}). Start again; if it stays, tell the facility.",
            zh=f"服务器在可用前已退出（{why}）。请重新启动；若仍失败，请告知设施人员。",
        )
    )


def _out_of_memory() -> PodFailedError:
    return PodFailedError(
        Words(
            en="The server ran out of memory while it started. Choose more memory.",
            zh="服务器启动时内存不足。请选择更大的内存。",
        )
    )


def refused_by_cluster(status: int, body: str) -> PodRefusedError:
    """Return the error for a pod that the cluster would not make; ``body`` is its answer, a Status object or a text."""
    said = body
    with suppress(ValueError, AttributeError):
        said = str(json.loads(body).get("message") or body)
    said = said.rpartition("denied request: ")[2][:_SHOWN]
    return PodRefusedError(
        Words(
            en=f"The cluster refused the server (HTTP {status}: {said}). The facility has to look at it.",
            zh=f"集群拒绝创建服务器（HTTP {status}：{said}）。请联系设施人员。",
        )
    )
