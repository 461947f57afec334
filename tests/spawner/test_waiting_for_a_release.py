"""A start that waits for a terminal's grace is not hurried by the Hub's patience, and does not wait for ever."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets import Integer
from traitlets.config import LoggingConfigurable

from beamtorch_facility.words import Words
from beamtorch_spawner import admitted
from beamtorch_spawner.admitted import AdmittedSpawner
from beamtorch_spawner.errors import ReleaseTooSlowError, SpawnerUnreachableError
from beamtorch_spawner.wire import Admission, LeaseState, Waiting


class Base(LoggingConfigurable):
    """What JupyterHub's own spawner brings."""

    start_timeout = Integer(1)


class Waiter(AdmittedSpawner, Base):
    """A spawner whose service says “wait” until a moment that a test sets."""

    def __init__(self, *, grace: float, free_after: float) -> None:
        super().__init__(spawner_url="http://127.0.0.1:9/", spawner_token="t")
        self.user, self.name, self.user_options = SimpleNamespace(name="ruiz", groups=()), "", {}
        self._free_at = asyncio.get_running_loop().time() + free_after
        self._until = datetime.now(UTC) + timedelta(seconds=grace)
        self.told: list[tuple[Any, ...]] = []
        self._client = SimpleNamespace(admit=self._answer, grant=self._answer)
        self._reports = SimpleNamespace(tell=lambda *what: self.told.append(what))

    async def _answer(self, _: object) -> Any:
        if asyncio.get_running_loop().time() < self._free_at:
            said = Words(en="It is being ended.", zh="正在结束。")
            return Admission(lease="abc", grant=None, waiting=Waiting(message=said, until=self._until))
        return SimpleNamespace(lease="abc", grant="granted")

    def start(self) -> Any:
        return self.in_its_own_time(self.admission())


async def as_the_hub_does(spawner: Waiter) -> Any:
    """JupyterHub's own lines, in `User.spawn`."""
    starting = spawner.start()
    return await asyncio.wait_for(starting, timeout=spawner.start_timeout)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(admitted, "WAIT_SECONDS", 0.05)


async def test_a_grace_longer_than_the_hub_s_patience_is_waited_for():
    spawner = Waiter(grace=2.0, free_after=2.2)
    assert await as_the_hub_does(spawner) == "granted"
    assert spawner.start_timeout == 1


async def test_what_does_not_end_after_its_grace_is_told_and_the_start_given_up():
    spawner = Waiter(grace=0.3, free_after=60)
    with pytest.raises(ReleaseTooSlowError, match="did not end in time"):
        await as_the_hub_does(spawner)
    assert [(lease, state) for lease, state, _ in spawner.told] == [("abc", LeaseState.FAILED)]
    assert spawner.start_timeout == 1


async def test_a_start_that_is_cancelled_leaves_the_hub_s_patience_as_it_was():
    spawner = Waiter(grace=60, free_after=60)
    starting = spawner.start()
    await asyncio.sleep(0.1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert spawner.start_timeout == 1


async def test_a_service_that_is_away_for_a_moment_ends_no_wait():
    spawner = Waiter(grace=5.0, free_after=0.3)
    answer, away = spawner._client.grant, iter([True, True])

    async def restarting(lease: object) -> Any:
        if next(away, False):
            raise SpawnerUnreachableError(Words(en="away", zh="离线"))
        return await answer(lease)

    spawner._client.grant = restarting
    assert await as_the_hub_does(spawner) == "granted"


async def test_a_service_that_stays_away_is_told(monkeypatch):
    monkeypatch.setattr(admitted, "AWAY_SECONDS", 0.2)
    spawner = Waiter(grace=5.0, free_after=60)

    async def dead(_: object) -> Any:
        raise SpawnerUnreachableError(Words(en="away", zh="离线"))

    spawner._client.grant = dead
    with pytest.raises(SpawnerUnreachableError):
        await as_the_hub_does(spawner)
