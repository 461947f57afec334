"""Admission: a start is asked for, decided, and written down whatever the answer is. One start is one admission.

A start comes in one of two ways: the Hub's spawner asks when somebody pressed a button there (`admit`), or POST
userpod/ reserves a lease first and then asks the Hub (`reserve`), whose spawner brings the lease's ticket back.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from beamtorch_facility.clock import Clock
from beamtorch_facility.errors import BeamtorchError
from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError, StartUnderWayError
from beamtorch_spawner.services.asking import Start, Starts
from beamtorch_spawner.services.choices import with_choice
from beamtorch_spawner.services.claims import Claim, Terminals
from beamtorch_spawner.services.grants import Facts, make_grant
from beamtorch_spawner.services.policy import refuse_second
from beamtorch_spawner.services.quotas import Asking
from beamtorch_spawner.services.room import demand_room
from beamtorch_spawner.services.wish import Wish, check_wish
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import Admission, AdmissionRequest, LeaseState, Waiting

SUPERSEDED = Words(
    en="The start never came to running, and the person started the server again.",
    zh="该次启动未完成，用户已重新启动此服务器。",
)
RESERVED_SECONDS = 120
"""How long a reservation that the Hub was not asked for keeps others from its server."""


class KeyReusedError(SpawnerError):
    """An idempotency key that came before with another request."""

    code = "key-reused"
    status = 409
    title = Words(en="This key was used for another request", zh="此幂等键已用于其他请求")


class LeaseNotGrantedError(SpawnerError):
    """A lease that was asked about is over."""

    code = "lease-not-granted"
    status = 409
    title = Words(en="The start was given up", zh="启动已取消")


@dataclass(frozen=True)
class RequestKey:
    """An idempotency key, whose it is, and what the request was."""

    owner: str
    key: str
    fingerprint: str


@dataclass(frozen=True)
class Reserved:
    """A lease that waits for the Hub to start its server."""

    lease: str
    is_new: bool


class Admissions:
    """Decides on starts."""

    def __init__(
        self,
        *,
        database: Database,
        starts: Starts,
        facts: Facts,
        clock: Clock,
        secret: str,
        terminals: Terminals,
        watch: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._starts = starts
        self._facts = facts
        self._clock = clock
        self._secret = secret.encode()
        self._terminals = terminals
        self._watch = watch

    # -- the Hub's spawner asks --------------------------------------------------------------------

    def admit(self, request: AdmissionRequest, *, actor: str) -> Admission:
        """Return the grant of a start or the wait for it, or raise the refusal; all leave a lease and audit rows.

        Raises
        ------
        BeamtorchError
            The refusal: an unknown person, environment or option, a full quota, or a server that already runs.
        """
        if (redeemed := self._redeem(request)) is not None:
            return self.outcome(redeemed)
        start = self._judge(request, actor)
        with self._database.admitting() as stores:
            row = self._decide(stores, request, start, wish=Wish(), actor=actor)
            awaited = _awaited(stores, row) if isinstance(row, LeaseRow) else None
        if isinstance(row, BeamtorchError):
            raise row
        return self._told(row, awaited)

    def outcome(self, lease: str) -> Admission:
        """Return what became of an admission: a grant, or still a wait.

        Raises
        ------
        LeaseNotGrantedError
            If the lease ended before it could start.
        """
        with self._database.reading() as stores:
            row = stores.leases.get(lease)
            if not row.lease_state.is_active:
                raise LeaseNotGrantedError(_why_over(row), lease=row.id)
            awaited = _awaited(stores, row)
        return self._told(row, awaited)

    def _told(self, row: LeaseRow, awaited: LeaseRow | None) -> Admission:
        if awaited is not None:
            return Admission(lease=row.id, grant=None, waiting=_waiting(row, awaited))
        person = self._starts.person(row.username)
        grant = make_grant(
            row,
            environment=self._starts.environment(row.environment),
            person=person,
            lifetime=self._starts.policy().lifetime(tuple(row.groups or ())),
            facts=self._facts,
        )
        return Admission(lease=row.id, grant=grant)

    def _redeem(self, request: AdmissionRequest) -> str | None:
        """Return the reserved lease that a ticket is for, once; a ticket that fits nothing is as good as none."""
        ticket = request.user_options.get("ticket")
        if not isinstance(ticket, str):
            return None
        with self._database.transaction() as stores:
            row = stores.leases.of_ticket(_digest(ticket))
            fits = (
                row is not None
                and (row.username, row.server) == (request.username, request.server)
                and row.lease_state is LeaseState.ADMITTED
            )
            if row is None or not fits or not stores.leases.redeem(row, at=self._clock.now()):
                return None
            row.browser_session = row.browser_session or request.browser_session
            return row.id

    # -- POST userpod/ asks ------------------------------------------------------------------------

    def reserve(self, request: AdmissionRequest, *, wish: Wish, actor: str, key: RequestKey | None = None) -> Reserved:
        """Return a lease whose start the Hub is still to be asked for; the same key gives the same lease.

        Raises
        ------
        KeyReusedError
            If the key came before with another request.
        BeamtorchError
            The refusal, as in `admit`.
        """
        if key is not None and (known := self._known(key)) is not None:
            return known
        check_wish(wish)
        start = self._judge(request, actor)
        with self._database.admitting() as stores:
            # Two with the same key may both have come this far; the second finds what the first wrote.
            if key is not None and (known := self._of_key(stores, key)) is not None:
                return known
            row = self._decide(stores, request, start, wish=wish, actor=actor, is_reservation=True)
            if isinstance(row, LeaseRow) and key is not None:
                stores.request_keys.add(
                    owner=key.owner, key=key.key, fingerprint=key.fingerprint, lease=row.id, at=self._clock.now()
                )
        if isinstance(row, BeamtorchError):
            raise row
        return Reserved(row.id, is_new=True)

    def ticket(self, lease: str) -> str:
        """Return the ticket of a lease; made anew from our secret, so that a retry after a crash has it, too."""
        return hmac.new(self._secret, f"ticket:{lease}".encode(), hashlib.sha256).hexdigest()[:48]

    def _known(self, key: RequestKey) -> Reserved | None:
        with self._database.reading() as stores:
            return self._of_key(stores, key)

    @staticmethod
    def _of_key(stores: Stores, key: RequestKey) -> Reserved | None:
        row = stores.request_keys.find(key.owner, key.key)
        if row is None:
            return None
        if row.fingerprint != key.fingerprint:
            raise KeyReusedError(
                Words(
                    en="This Idempotency-Key was sent before with another request. Use a new key for a new request.",
                    zh="此 Idempotency-Key 已用于另一请求。新的请求请使用新的键。",
                )
            )
        return Reserved(row.lease, is_new=False)

    # -- the decision ------------------------------------------------------------------------------

    def _judge(self, request: AdmissionRequest, actor: str) -> Start:
        try:
            return self._starts.judge(request)
        except BeamtorchError as refusal:
            with self._database.transaction() as stores:
                self._refuse(stores, request, refusal, actor=actor, source=self._terminals.source(request))
            raise

    def _decide(
        self,
        stores: Stores,
        request: AdmissionRequest,
        start: Start,
        *,
        wish: Wish,
        actor: str,
        is_reservation: bool = False,
    ) -> LeaseRow | BeamtorchError:
        # A refusal is returned, not raised: raising would undo the transaction that writes it down.
        now, source = self._clock.now(), self._terminals.source(request)
        held = stores.leases.held()
        of_server = next(
            (one.id for one in held if (one.username, one.server) == (request.username, request.server)), None
        )
        holder = stores.leases.get(of_server) if of_server is not None else None
        try:
            if holder is not None:
                held = tuple(one for one in held if one.id != holder.id)
                _refuse_while_held(holder, request.server, now, by_order=is_reservation)
                # It is over whatever becomes of this start, and must not stand in its way.
                stores.leases.change(holder, LeaseState.FAILED, actor=actor, at=now, reason=SUPERSEDED)
            start = with_choice(start, stores.choices.find(request.username, request.server))
            claim = self._terminals.claim(stores, request, source=source, confirm=start.options.confirm, now=now)
            demand_room(stores, held, _asking(request, start, claim), now)
        except BeamtorchError as refusal:
            self._refuse(stores, request, refusal, actor=actor, source=source)
            return refusal
        row = self._admitted(stores, request, start, wish=wish, claim=claim, source=source)
        if is_reservation:
            row.ticket_hash = _digest(self.ticket(row.id))
        stores.leases.change(row, LeaseState.ADMITTED, actor=actor, at=now)
        self._watch("admitted")
        if holder is not None:
            before = Words(en=f"lease {holder.id}", zh=f"租约 {holder.id}")
            stores.audit.of_lease(row, "supersedes", actor=actor, at=now, detail=before)
        if claim is not None:
            self._terminals.claimed(stores, row, claim, actor=actor, now=now)
        return row

    def _admitted(
        self,
        stores: Stores,
        request: AdmissionRequest,
        start: Start,
        *,
        wish: Wish,
        claim: Claim | None,
        source: str | None,
    ) -> LeaseRow:
        row = stores.leases.add(
            username=request.username,
            server=request.server,
            user_options={name: value for name, value in request.user_options.items() if name != "ticket"},
            source_ip=source,
            state=LeaseState.REQUESTED,
            at=self._clock.now(),
        )
        row.environment = start.environment.id if start.environment else None
        row.dataset, row.image, row.groups = start.options.dataset, start.image, list(start.groups)
        row.cores, row.memory, row.extended = (
            start.resources.cores,
            start.resources.memory,
            dict(start.resources.extended),
        )
        row.wish, row.description = wish.model_dump(mode="json"), wish.description
        row.run_seconds = min(wish.run_seconds or start.lifetime.first, start.lifetime.ceiling)
        row.browser_session = request.browser_session
        if claim is not None:
            row.terminal, row.beamline = claim.terminal, claim.beamline
            row.awaits = claim.displaces.id if claim.displaces is not None else None
            row.evict_after = claim.evict_after
        return row

    def _refuse(
        self, stores: Stores, request: AdmissionRequest, refusal: BeamtorchError, *, actor: str, source: str | None
    ) -> None:
        row = stores.leases.add(
            username=request.username,
            server=request.server,
            user_options={name: value for name, value in request.user_options.items() if name != "ticket"},
            source_ip=source,
            # A refused request must not meet the index of those that hold the server, not even for a moment.
            state=LeaseState.REFUSED,
            at=self._clock.now(),
        )
        stores.leases.change(row, LeaseState.REFUSED, actor=actor, at=self._clock.now(), reason=refusal.detail)
        self._watch(refusal.code)


def _awaited(stores: Stores, row: LeaseRow) -> LeaseRow | None:
    return stores.leases.find(row.awaits) if row.awaits else None


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()


def _asking(request: AdmissionRequest, start: Start, claim: Claim | None) -> Asking:
    displaced = claim.displaces.id if claim is not None and claim.displaces is not None else None
    return Asking(
        username=request.username,
        groups=frozenset(start.groups),
        beamline=claim.beamline if claim is not None else None,
        amounts=start.resources.amounts(),
        displaces=displaced,
        is_admin=start.is_admin,
    )


def _refuse_while_held(holder: LeaseRow, server: str, now: datetime, *, by_order: bool) -> None:
    """Refuse a second start; to the Hub, which knows its servers, one that never came to running gives way."""
    state, fresh = holder.lease_state, holder.changed_at > now - timedelta(seconds=RESERVED_SECONDS)
    is_reserved = holder.ticket_hash is not None and holder.redeemed_at is None and fresh
    is_on_its_way = by_order and fresh and state in {LeaseState.ADMITTED, LeaseState.STARTING}
    if is_on_its_way or (state is LeaseState.ADMITTED and (is_reserved or holder.awaits is not None)):
        raise StartUnderWayError(
            Words(
                en="This server is being started already. Wait for it, or stop it first.",
                zh="该服务器正在启动。请等待，或先停止它。",
            ),
            lease=holder.id,
        )
    refuse_second(lease=holder.id, state=holder.lease_state, server=server)


def _waiting(row: LeaseRow, awaited: LeaseRow) -> Waiting:
    until = row.evict_after or row.requested_at
    return Waiting(
        message=Words(
            en=f"The server of {awaited.username} at this terminal is being ended; yours starts right after it.",
            zh=f"正在结束本终端上 {awaited.username} 的服务器，随后启动您的服务器。",
        ),
        until=until,
    )


def _why_over(row: LeaseRow) -> Words:
    if row.reason_en and row.reason_zh:
        return Words(en=row.reason_en, zh=row.reason_zh)
    return Words(
        en="This start ended before the server ran. Start again.", zh="该次启动在服务器运行前已结束，请重新启动。"
    )
