"""Admission: a start is asked for, decided, and written down whatever the answer is."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from beamtorch_facility.directory import Directory
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.identity import Identity, Username
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import Environment, load_environments
from beamtorch_spawner.services.grants import Facts, make_grant
from beamtorch_spawner.services.policy import choose_environment, parse_options, refuse_second
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.leases import Leases
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import AdmissionRequest, Grant, LeaseState, UserOptions

SUPERSEDED = Words(
    en="The start never came to running, and the person started the server again.",
    zh="该次启动未完成，用户已重新启动此服务器。",
)


class Admission:
    """Decides on starts."""

    def __init__(
        self,
        *,
        database: Database,
        directory: Directory,
        environments: Path,
        facts: Facts,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._directory = directory
        self._environments = environments
        self._facts = facts
        self._clock = clock

    def offers(self) -> tuple[Environment, ...]:
        """Return the environments, read afresh."""
        return load_environments(self._environments)

    def admit(self, request: AdmissionRequest, *, actor: str) -> Grant:
        """Return the grant of a start, or raise the refusal; both leave a lease and audit rows.

        Raises
        ------
        BeamtorchError
            The refusal: an unknown person, environment or option, or a server that already runs.
        """
        try:
            person, environment, options = self._decide(request)
        except BeamtorchError as refusal:
            with self._database.transaction() as leases:
                self._refuse(leases, self._request(leases, request), refusal, actor)
            raise
        with self._database.transaction() as leases:
            outcome = self._reserve(leases, request, environment, options, actor)
        if isinstance(outcome, BeamtorchError):
            raise outcome
        return make_grant(lease=outcome, environment=environment, person=person, options=options, facts=self._facts)

    def _decide(self, request: AdmissionRequest) -> tuple[Identity, Environment, UserOptions]:
        options = parse_options(request.user_options)
        environment = choose_environment(self.offers(), options, request.server)
        return self._directory.person(Username(request.username)), environment, options

    def _reserve(
        self,
        leases: Leases,
        request: AdmissionRequest,
        environment: Environment,
        options: UserOptions,
        actor: str,
    ) -> str | BeamtorchError:
        # A refusal is returned, not raised: raising would undo the transaction that writes it down.
        holder = leases.holder(request.username, request.server)
        if holder is not None:
            try:
                refuse_second(lease=holder.id, state=holder.lease_state, server=request.server)
            except BeamtorchError as refusal:
                row = self._request(leases, request, refused=True)
                self._refuse(leases, row, refusal, actor)
                return refusal
            leases.change(holder, LeaseState.FAILED, actor=actor, at=self._clock(), reason=SUPERSEDED)
        row = self._request(leases, request)
        row.environment, row.dataset = environment.id, options.dataset
        row.cores, row.memory, row.gpus = environment.cores, environment.memory, environment.gpus
        leases.change(row, LeaseState.ADMITTED, actor=actor, at=self._clock())
        if holder is not None:
            leases.record(row, "supersedes", actor=actor, at=self._clock(), detail=f"lease {holder.id}")
        return row.id

    def _request(self, leases: Leases, request: AdmissionRequest, *, refused: bool = False) -> LeaseRow:
        return leases.add(
            username=request.username,
            server=request.server,
            user_options=request.user_options,
            source_ip=str(request.source_ip) if request.source_ip else None,
            # A refused request must not meet the index of those that hold the server, not even for a moment.
            state=LeaseState.REFUSED if refused else LeaseState.REQUESTED,
            at=self._clock(),
        )

    def _refuse(self, leases: Leases, row: LeaseRow, refusal: BeamtorchError, actor: str) -> None:
        leases.change(row, LeaseState.REFUSED, actor=actor, at=self._clock(), reason=refusal.detail)
