"""Four GPUs for five people, and leases that end when they say: real pods, measured by the cluster's own times."""

import time
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.platform]

GPU = "nvidia.com/gpu"
PEOPLE = ("marsh", "qiao", "ruiz", "chen", "novak")
ON_GPU = {
    "id": "gpu",
    "kind": "lab",
    "name": {"en": "JupyterLab with a GPU", "zh": "JupyterLab（GPU）"},
    "summary": {"en": "One GPU.", "zh": "一块 GPU。"},
    "server": "gpu",
    "cores": 0.2,
    "memory": "512M",
    "extra_resource": {GPU: 1},
}
HELD_SECONDS = 110
"""The cluster tells whole seconds: so long have lives to be that one per cent can be seen."""


@pytest.fixture
def four_gpus(cluster_platform):
    """A facility that has four GPUs to give, and offers them one by one."""
    cluster_platform.offer(ON_GPU)
    quota = {"scope": "facility", "subject": "", "resource": GPU, "limit": 4}
    answer = cluster_platform.spawner("novak", "PUT", "quotas", json=quota)
    assert answer.status_code == 200, answer.text
    yield cluster_platform
    for user in PEOPLE:
        if cluster_platform.model(user, "gpu"):
            cluster_platform.stop(user, "gpu")
    cluster_platform.spawner("novak", "DELETE", "quotas", params={"scope": "facility", "resource": GPU})


def gpu_seconds(platform, user):
    rows = platform.spawner("novak", "GET", "usage", params={"username": user}).json()
    return sum(row["gpu_hours"] for row in rows) * 3600


def when(text):
    return datetime.fromisoformat(text)


def _told_to_go(metadata):
    return metadata.deletion_timestamp - timedelta(seconds=metadata.deletion_grace_period_seconds)


def test_four_people_get_a_gpu_each_the_fifth_is_told_when_and_the_report_is_exact(four_gpus, pod_lives):
    platform = four_gpus
    with pod_lives() as lives:
        for user in PEOPLE[:4]:
            answer = platform.start(user, "gpu", environment="gpu")
            assert answer.status_code in {201, 202}, answer.text
        for user in PEOPLE[:4]:
            platform.ready(user, "gpu")
        began = time.monotonic()

        refused = platform.start("novak", "gpu", environment="gpu")
        assert refused.status_code == 403, refused.text
        said = refused.json()["message"]
        assert "4 of 4 GPUs" in said
        assert "The next one is free" in said
        assert not platform.model("novak", "gpu")

        platform.stop("ruiz", "gpu")
        assert platform.start("novak", "gpu", environment="gpu").status_code in {201, 202}
        platform.ready("novak", "gpu")

        left = HELD_SECONDS - (time.monotonic() - began)
        platform.wait(lambda: time.monotonic() - began > HELD_SECONDS, max(left, 0) + 10)
        for user in ("marsh", "qiao", "chen", "novak"):
            platform.stop(user, "gpu")
        platform.wait(lambda: not platform.kubernetes.pods())
        platform.wait(lambda: all(platform.newest(user, "gpu")["state"] == "ended" for user in PEOPLE))
    long = ("marsh", "qiao", "chen")
    for user in long:
        assert gpu_seconds(platform, user) == pytest.approx(lives.seconds(user), rel=0.01), user
    total = sum(gpu_seconds(platform, user) for user in PEOPLE)
    assert total == pytest.approx(sum(map(lives.seconds, PEOPLE)), rel=0.01)


@pytest.fixture
def small_labs(cluster_platform):
    """A platform with small labs, and none of these people's left when the test is over."""
    cluster_platform.offer()
    yield cluster_platform
    for user in ("qiao", "chen"):
        if cluster_platform.model(user):
            cluster_platform.stop(user)


def test_a_lease_ends_on_time_and_an_extended_one_does_not(small_labs):
    platform = small_labs
    for user in ("qiao", "chen"):
        body = {"username": user, "expireruntime": 60}
        answer = platform.spawner(user, "POST", "userpod/", json=body)
        assert answer.status_code in {200, 201, 202}, answer.text
    for user in ("qiao", "chen"):
        platform.ready(user)
    platform.wait(lambda: all(platform.newest(user)["expires_at"] for user in ("qiao", "chen")))
    ends = when(platform.newest("qiao")["expires_at"])
    longer = platform.spawner("chen", "POST", f"leases/{platform.newest('chen')['id']}/extend", json={"seconds": 600})
    assert longer.status_code == 200, longer.text
    # A restart in between changes nothing.
    assert platform.run("restart", "spawner").returncode == 0

    pod = platform.kubernetes.pod_of("qiao").metadata.name
    told_to_go = None

    def is_ending():
        nonlocal told_to_go
        found = [one for one in platform.kubernetes.pods() if one.metadata.name == pod]
        if found and found[0].metadata.deletion_timestamp is None:
            return False
        # The cluster's own time, so that what this test is late to see does not count.
        told_to_go = _told_to_go(found[0].metadata) if found else datetime.now(UTC)
        return True

    assert not is_ending()
    platform.wait(is_ending, (ends - datetime.now(UTC)).total_seconds() + 20)
    late = (told_to_go - ends).total_seconds()
    assert abs(late) <= 2, f"{late:+.1f} s"
    platform.wait(lambda: platform.newest("qiao")["state"] == "ended")
    assert platform.newest("chen")["state"] == "running"
    assert platform.model("chen")["ready"]
