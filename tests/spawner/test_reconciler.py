"""The database is brought in line with what really runs; what cannot be identified is never touched."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from beamtorch_service.caller import HubUnreachableError
from beamtorch_spawner import marks
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.ports import ClusterView
from beamtorch_spawner.services.reconcile import ClusterAwayError, Reconciler
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.testing.fake_cluster import FakeCluster
from beamtorch_spawner.wire import LeaseState

GPU = "nvidia.com/gpu"


@pytest.fixture
def cluster(desk):
    return FakeCluster(now=desk.clock.now)


@pytest.fixture
def reconciler(desk, cluster):
    desk.policy["orphan_seconds"] = 100
    return make(desk, cluster)


def make(desk, cluster):
    return Reconciler(
        database=desk.database,
        clock=desk.clock,
        hub=desk.hub,
        cluster=cluster,
        policy=lambda: Policy.model_validate(desk.policy),
    )


def pod_of(desk, cluster, lease, **changed: Any):
    """Put the pod into the cluster that a grant asks for."""
    grant = desk.admissions.outcome(lease).grant
    one = desk.leases.one(lease)
    annotations = {**grant.annotations, **changed}
    return cluster.add(f"pod-{one.username}-{one.server}", labels=grant.labels, annotations=annotations)


async def run(reconciler, *, dry_run=False, ends_pods=True):
    return await reconciler.run(dry_run=dry_run, ends_pods=ends_pods)


async def test_an_empty_database_is_rebuilt_from_the_pods(desk, cluster, reconciler):
    lease = desk.run("zhang", "first", cores=4, memory="8G", extra_resource={GPU: 2})
    pod_of(desk, cluster, lease)
    await run(reconciler)
    before = desk.leases.one(lease)
    empty(desk)
    desk.clock.go(10)
    report = await run(reconciler)
    assert [one.action for one in report.differences] == ["adopt"]
    after = desk.leases.one(lease)
    same = ("id", "username", "server", "environment", "resources", "groups", "state", "expires_at", "latest_end")
    assert [getattr(after, name) for name in same] == [getattr(before, name) for name in same]
    desk.limit("facility", GPU, 2)
    with pytest.raises(Exception, match="2 of 2 GPUs"):
        desk.admit("okafor", extra_resource={GPU: 1})
    assert not (await run(reconciler)).differences


def empty(desk):
    with desk.database.transaction() as stores:
        for table in ("audit", "events", "request_keys", "leases"):
            stores.session.execute(text(f"DELETE FROM {table}"))


async def test_a_dry_run_shows_what_differs_and_changes_nothing(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease)
    empty(desk)
    for _ in range(2):
        report = await run(reconciler, dry_run=True)
        assert [(one.action, one.username) for one in report.differences] == [("adopt", "zhang")]


async def test_a_pod_that_the_hub_does_not_know_is_ended_after_a_while_and_written_down(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease)
    desk.clock.go(5 * 3600)
    desk.hub.running.clear()
    for seconds in (0, 99):
        desk.clock.go(seconds)
        assert [one.action for one in (await run(reconciler)).differences] == ["wait"]
    desk.clock.go(2)
    assert [one.action for one in (await run(reconciler)).differences] == ["end-pod"]
    assert cluster.ended == ["pod-zhang-"]
    assert desk.leases.one(lease).state is LeaseState.FAILED
    with desk.database.reading() as stores:
        (told,) = stores.audit.sought(AuditSought(action="orphan-ended"))
    assert "nobody could use it any more" in told.detail


async def test_a_hub_that_knows_its_pod_again_stops_the_count(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease)
    desk.hub.running.clear()
    await run(reconciler)
    desk.hub.running.add(("zhang", ""))
    await run(reconciler)
    desk.hub.running.clear()
    desk.clock.go(101)
    assert [one.action for one in (await run(reconciler)).differences] == ["wait"]
    assert cluster.ended == []


async def test_the_old_meaning_of_the_route_ends_no_pod(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease, **{marks.ORPHAN_SINCE: (desk.clock.now() - timedelta(hours=1)).isoformat()})
    desk.hub.running.clear()
    report = await run(reconciler, ends_pods=False)
    assert [one.action for one in report.differences] == ["end-pod"]
    assert cluster.ended == []


async def test_a_pod_that_cannot_be_identified_is_named_and_left_alone(desk, cluster, reconciler):
    labels = {marks.PLATFORM: marks.MANAGER}
    cluster.add("strange", labels=labels, annotations={})
    cluster.add("torn", labels={**labels, marks.LEASE: "x"}, annotations={marks.USERNAME: "z", marks.RESOURCES: "{"})
    cluster.add("foreign", labels={marks.LEASE: "y", marks.PLATFORM: "another"}, annotations={marks.USERNAME: "z"})
    desk.clock.go(10 * 86400)
    for _ in range(3):
        report = await run(reconciler)
        assert {(one.pod, one.action) for one in report.differences} == {("strange", "leave"), ("torn", "leave")}
        desk.clock.go(1000)
    assert set(cluster.pods) == {"strange", "torn", "foreign"}


async def test_a_lease_whose_pod_is_gone_ends(desk, reconciler):
    lease = desk.run("zhang")
    desk.hub.running.clear()
    desk.clock.go(1)
    report = await run(reconciler)
    assert [one.action for one in report.differences] == ["end-lease"]
    assert desk.leases.one(lease).state is LeaseState.ENDED


async def test_a_lab_that_ran_out_of_memory_says_so_and_gives_its_place_back(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod = pod_of(desk, cluster, lease)
    desk.clock.go(30)
    over = {"phase": "Failed", "reason": "OOMKilled", "ended_at": desk.clock.now() - timedelta(seconds=10)}
    cluster.pods[pod.name] = pod.model_copy(update=over)
    await run(reconciler)
    said = desk.leases.one(lease)
    assert (said.state, desk.hub.stops) == (LeaseState.FAILED, [("zhang", "")])
    assert said.reason is not None
    assert "Choose more memory" in said.reason.en


@pytest.mark.parametrize("away", ["hub", "cluster"])
async def test_nothing_is_concluded_while_somebody_does_not_answer(desk, cluster, reconciler, away):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease)
    desk.hub.running.clear()
    desk.hub.is_away, cluster.reachable = away == "hub", away != "cluster"
    desk.clock.go(10_000)
    with pytest.raises((HubUnreachableError, ClusterAwayError)):
        await run(reconciler)
    assert desk.leases.one(lease).state is LeaseState.RUNNING


async def test_what_changed_after_the_look_is_left_alone(desk):
    lease = desk.run("zhang")
    desk.hub.running.clear()

    class Slow(FakeCluster):
        async def view(self) -> ClusterView:
            seen = await super().view()
            desk.clock.go(5)
            desk.tell(lease, LeaseState.STOPPING)
            return seen

    report = await run(make(desk, Slow(now=desk.clock.now)))
    assert report.differences == ()
    assert desk.leases.one(lease).state is LeaseState.STOPPING


async def test_without_a_cluster_the_hub_s_servers_tell_which_leases_are_over(desk):
    """Labs that were processes and ended with the machine."""
    lost, kept = desk.run("zhang"), desk.run("okafor")
    desk.hub.running.discard(("zhang", ""))
    desk.clock.go(1)
    await run(make(desk, None))
    assert desk.leases.one(lost).state is LeaseState.ENDED
    assert desk.leases.one(kept).state is LeaseState.RUNNING


async def test_the_end_that_a_pod_tells_follows_an_extension(desk, cluster, reconciler):
    lease = desk.run("zhang")
    pod_of(desk, cluster, lease)
    end = desk.leases.extend(lease, 60, actor="zhang").expires_at
    await run(reconciler)
    assert cluster.pods["pod-zhang-"].annotations[marks.EXPIRES_AT] == end.isoformat()


PEOPLE = ("zhang", "okafor", "qiao")


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(["admitted", "starting", "running", "stopping", "ended"])),
    st.sets(st.sampled_from(PEOPLE)),
    st.sets(st.sampled_from(PEOPLE)),
    st.sets(st.sampled_from(PEOPLE)),
)
async def test_from_any_state_everything_agrees_after_a_while(desk, leases, pods, at_hub, lost):
    cluster = FakeCluster(now=desk.clock.now)
    desk.hub.running.clear()
    desk.policy["orphan_seconds"] = 100
    with desk.database.transaction() as stores:
        for row in stores.leases.active():
            stores.leases.change(row, LeaseState.ENDED, actor="test", at=desk.clock.now())
    for person, state in leases.items():
        lease = desk.admit(person)
        if person in pods:
            pod_of(desk, cluster, lease)
        for step in ("starting", "running", "stopping", "ended"):
            if state == "admitted":
                break
            desk.tell(lease, LeaseState(step))
            if step == state:
                break
    desk.hub.running |= {(person, "") for person in at_hub & pods}
    if lost:
        empty(desk)
    reconciler = make(desk, cluster)
    for _ in range(4):
        desk.clock.go(130)
        report = await run(reconciler)
    assert [one for one in report.differences if one.action != "leave"] == []
    with desk.database.reading() as stores:
        held = {row.username for row in stores.leases.active()}
    assert held == {pod.annotations[marks.USERNAME] for pod in cluster.pods.values()}
    assert held <= {name for name, _ in desk.hub.running}
