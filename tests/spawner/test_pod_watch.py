"""The view of the pods knows how old it is, whether it still follows the cluster, and when each pod ended."""

import time
from datetime import UTC, datetime
from typing import Any

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
