"""A release under a clock that the test turns: graces that last, clocks that are set, replicas that take turns."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from beamtorch_service.testing import served
from beamtorch_spawner.factory import Parts, build
from beamtorch_spawner.hub_api import HttpHubApi
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.release import Releases
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.testing import FakeJupyterHub, Lab
from beamtorch_spawner.wire import AdmissionRequest, LeaseReport, LeaseState, Peer, TerminalInfo

TERMINAL = "10.41.0.7"


@dataclass
class TurnedClock:
    """Time passes when the test says so; the wall clock can be set apart from it."""

    wall: datetime = field(default_factory=lambda: datetime(2026, 11, 17, 9, 0, tzinfo=UTC))
    seconds: float = 1000.0

    def now(self):
        return self.wall

    def elapsed(self):
        return self.seconds

    def boot(self):
        return "boot-1"

    def pass_(self, seconds):
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds


@dataclass
class Room:
    """Two replicas of the service, driven by hand; the Hub knows what the test tells it."""

    replicas: tuple[Parts, Parts]
    clock: TurnedClock
    hub: FakeJupyterHub
    releases: list[Releases]

    @property
    def parts(self):
        return self.replicas[0]

    def ask(self, username):
        """Ask for admission as the Hub's spawner does for somebody who waits at the terminal."""
        self.hub.names.add(username)
        self.hub.labs[username, ""] = Lab(username, "", {})
        request = AdmissionRequest(
            username=username, user_options={"environment": "lab"}, peer=Peer(address=TERMINAL, forwarded_for=())
        )
        return self.parts.admissions.admit(request, actor="torch").lease

    def lab_of(self, username):
        """Bring somebody's lab at the terminal to running, at the Hub as well."""
        lease = self.ask(username)
        self.parts.leases.report(lease, LeaseReport(state=LeaseState.RUNNING), actor="torch")
        self.hub.labs[username, ""].pending = None
        return lease

    def state(self, lease):
        return self.parts.leases.one(lease).state

    def actions(self, lease):
        with self.parts.database.reading() as stores:
            return [row.action for row in stores.audit.sought(AuditSought(lease=lease))]

    async def work(self, *replicas: Parts):
        """Let replicas do one round at once, whoever leads, and wait for what they began."""
        self.clock.pass_(1)
        for parts in replicas or (self.parts,):
            await parts.workers.tick()
        for parts in replicas or (self.parts,):
            for background in parts.backgrounds:
                await background.done()


def _releases(parts, settings, clock):
    hub = HttpHubApi(settings.hub, parts.http)
    return Releases(database=parts.database, clock=clock, hub=hub, policy=Policy)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def room(request, tmp_path, prepared):
    database = f"sqlite:///{tmp_path}/spawner.sqlite"
    if request.param == "postgresql":
        database = request.getfixturevalue("new_postgres_database")()
    hub, settings = prepared(tmp_path, database)
    with served(hub) as url:
        clock = TurnedClock()
        replicas = (build(settings(url), clock=clock), build(settings(url), clock=clock))
        replicas[0].database.upgrade()
        info = {"ip": TERMINAL, "beamline": "ID09", "grace_seconds": 60, "minimum_seconds": 0}
        replicas[0].terminals.add(TerminalInfo.model_validate(info), actor="marsh")
        yield Room(replicas, clock, hub, [_releases(each, settings(url), clock) for each in replicas])
        for each in replicas:
            await each.workers.stop()
            await each.http.aclose()
            each.database.close()


async def test_the_grace_lasts_to_its_last_second(room):
    first = room.lab_of("guest01")
    second = room.ask("guest02")
    room.clock.pass_(58)
    await room.work()
    assert (room.state(first), room.state(second)) == (LeaseState.RUNNING, LeaseState.ADMITTED)
    assert room.parts.admissions.outcome(second).waiting is not None
    await room.work()
    assert room.state(first) is LeaseState.ENDED
    assert room.parts.admissions.outcome(second).grant is not None


async def test_a_clock_that_is_set_forward_shortens_nobodys_grace(room):
    first = room.lab_of("guest01")
    await room.work()
    room.ask("guest02")
    room.clock.wall += timedelta(hours=1)
    await room.work()
    assert room.state(first) is LeaseState.RUNNING
    room.clock.pass_(60)
    await room.work()
    assert room.state(first) is LeaseState.ENDED


async def test_a_long_grace_is_not_taken_for_a_start_that_came_to_nothing(room):
    info = {"ip": TERMINAL, "beamline": "ID09", "grace_seconds": 1200, "minimum_seconds": 0}
    room.parts.terminals.change(TerminalInfo.model_validate(info), actor="marsh")
    first = room.lab_of("guest01")
    second = room.ask("guest02")
    room.clock.pass_(1200)
    await room.work()
    await room.work()
    assert room.state(first) is LeaseState.ENDED
    assert room.state(second) is LeaseState.ADMITTED


async def test_two_replicas_release_once(room):
    first = room.lab_of("guest01")
    room.ask("guest02")
    room.clock.pass_(120)
    # Both think that they lead, as for a moment after one of them was cut off.
    await asyncio.gather(*[releases.drive() for releases in room.releases])
    await asyncio.gather(*[releases.background.done() for releases in room.releases])
    assert room.actions(first).count("released") == 1
    assert room.state(first) is LeaseState.ENDED


async def test_while_the_hub_is_away_nobody_is_displaced_and_nothing_is_lost(room):
    first = room.lab_of("guest01")
    second = room.ask("guest02")
    room.clock.pass_(120)
    room.hub.reachable = False
    await room.work()
    assert (room.state(first), room.state(second)) == (LeaseState.RUNNING, LeaseState.ADMITTED)
    room.hub.reachable = True
    await room.work()
    assert room.state(first) is LeaseState.ENDED
    assert room.parts.admissions.outcome(second).grant is not None


async def test_a_start_that_the_hub_forgot_displaces_nobody(room):
    first = room.lab_of("guest01")
    second = room.ask("guest02")
    del room.hub.labs["guest02", ""]
    room.clock.pass_(120)
    await room.work()
    assert room.state(second) is LeaseState.FAILED
    await room.work()
    assert room.state(first) is LeaseState.RUNNING
    assert "release-cancelled" in room.actions(first)


async def test_whoever_takes_over_while_a_lab_is_being_stopped_goes_on_where_it_was(room):
    first = room.lab_of("guest01")
    second = room.ask("guest02")
    room.clock.pass_(120)
    room.hub.stop_seconds = 0.5
    await room.work()
    assert room.state(first) is LeaseState.STOPPING
    # The first replica dies here; the other knows nothing but the database.
    room.clock.pass_(30)
    await asyncio.sleep(0.6)
    await room.work(room.replicas[1])
    assert room.state(first) is LeaseState.ENDED
    assert room.actions(first).count("released") == 1
    assert room.parts.admissions.outcome(second).grant is not None
