"""Leases end when they say: told before, extended within policy, whatever clocks, restarts and replicas do."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beamtorch_spawner.services.leases import NotExtendableError
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import LeaseState
from beamtorch_spawner.workers import Part, Workers

HOUR = 3600


async def look(desk, expiry=None):
    expiry = expiry or desk.expiry()
    await expiry.tick()
    await expiry.background.done()


def state(desk, lease):
    return desk.leases.one(lease).state


def set_lifetime(desk, **told: Any):
    desk.policy["lifetimes"] = [{"first": HOUR, "step": HOUR, "ceiling": 3 * HOUR, **told}]


async def test_a_server_runs_until_its_end_and_not_longer(desk):
    set_lifetime(desk)
    lease = desk.run("zhang")
    desk.clock.go(HOUR - 1)
    await look(desk)
    assert state(desk, lease) is LeaseState.RUNNING
    desk.clock.go(1)
    await look(desk)
    over = desk.leases.one(lease)
    assert (over.state, desk.hub.stops) == (LeaseState.ENDED, [("zhang", "")])
    assert over.reason is not None
    assert over.reason.en.startswith("Its time was over at")


async def test_a_look_that_finds_nothing_does_not_wait_for_those_who_start(desk):
    desk.run("zhang")
    expiry = desk.expiry()
    await look(desk, expiry)
    with desk.database.admitting():
        await asyncio.wait_for(expiry.tick(), timeout=5)


async def test_time_counts_from_running_and_not_from_the_request(desk):
    set_lifetime(desk)
    lease = desk.admit("zhang")
    desk.clock.go(500)
    desk.tell(lease, LeaseState.STARTING)
    desk.clock.go(80)
    desk.tell(lease, LeaseState.RUNNING)
    assert desk.leases.one(lease).expires_at == desk.clock.now() + timedelta(seconds=HOUR)


async def test_notices_come_once_each_and_again_after_an_extension(desk):
    set_lifetime(desk)
    lease = desk.run("zhang")
    for seconds, told in ((29 * 60, 0), (70, 1), (30, 1), (20 * 60, 2), (7 * 60, 3), (60, 3)):
        desk.clock.go(seconds)
        await look(desk)
        assert len(desk.events("zhang")) == told
    assert desk.events("zhang")[0].startswith("Your server “any” ends in 30 min, at ")
    desk.leases.extend(lease, HOUR, actor="zhang")
    desk.clock.go(HOUR)
    await look(desk)
    assert len(desk.events("zhang")) == 4


async def test_a_life_shorter_than_a_notice_is_told_of_the_shorter_ones_alone(desk):
    set_lifetime(desk, first=15 * 60)
    desk.run("zhang")
    await look(desk)
    assert desk.events("zhang") == []
    desk.clock.go(6 * 60)
    await look(desk)
    assert len(desk.events("zhang")) == 1


async def test_an_extension_gives_a_step_and_never_passes_the_ceiling(desk):
    set_lifetime(desk, first=2 * HOUR, ceiling=2 * HOUR + 600)
    lease = desk.run("zhang")
    begun = desk.clock.now()
    assert desk.leases.extend(lease, None, actor="zhang").expires_at == begun + timedelta(seconds=2 * HOUR + 600)
    with pytest.raises(NotExtendableError, match="at the latest"):
        desk.leases.extend(lease, None, actor="zhang")
    desk.clock.go(2 * HOUR + 1)
    await look(desk)
    assert state(desk, lease) is LeaseState.RUNNING
    desk.clock.go(600)
    await look(desk)
    assert state(desk, lease) is LeaseState.ENDED


def test_a_role_extends_as_often_as_its_policy_says(desk):
    desk.policy["lifetimes"] = [
        {"role": "facility-*", "first": HOUR, "step": HOUR, "ceiling": 99 * HOUR},
        {"first": HOUR, "step": HOUR, "times": 1, "ceiling": 9 * HOUR},
    ]
    lease = desk.run("zhang")
    assert desk.leases.extend(lease, None, actor="zhang").extensions_left == 0
    with pytest.raises(NotExtendableError, match="extended 1 of 1 times"):
        desk.leases.extend(lease, None, actor="zhang")
    admins = desk.run("marsh")
    for _ in range(5):
        desk.leases.extend(admins, None, actor="marsh")


def test_what_does_not_run_cannot_be_extended(desk):
    lease = desk.admit("zhang")
    with pytest.raises(NotExtendableError):
        desk.leases.extend(lease, None, actor="zhang")


async def test_a_hub_that_is_away_is_asked_again_and_nothing_is_taken_for_ended_before(desk):
    set_lifetime(desk)
    lease = desk.run("zhang")
    desk.hub.is_away = True
    desk.clock.go(HOUR)
    await look(desk)
    assert state(desk, lease) is LeaseState.STOPPING
    desk.hub.is_away = False
    await look(desk)
    assert desk.hub.stops == []
    desk.clock.go(11)
    await look(desk)
    assert (state(desk, lease), desk.hub.stops) == (LeaseState.ENDED, [("zhang", "")])


async def test_a_start_that_came_to_nothing_does_not_hold_its_quota_for_ever(desk):
    desk.limit("facility", "servers", 1)
    lease = desk.admit("zhang")
    desk.clock.go(601)
    await look(desk)
    assert state(desk, lease) is LeaseState.FAILED
    desk.admit("okafor")


async def test_a_clock_that_is_set_forward_ends_nobody_early(desk):
    set_lifetime(desk)
    lease = desk.run("zhang")
    await look(desk)
    desk.clock.set(5 * HOUR)
    await look(desk)
    assert state(desk, lease) is LeaseState.RUNNING
    assert desk.leases.one(lease).expires_at == desk.clock.now() + timedelta(seconds=HOUR)
    desk.clock.go(HOUR)
    await look(desk)
    assert state(desk, lease) is LeaseState.ENDED
    with desk.database.reading() as stores:
        (told,) = stores.audit.sought(AuditSought(action="clock-set"))
    assert "set 5 h forward" in told.detail


async def test_a_clock_that_is_set_back_lets_nobody_stay_longer(desk):
    set_lifetime(desk)
    lease = desk.run("zhang")
    await look(desk)
    desk.clock.set(-5 * HOUR)
    desk.clock.go(HOUR)
    await look(desk)
    assert state(desk, lease) is LeaseState.ENDED


async def test_a_clock_that_was_set_while_the_service_was_away_is_noticed_at_its_return(desk, database_url):
    set_lifetime(desk)
    lease = desk.run("zhang")
    await look(desk)
    desk.clock.set(2 * HOUR)
    desk.clock.go(10)
    later = Database(database_url)
    desk.database.close()
    desk.database = later
    desk.leases._database = later
    try:
        await look(desk)
        assert state(desk, lease) is LeaseState.RUNNING
    finally:
        later.close()


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0, 0, 0, 7200, -7200, 86400, -3, 3])), max_size=12),
    st.integers(100, 400),
)
def test_whatever_the_clock_does_a_lease_lasts_as_long_as_it_was_given(desk, steps, life):
    """Some time passes, the clock is set, somebody looks: in real seconds the lease lasts what it was given."""
    set_lifetime(desk, first=life)
    with desk.database.transaction() as stores:
        for row in stores.leases.active():
            stores.leases.change(row, LeaseState.ENDED, actor="test", at=desk.clock.now())

    async def live():
        lease = desk.run("zhang")
        await look(desk)
        passed = 0
        for seconds, jump in steps:
            desk.clock.go(seconds)
            passed += seconds
            desk.clock.set(jump)
            await look(desk)
            # Jumps below the tolerance may add up to it before they are heeded.
            if passed < life - 2:
                assert state(desk, lease) is LeaseState.RUNNING, (passed, life)
            if passed > life + 2:
                assert state(desk, lease) is LeaseState.ENDED, (passed, life)

    asyncio.run(live())


async def test_of_two_replicas_one_acts_and_the_other_takes_over_when_it_dies(desk, database_url):
    set_lifetime(desk)
    second = Database(database_url)
    first_rounds, second_rounds = [], []

    def workers(database, rounds, name):
        async def count():
            rounds.append(desk.clock.now())

        return Workers(database=database, clock=desk.clock, parts=(Part("count", 0, count),), holder=name)

    one, two = workers(desk.database, first_rounds, "one"), workers(second, second_rounds, "two")
    try:
        for _ in range(5):
            await one.tick()
            await two.tick()
            desk.clock.go(1)
        assert (len(first_rounds), len(second_rounds)) == (5, 0)
        desk.clock.go(9)
        assert await two.tick()
        assert not await one.tick()
        assert len(second_rounds) == 1
    finally:
        second.close()


async def test_two_replicas_that_both_think_they_lead_end_a_lease_once(desk, database_url):
    set_lifetime(desk)
    lease = desk.run("zhang")
    desk.clock.go(HOUR)
    second = Database(database_url)
    other = desk.expiry()
    other._database = second
    try:
        await asyncio.gather(look(desk), look(desk, other))
    finally:
        second.close()
    assert (state(desk, lease), desk.hub.stops) == (LeaseState.ENDED, [("zhang", "")])


async def test_a_part_that_fails_stops_no_other(desk):
    done = []

    async def fail():
        raise RuntimeError("made up")

    async def work():
        done.append(1)

    told = []
    workers = Workers(
        database=desk.database,
        clock=desk.clock,
        parts=(Part("bad", 0, fail), Part("good", 0, work)),
        watch=lambda part, is_good: told.append((part, is_good)),
    )
    await workers.tick()
    assert (done, told) == ([1], [("bad", False), ("good", True)])


def test_usage_counts_what_was_really_held_and_splits_it_at_the_month(desk):
    gpu = {"nvidia.com/gpu": 2}
    lease = desk.run("zhang", cores=4, memory="2G", extra_resource=gpu)
    desk.clock.go(9 * 86400 + 13 * HOUR)
    desk.tell(lease, LeaseState.ENDED)
    (november,) = desk.usage.of_month("2026-11", by="user", username=None)
    (december,) = desk.usage.of_month("2026-12", by="group", username=None)
    assert (november.subject, november.core_hours, november.gpu_hours) == ("zhang", 4 * 228, 2 * 228)
    assert (december.subject, december.gpu_hours, december.memory_gib_hours) == ("team-a", 2.0, 2.0)
    assert december.hours == {"nvidia.com/gpu": 2.0}
