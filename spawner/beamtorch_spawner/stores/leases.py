"""Leases in the database: adding, finding, changing, each change with its audit row. It decides nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import uuid4

from sqlalchemy import CursorResult, Select, and_, bindparam, or_, select, text, tuple_, update
from sqlalchemy.orm import Session

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import UnknownLeaseError
from beamtorch_spawner.resources import amounts
from beamtorch_spawner.stores.audit import NOTHING, Audit
from beamtorch_spawner.stores.events import Events
from beamtorch_spawner.stores.tables import HOLDS_SERVER, Base, LeaseRow
from beamtorch_spawner.wire import EventKind, LeaseState

_OVER = tuple(state.value for state in LeaseState if not state.is_active)
_ACTIVE = text(HOLDS_SERVER)
"""Word for word as in the indexes: a database that gets the states as parameters cannot tell that those will do."""
_STARTING = (LeaseState.REQUESTED.value, LeaseState.ADMITTED.value, LeaseState.STARTING.value)

_SAID = {
    LeaseState.REQUESTED: Words(en="A server was asked for.", zh="已申请服务器。"),
    LeaseState.ADMITTED: Words(en="The start was admitted.", zh="启动申请已批准。"),
    LeaseState.STARTING: Words(en="The server starts.", zh="服务器正在启动。"),
    LeaseState.RUNNING: Words(en="The server runs.", zh="服务器正在运行。"),
    LeaseState.STOPPING: Words(en="The server is being stopped.", zh="正在停止服务器。"),
    LeaseState.ENDED: Words(en="The server has ended.", zh="服务器已结束。"),
    LeaseState.REFUSED: Words(en="The start was refused.", zh="启动申请被拒绝。"),
    LeaseState.FAILED: Words(en="The start failed.", zh="启动失败。"),
}


def _written(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


class Held(NamedTuple):
    """What one active lease holds; a tuple, because every admission reads them all."""

    id: str
    username: str
    server: str
    groups: list[str] | None
    beamline: str | None
    cores: float
    memory: int
    extended: dict[str, int] | None
    awaits: str | None
    expires_at: datetime | None

    @property
    def amounts(self) -> dict[str, int]:
        """What it holds in whole numbers, as `Resources.amounts`."""
        return amounts(self.cores, self.memory, self.extended or {})


_LEASES = Base.metadata.tables[LeaseRow.__tablename__]
_ALL_HELD = select(*(_LEASES.c[name] for name in Held._fields)).where(_ACTIVE)
_DUE = and_(
    _ACTIVE,
    or_(
        and_(_LEASES.c.state.in_(_STARTING), _LEASES.c.changed_at < bindparam("unheard_since")),
        and_(_LEASES.c.state == LeaseState.STOPPING.value, _LEASES.c.changed_at < bindparam("stopping_since")),
        and_(_LEASES.c.state == LeaseState.RUNNING.value, _LEASES.c.expires_at <= bindparam("ends_before")),
    ),
)
# What the workers ask every second, and to which the answer nearly always is no: one trip, and no rows of objects.
_ANY_DUE = select(_LEASES.c.id).where(_DUE).limit(1)
_ANY_AWAITED = select(_LEASES.c.id).where(_LEASES.c.awaits.is_not(None)).limit(1)


class Leases:
    """The leases, within one transaction."""

    def __init__(self, session: Session, audit: Audit, events: Events) -> None:
        self._session = session
        self._audit = audit
        self._events = events

    def add(
        self,
        *,
        username: str,
        server: str,
        user_options: dict[str, Any],
        source_ip: str | None,
        state: LeaseState,
        at: datetime,
        lease: str | None = None,
    ) -> LeaseRow:
        """Add a lease; it is written at the end of the transaction, or when the next question is asked."""
        row = LeaseRow(
            id=lease or uuid4().hex,
            username=username,
            server=server,
            user_options=user_options,
            state=state.value,
            cores=0.0,
            memory=0,
            extended={},
            source_ip=source_ip,
            requested_at=at,
            changed_at=at,
        )
        self._session.add(row)
        return row

    def find(self, lease: str) -> LeaseRow | None:
        """Return one lease."""
        return self._session.get(LeaseRow, lease)

    def get(self, lease: str) -> LeaseRow:
        """Return one lease.

        Raises
        ------
        UnknownLeaseError
            If there is none of that id.
        """
        row = self.find(lease)
        if row is None:
            raise unknown_lease(lease)
        return row

    def active(self) -> Sequence[LeaseRow]:
        """Return every lease that holds its server, oldest first."""
        return self._oldest_first(select(LeaseRow).where(_ACTIVE))

    def held(self) -> tuple[Held, ...]:
        """Return what every active lease holds."""
        self._session.flush()
        return tuple(Held._make(row) for row in self._session.connection().execute(_ALL_HELD))

    def due(self, *, unheard_since: datetime, stopping_since: datetime, ends_before: datetime) -> Sequence[LeaseRow]:
        """Return starts not heard of since a moment, stops since another, and what runs until before a third."""
        times = {"unheard_since": unheard_since, "stopping_since": stopping_since, "ends_before": ends_before}
        if self._session.connection().execute(_ANY_DUE, times).first() is None:
            return ()
        return self._oldest_first(select(LeaseRow).where(_DUE).params(times))

    def is_any_awaited(self) -> bool:
        """Tell whether a start waits for another's end, or ended while it did and that is not told yet."""
        return self._session.connection().execute(_ANY_AWAITED).first() is not None

    def reserved(self) -> Sequence[LeaseRow]:
        """Return the leases whose ticket nobody has brought, and that wait for no other."""
        wanted = select(LeaseRow).where(
            _ACTIVE,
            LeaseRow.state == LeaseState.ADMITTED.value,
            LeaseRow.ticket_hash.is_not(None),
            LeaseRow.redeemed_at.is_(None),
            LeaseRow.awaits.is_(None),
        )
        return self._oldest_first(wanted)

    def waiting(self) -> Sequence[LeaseRow]:
        """Return the leases that wait for the end of another."""
        wanted = select(LeaseRow).where(LeaseRow.awaits.is_not(None), _ACTIVE)
        return self._oldest_first(wanted)

    def _oldest_first(self, wanted: Select[LeaseRow]) -> list[LeaseRow]:
        # Asked to sort, a database walks every lease there ever was in its order instead of the few active ones.
        return sorted(self._session.scalars(wanted), key=lambda row: (row.requested_at, row.id))

    def ended_since(self, at: datetime) -> Sequence[LeaseRow]:
        """Return the leases that ended after a moment."""
        return self._session.scalars(select(LeaseRow).where(LeaseRow.ended_at > at)).all()

    def held_between(self, since: datetime, until: datetime) -> Sequence[LeaseRow]:
        """Return the leases whose servers held their resources at some time between two moments."""
        wanted = select(LeaseRow).where(
            LeaseRow.held_from < until, or_(LeaseRow.held_until.is_(None), LeaseRow.held_until > since)
        )
        return self._session.scalars(wanted).all()

    def of_ticket(self, ticket_hash: str) -> LeaseRow | None:
        """Return the lease that a ticket is for."""
        return self._session.scalars(select(LeaseRow).where(LeaseRow.ticket_hash == ticket_hash)).one_or_none()

    def redeem(self, row: LeaseRow, *, at: datetime) -> bool:
        """Use a lease's ticket up; False if somebody was faster, in whatever replica."""
        first = update(LeaseRow).where(LeaseRow.id == row.id, LeaseRow.redeemed_at.is_(None)).values(redeemed_at=at)
        return bool(cast("CursorResult[Any]", self._session.execute(first)).rowcount)

    def at_terminal(self, terminal: str) -> tuple[LeaseRow | None, LeaseRow | None]:
        """Return the lease that holds a registered address, and the one that waits for it."""
        wanted = select(LeaseRow).where(LeaseRow.terminal == terminal, _ACTIVE)
        rows = self._session.scalars(wanted).all()
        return next((row for row in rows if row.awaits is None), None), next((row for row in rows if row.awaits), None)

    def waiting_for(self, lease: str) -> Sequence[LeaseRow]:
        """Return the leases that wait for the end of one."""
        return self._session.scalars(select(LeaseRow).where(LeaseRow.awaits == lease, _ACTIVE)).all()

    def gave_up_waiting(self, since: datetime) -> Sequence[LeaseRow]:
        """Return leases, asked for since a moment, that ended while they waited for another."""
        wanted = select(LeaseRow).where(
            LeaseRow.requested_at > since, LeaseRow.awaits.is_not(None), LeaseRow.state.in_(_OVER)
        )
        return self._session.scalars(wanted).all()

    def holder(self, username: str, server: str) -> LeaseRow | None:
        """Return the lease that holds a server."""
        wanted = select(LeaseRow).where(LeaseRow.username == username, LeaseRow.server == server, _ACTIVE)
        return self._session.scalars(wanted).one_or_none()

    def newest(
        self,
        *,
        username: str | None = None,
        server: str | None = None,
        terminal: str | None = None,
        state: LeaseState | None = None,
        active: bool = False,
        before: LeaseRow | None = None,
        limit: int,
    ) -> Sequence[LeaseRow]:
        """Return leases, newest first; of one person, or of everybody."""
        wanted = select(LeaseRow).order_by(LeaseRow.requested_at.desc(), LeaseRow.id.desc()).limit(limit)
        same = {"username": username, "server": server, "terminal": terminal, "state": state and state.value}
        wanted = wanted.filter_by(**{name: value for name, value in same.items() if value is not None})
        if active:
            wanted = wanted.where(_ACTIVE)
        if before is not None:
            page = tuple_(LeaseRow.requested_at, LeaseRow.id) < (before.requested_at, before.id)
            wanted = wanted.where(page)
        return self._session.scalars(wanted).all()

    def change(
        self, row: LeaseRow, state: LeaseState, *, actor: str, at: datetime, reason: Words | None = None
    ) -> None:
        """Bring a lease to a state and write down who did it."""
        row.state = state.value
        row.changed_at = at
        if reason is not None:
            row.reason_en, row.reason_zh = reason.en, reason.zh
        if not state.is_active:
            row.ended_at = at
            if row.held_from is not None and row.held_until is None:
                # Whoever knows better when the pod was gone has said so before.
                row.held_until = max(at, row.held_from)
        # The partial index sees rows in the order of their statements, so an old lease leaves before a new one comes.
        self._session.flush()
        if not state.is_active:
            for waiting in self.waiting_for(row.id):
                # From here on it is a start like any other, which has its own time to come to something.
                waiting.awaits, waiting.changed_at = None, at
            self._session.flush()
        self._audit.of_lease(row, state.value, actor=actor, at=at, detail=reason or NOTHING)
        if state is not LeaseState.REQUESTED:
            self._events.add(
                kind=EventKind.LEASE,
                username=row.username,
                lease=row.id,
                message=reason or _SAID[state],
                at=at,
                data={"state": state.value, "server": row.server, "expires_at": _written(row.expires_at)},
            )


def unknown_lease(lease: str) -> UnknownLeaseError:
    """Return the error for a lease that does not exist, or not for the one who asks."""
    return UnknownLeaseError(
        Words(
            en=f"There is no lease “{lease[:40]}”. GET leases lists them.",
            zh=f"没有租约“{lease[:40]}”。可用 GET leases 查看。",
        )
    )
