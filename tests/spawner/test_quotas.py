"""Who may hold how much: the tightest quota counts and says what it is, and nobody gets past it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamtorch_spawner.services.quota_book import MalformedQuotaError
from beamtorch_spawner.services.quotas import Asking, Holding, Ledger, Limit, QuotaExceededError
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import LeaseReport, LeaseState, QuotaScope

GPU = "nvidia.com/gpu"


def refused(desk, *arguments: str, **options: Any):
    with pytest.raises(QuotaExceededError) as error:
        desk.admit(*arguments, **options)
    return error.value


def test_a_person_s_quota_counts_all_their_servers(desk):
    desk.limit("user", "cores", 3, subject="zhang")
    desk.admit("zhang", cores=2)
    said = refused(desk, "zhang", "second", cores=2)
    assert said.detail.en.startswith("Your account (zhang) holds 2 of 3 cores.")
    assert (said.facts["used"], said.facts["limit"], said.facts["wanted"]) == (2, 3, 2)
    desk.admit("zhang", "second", cores=1)


def test_a_start_that_never_came_to_running_is_not_in_the_way_of_the_next_one(desk):
    """The hub died with it; what it held is the last of the quota."""
    desk.limit("facility", GPU, 1)
    desk.admit("zhang", "gpu", extra_resource={GPU: 1})
    desk.admit("zhang", "gpu", extra_resource={GPU: 1})
    refused(desk, "okafor", "gpu", extra_resource={GPU: 1})


def test_a_start_that_gave_way_counts_no_hours_from_then_on(desk):
    lease = desk.admit("zhang", "gpu", extra_resource={GPU: 1})
    desk.leases.report(lease, LeaseReport(state=LeaseState.STARTING, at=desk.clock.now()), actor="torch")
    desk.clock.go(3600)
    again = desk.admit("zhang", "gpu", extra_resource={GPU: 1})
    assert desk.leases.one(lease).state is LeaseState.FAILED
    desk.tell(again, LeaseState.ENDED)
    desk.clock.go(36_000)
    (used,) = desk.usage.of_month(f"{desk.clock.now():%Y-%m}", by="user", username="zhang")
    assert used.gpu_hours == pytest.approx(1.0)


def test_whoever_knows_the_end_better_may_still_say_so(desk):
    lease = desk.admit("zhang", "gpu", extra_resource={GPU: 1})
    desk.leases.report(lease, LeaseReport(state=LeaseState.STARTING, at=desk.clock.now()), actor="torch")
    desk.clock.go(3600)
    gone_at = desk.clock.now()
    desk.clock.go(60)
    desk.tell(lease, LeaseState.ENDED)
    for at in (gone_at, desk.clock.now()):
        desk.leases.report(lease, LeaseReport(state=LeaseState.ENDED, at=at), actor="torch")
    (used,) = desk.usage.of_month(f"{desk.clock.now():%Y-%m}", by="user", username="zhang")
    assert used.gpu_hours == pytest.approx(1.0)


def test_a_quota_for_each_counts_for_everybody_without_their_own(desk):
    desk.limit("user", GPU, 1, subject="*")
    desk.limit("user", GPU, 2, subject="okafor")
    desk.admit("zhang", extra_resource={GPU: 1})
    refused(desk, "zhang", "second", extra_resource={GPU: 1})
    desk.admit("okafor", extra_resource={GPU: 2})
    desk.admit("qiao", extra_resource={GPU: 1})


def test_a_group_s_quota_names_who_holds_what_to_its_members_and_when_the_next_is_free(desk):
    desk.limit("group", GPU, 2, subject="team-a")
    desk.policy["lifetimes"] = [{"first": 3600}]
    desk.run("qiao", extra_resource={GPU: 2})
    said = refused(desk, "zhang", extra_resource={GPU: 1})
    free = (desk.clock.now() + timedelta(hours=1)).astimezone()
    assert said.detail.en == (
        f"Your group team-a holds 2 of 2 GPUs (qiao 2). The next one is free about {free:%H:%M}, "
        "or as soon as a server stops."
    )
    assert said.facts["by"] == {"qiao": 2}
    assert said.detail.zh.startswith("您的课题组 team-a已用 2/2 块 GPU")


def test_a_stranger_s_name_is_not_told(desk):
    desk.limit("facility", GPU, 1)
    desk.run("qiao", extra_resource={GPU: 1})
    said = refused(desk, "okafor", extra_resource={GPU: 1})
    assert said.facts["by"] == {}
    assert "qiao" not in str(said.problem())
    assert refused(desk, "marsh", extra_resource={GPU: 1}).facts["by"] == {"qiao": 1}


def test_the_tightest_of_several_quotas_is_the_one_that_is_told(desk):
    desk.limit("facility", GPU, 4)
    desk.limit("group", GPU, 2, subject="team-a")
    desk.run("qiao", extra_resource={GPU: 2})
    desk.run("okafor", extra_resource={GPU: 1})
    assert refused(desk, "zhang", extra_resource={GPU: 2}).facts["scope"] == "group"
    desk.limit("group", GPU, 20, subject="team-a")
    assert refused(desk, "zhang", extra_resource={GPU: 2}).facts["scope"] == "facility"


def test_slices_of_a_gpu_have_a_quota_of_their_own_name(desk):
    desk.limit("facility", "nvidia.com/mig-1g.5gb", 1)
    desk.admit("zhang", extra_resource={"nvidia.com/mig-1g.5gb": 1})
    assert refused(desk, "okafor", extra_resource={"nvidia.com/mig-1g.5gb": 1}).facts["resource"].endswith("5gb")
    desk.admit("okafor", extra_resource={GPU: 1})


def test_servers_and_memory_are_counted_too(desk):
    desk.limit("user", "servers", 1, subject="*")
    desk.limit("facility", "memory", "3G")
    desk.admit("zhang", memory="2G")
    assert refused(desk, "zhang", "second").facts["resource"] == "servers"
    assert "2 GiB of 3 GiB memory" in refused(desk, "qiao", memory="2G").detail.en


def test_hours_on_gpus_are_counted_over_the_month_and_only_for_starts_with_gpus(desk):
    desk.limit("user", "gpu-hours", 2, subject="zhang")
    lease = desk.run("zhang", extra_resource={GPU: 2})
    desk.clock.go(3600)
    assert "2 of 2 GPU-hours this month" in refused(desk, "zhang", "second", extra_resource={GPU: 1}).detail.en
    desk.tell(lease, LeaseState.ENDED)
    refused(desk, "zhang", extra_resource={GPU: 1})
    desk.admit("zhang")
    desk.clock.go(10 * 86400)
    desk.admit("zhang", "next-month", extra_resource={GPU: 1})


def test_a_quota_that_is_lowered_ends_nothing_and_counts_at_the_next_start(desk):
    lease = desk.run("zhang", cores=4)
    desk.limit("facility", "cores", 2)
    assert desk.leases.one(lease).state is LeaseState.RUNNING
    said = refused(desk, "okafor", cores=4)
    assert said.detail.en == "The facility may hold 2 cores at most, and this start wants 4. Ask for less."


@pytest.mark.parametrize(
    "quota",
    [
        ("facility", "cores", "many", ""),
        ("facility", "cores", -1, ""),
        ("facility", "gold", 1, ""),
        ("facility", "memory", "9999999T", ""),
        ("facility", "cores", 1, "zhang"),
        ("user", "cores", 1, ""),
        ("facility", "cores", float("nan"), ""),
    ],
)
def test_what_cannot_be_a_quota_is_refused_in_a_sentence(desk, quota):
    scope, resource, limit, subject = quota
    with pytest.raises(MalformedQuotaError):
        desk.limit(scope, resource, limit, subject)


def test_of_three_hundred_at_once_a_hundred_get_in_and_each_gets_an_answer(desk, database_url):
    """Two replicas, each with its own connections; the quota is for the facility, so that everybody meets."""
    desk.limit("facility", GPU, 100)
    second = Database(database_url)
    replicas = [desk.database, second]
    begin = threading.Barrier(16)

    def ask(number):
        if number < 16:
            begin.wait()
        desk.admissions._database = replicas[number % 2]
        try:
            return desk.admit(f"guest{number}", extra_resource={GPU: 1})
        except QuotaExceededError as error:
            return error

    try:
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(ask, range(300)))
    finally:
        second.close()
    granted = [answer for answer in answers if isinstance(answer, str)]
    assert (len(granted), len(set(granted)), len(answers)) == (100, 100, 300)
    with desk.database.reading() as stores:
        held = [row for row in stores.leases.active() if row.resources.extended == {GPU: 1}]
        assert {row.id for row in held} == set(granted)


NAMES = st.sampled_from(["a", "b", "c"])
TEAMS = st.frozensets(st.sampled_from(["t1", "t2"]))
AMOUNTS = st.dictionaries(st.sampled_from(["cores", GPU, "servers"]), st.integers(0, 4))


@st.composite
def holdings(draw):
    rows = draw(st.lists(st.tuples(NAMES, TEAMS, AMOUNTS, st.none() | st.integers(1, 500)), max_size=8))
    start = datetime(2026, 11, 21, tzinfo=UTC)
    return tuple(
        Holding(str(n), who, teams, None, amounts, start + timedelta(minutes=ends) if ends else None)
        for n, (who, teams, amounts, ends) in enumerate(rows)
    )


LIMITS = st.lists(
    st.builds(
        Limit,
        st.sampled_from([QuotaScope.USER, QuotaScope.GROUP, QuotaScope.FACILITY]),
        st.sampled_from(["a", "b", "t1", "t2", "*", ""]),
        st.sampled_from(["cores", GPU, "servers"]),
        st.integers(0, 10),
    ),
    max_size=6,
).map(tuple)


@settings(max_examples=300, deadline=None)
@given(holdings(), LIMITS, NAMES, TEAMS, AMOUNTS)
def test_what_is_let_in_never_passes_a_limit_and_what_is_refused_would(held, limits, who, teams, amounts):
    ledger, asking = Ledger(held, limits), Asking(who, teams, None, amounts)
    short = ledger.shortage(asking, lambda *_: 0)
    after = Ledger((*held, Holding("new", who, teams, None, amounts, None)), limits)
    broken = [
        limit
        for limit in ledger.applying(asking)
        if amounts.get(limit.resource, 0) and sum(after.used(limit).values()) > limit.most
    ]
    assert (short is None) == (not broken)
    if short is not None:
        assert short.limit in broken
        assert set(short.by) <= {h.username for h in held if h.groups & teams} | {who}
    if short is not None and short.next_free_at is not None:
        left = tuple(h for h in held if h.expires_at is None or h.expires_at > short.next_free_at)
        then = Ledger(left, (short.limit,)).used(short.limit)
        assert sum(then.values()) + short.wanted <= short.limit.most


def test_a_quota_for_each_tells_who_uses_most_of_it_whoever_has_an_own_one_is_not_among_them(desk):
    desk.limit("user", GPU, 4, subject="*")
    desk.limit("user", GPU, 8, subject="okafor")
    desk.limit("group", GPU, 9, subject="*")
    desk.run("zhang", "a", extra_resource={GPU: 1})
    desk.run("zhang", "b", extra_resource={GPU: 2})
    desk.run("qiao", extra_resource={GPU: 1})
    desk.run("okafor", extra_resource={GPU: 8})
    told = {(one.scope.value, one.subject): one for one in desk.quotas.everything()}
    assert (told["user", "*"].used, told["user", "*"].by) == (3, {"zhang": 3, "qiao": 1})
    assert (told["user", "okafor"].used, told["group", "*"].used) == (8, 8)
    assert told["group", "*"].by == {"team-a": 4, "team-b": 8}


def test_gpu_hours_of_each_are_those_of_whoever_used_most(desk):
    desk.limit("user", "gpu-hours", 100, subject="*")
    desk.run("zhang", extra_resource={GPU: 2})
    desk.run("qiao", extra_resource={GPU: 1})
    desk.clock.go(1800)
    (told,) = desk.quotas.everything()
    assert (told.used, told.by) == (1.0, {"zhang": 1.0, "qiao": 0.5})
