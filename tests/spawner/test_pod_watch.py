"""The view of the pods knows how old it is, whether it still follows the cluster, and when each pod ended."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Self

from kubernetes_asyncio.client import ApiException

from beamtorch_spawner import pod_watch
from beamtorch_spawner.pod_watch import STALE_SECONDS, PodsInView, WatchedPodReflector, finished_at


class Task:
    def __init__(self, *, is_over: bool) -> None:
        self._is_over = is_over

    def done(self):
        return self._is_over


def view(*, age, is_over=False):
    """Return a view without a cluster behind it."""
    made = WatchedPodReflector.__new__(WatchedPodReflector)
    vars(made).update(watch_task=Task(is_over=is_over), read_at=time.monotonic() - age)
    return made


def test_a_view_that_reads_is_believed_and_one_that_stopped_is_not():
    assert view(age=1).is_fresh
    assert not view(age=STALE_SECONDS + 1).is_fresh
    assert not view(age=1, is_over=True).is_fresh
    assert STALE_SECONDS < 60, "a dead view is to be noticed within a minute"


def ended(*moments: Any):
    states = [{"state": {"terminated": {"finishedAt": at}} if at else {"running": {}}} for at in moments]
    return {"status": {"containerStatuses": states}}


def test_a_pod_ended_when_its_last_container_did():
    assert finished_at(ended("2026-11-21T10:00:00Z", "2026-11-21T10:00:05Z")) == datetime(
        2026, 11, 21, 10, 0, 5, tzinfo=UTC
    )
    assert finished_at(ended("2026-11-21T10:00:00Z", None)) is None
    assert finished_at({}) is None


def test_of_a_pod_that_went_its_end_is_kept_until_another_takes_its_name():
    ends = {}
    pods = PodsInView({"ns/a": ended("2026-11-21T10:00:00Z")}, ends)
    pods.pop("ns/a")
    assert ends == {"ns/a": datetime(2026, 11, 21, 10, tzinfo=UTC)}
    pods["ns/a"] = {}
    assert ends == {}


def test_a_pod_that_went_while_nobody_watched_is_missed_when_all_are_read_again():
    ends = {"ns/b": datetime(2026, 11, 21, 9, tzinfo=UTC)}
    before = {"ns/a": ended("2026-11-21T10:00:00Z"), "ns/c": ended(None)}
    seen_at = datetime.now(UTC)
    PodsInView({"ns/b": ended(None)}, ends, before)
    assert ends["ns/a"] == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert seen_at <= ends["ns/c"] <= datetime.now(UTC)
    assert "ns/b" not in ends


class Told:
    """What a cluster tells again of the time since a version."""

    def __init__(self, events: list[dict[str, Any]] | ApiException, asked: list[dict[str, Any]]) -> None:
        self._events, self._asked = events, asked

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def stream(self, _: object, **asked: Any) -> AsyncIterator[dict[str, Any]]:
        self._asked.append(asked)
        if isinstance(self._events, ApiException):
            raise self._events
        for event in self._events:
            yield event


async def test_the_end_of_a_pod_that_went_between_two_looks_is_what_the_cluster_says(monkeypatch):
    of_a = {"metadata": {"namespace": "ns", "name": "a"}, **ended("2026-11-21T10:00:00Z")}
    of_b = {"metadata": {"namespace": "ns", "name": "b"}, **ended(None)}
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(pod_watch.watch, "Watch", lambda: Told([{"raw_object": of_b}, {"raw_object": of_a}], asked))
    watching = view(age=0)
    vars(watching).update(api=SimpleNamespace(list_namespaced_pod=None))
    watching.namespace, watching.label_selector = "ns", "torch"
    found = await watching._ends_since("7", {"ns/a", "ns/b"})
    assert found == {"ns/a": datetime(2026, 11, 21, 10, tzinfo=UTC)}
    assert asked[0]["resource_version"] == "7"
    monkeypatch.setattr(pod_watch.watch, "Watch", lambda: Told(ApiException(status=410, reason="Gone"), asked))
    assert await watching._ends_since("7", {"ns/a"}) == {}
