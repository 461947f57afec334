"""What an operator watches, in Prometheus' text format. No label names a person."""

from collections import Counter as Count

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from beamtorch_facility.clock import Clock
from beamtorch_spawner.services.expiry import Told
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import LeaseState


class Metrics:
    """The numbers of one process, and of the database that it shares."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self.registry = CollectorRegistry()
        self._leases = Gauge("beamtorch_leases", "Active leases by state", ["state"], registry=self.registry)
        self._held = Gauge("beamtorch_held", "What active leases hold", ["resource"], registry=self.registry)
        self._admissions = Counter(
            "beamtorch_admissions", "Answers to starts, by outcome", ["outcome"], registry=self.registry
        )
        self._lag = Histogram(
            "beamtorch_expiry_lag_seconds",
            "How late a server was ended",
            buckets=(0.5, 1, 2, 5, 15, 60),
            registry=self.registry,
        )
        self._told = Counter("beamtorch_notices", "Notices of a near end", registry=self.registry)
        self._given_up = Counter("beamtorch_starts_given_up", "Starts that came to nothing", registry=self.registry)
        self._jumps = Counter("beamtorch_clock_jumps", "How often the wall clock was set", registry=self.registry)
        self._tick = Gauge(
            "beamtorch_worker_last_success_seconds", "When a worker last went through", ["part"], registry=self.registry
        )
        self._faults = Counter("beamtorch_worker_faults", "Worker rounds that failed", ["part"], registry=self.registry)

    def admission(self, outcome: str) -> None:
        """Count the answer to a start: ``granted``, ``waiting`` or the code of a refusal."""
        self._admissions.labels(outcome).inc()

    def expiry(self, told: Told) -> None:
        """Count what a look at the ends brought to light."""
        self._told.inc(told.notices)
        self._given_up.inc(told.given_up)
        self._jumps.inc(1 if told.jump else 0)
        for lag in told.lags:
            self._lag.observe(lag)

    def round(self, part: str, *, is_good: bool) -> None:
        """Count a worker's round."""
        if is_good:
            self._tick.labels(part).set(self._clock.now().timestamp())
        else:
            self._faults.labels(part).inc()

    def text(self) -> tuple[bytes, str]:
        """Return the metrics and their content type."""
        with self._database.reading() as stores:
            rows = stores.leases.active()
        states = Count(row.state for row in rows)
        for state in LeaseState:
            if state.is_active:
                self._leases.labels(state.value).set(states[state.value])
        held: Count[str] = Count()
        for row in rows:
            held.update(row.resources.amounts())
        self._held.clear()
        for resource, amount in held.items():
            self._held.labels(resource).set(amount)
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
