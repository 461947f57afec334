"""Admission: a start is asked for, decided, and written down whatever the answer is."""

from pathlib import Path

from beamtorch_facility.directory import Directory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_spawner.clock import Clock
from beamtorch_spawner.environments import Environment, load_environments
from beamtorch_spawner.services.grants import Facts, make_grant
from beamtorch_spawner.services.policy import choose_environment, parse_options, refuse_second
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Admission, AdmissionRequest, LeaseState, UserOptions

SUPERSEDED = Words(
    en="The start never came to running, and the person started the server again.",
    zh="该次启动未完成，用户已重新启动此服务器。",
)


class Admissions:
    """Decides on starts."""

    def __init__(
        self,
        *,
        database: Database,
        directory: Directory,
        environments: Path,
        facts: Facts,
        clock: Clock,
    ) -> None:
        self._database = database
        self._directory = directory
        self._environments = environments
        self._facts = facts
        self._clock = clock

    def offers(self) -> tuple[Environment, ...]:
        """Return the environments, read afresh."""
        return load_environments(self._environments)

    def admit(self, request: AdmissionRequest, *, actor: str) -> Admission:
        """Return the grant of a start, or raise the refusal; both leave a lease and audit rows.

        Raises
        ------
        BeamtorchError
            The refusal: an unknown person, environment or option, or a server that already runs.
        """
        try:
            person, environment, options = self._decide(request)
        except BeamtorchError as refusal:
            with self._database.transaction() as stores:
                self._refuse(stores, self._request(stores, request), refusal, actor)
            raise
        with self._database.admitting() as stores:
            outcome = self._reserve(stores, request, environment, options, actor)
        if isinstance(outcome, BeamtorchError):
            raise outcome
        grant = make_grant(lease=outcome, environment=environment, person=person, options=options, facts=self._facts)
        return Admission(lease=outcome, grant=grant)

    def _decide(self, request: AdmissionRequest) -> tuple[Identity, Environment, UserOptions]:
        options = parse_options(request.user_options)
        environment = choose_environment(self.offers(), options, request.server)
        return self._directory.person(Username(request.username)), environment, options

    def _reserve(
        self,
        stores: Stores,
        request: AdmissionRequest,
        environment: Environment,
        options: UserOptions,
        actor: str,
    ) -> str | BeamtorchError:
        # A refusal is returned, not raised: raising would undo the transaction that writes it down.
        holder = stores.leases.holder(request.username, request.server)
        if holder is not None:
            try:
                refuse_second(lease=holder.id, state=holder.lease_state, server=request.server)
            except BeamtorchError as refusal:
                row = self._request(stores, request, refused=True)
                self._refuse(stores, row, refusal, actor)
                return refusal
            stores.leases.change(holder, LeaseState.FAILED, actor=actor, at=self._clock.now(), reason=SUPERSEDED)
        row = self._request(stores, request)
        row.environment, row.dataset = environment.id, options.dataset
        row.cores, row.memory, row.extended = environment.cores, environment.memory, environment.extra_resource
        stores.leases.change(row, LeaseState.ADMITTED, actor=actor, at=self._clock.now())
        if holder is not None:
            stores.audit.of_lease(
                row,
                "supersedes",
                actor=actor,
                at=self._clock.now(),
                detail=Words(en=f"lease {holder.id}", zh=f"租约 {holder.id}"),
            )
        return row.id

    def _request(self, stores: Stores, request: AdmissionRequest, *, refused: bool = False) -> LeaseRow:
        return stores.leases.add(
            username=request.username,
            server=request.server,
            user_options=request.user_options,
            source_ip=None,
            # A refused request must not meet the index of those that hold the server, not even for a moment.
            state=LeaseState.REFUSED if refused else LeaseState.REQUESTED,
            at=self._clock.now(),
        )

    def _refuse(self, stores: Stores, row: LeaseRow, refusal: BeamtorchError, actor: str) -> None:
        stores.leases.change(row, LeaseState.REFUSED, actor=actor, at=self._clock.now(), reason=refusal.detail)
