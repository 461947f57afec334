"""Registered control-room addresses, and what a start at one of them means for whoever works there."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.claims import Claim
from beamtorch_spawner.source_address import parse, resolve, shared_by_many
from beamtorch_spawner.spoken import clock_time, duration
from beamtorch_spawner.stores.audit import AuditSought
from beamtorch_spawner.stores.database import Stores
from beamtorch_spawner.stores.tables import LeaseRow, TerminalRow
from beamtorch_spawner.wire import AdmissionRequest, EventKind, LeaseState, Protection

log = logging.getLogger(__name__)
MINUTE = timedelta(minutes=1)
CROWD_WINDOW = timedelta(minutes=10)
CROWD = 3
"""More people than that at one address within the window look like a gateway, not like a terminal."""


class TerminalLockedError(SpawnerError):
    """Staff froze the terminal."""

    code = "terminal-locked"
    status = 423
    title = Words(en="This terminal is locked", zh="本终端已锁定")


class TerminalOccupiedError(SpawnerError):
    """Somebody works at the terminal, and the start has to say that this may end."""

    code = "terminal-occupied"
    status = 409
    title = Words(en="Somebody works at this terminal", zh="本终端正被使用")


class TerminalBusyError(SpawnerError):
    """What runs at the terminal was started so recently that it is left alone."""

    code = "terminal-busy"
    status = 409
    title = Words(en="Somebody just started here", zh="本终端刚有人启动")


class TerminalChangingHandsError(SpawnerError):
    """Another start waits for the terminal already."""

    code = "terminal-changing-hands"
    status = 409
    title = Words(en="This terminal is changing hands", zh="本终端正在交接")


class TerminalTooBusyError(SpawnerError):
    """Too many starts at one terminal."""

    code = "terminal-too-busy"
    status = 429
    title = Words(en="Too many starts at this terminal", zh="本终端启动过于频繁")


@dataclass(frozen=True)
class Scene:
    """What a start at a terminal finds there."""

    terminal: TerminalRow
    holder: LeaseRow | None
    waiting: LeaseRow | None
    starts_last_minute: int


def counts_now(terminal: TerminalRow, now: datetime) -> bool:
    """Tell whether a registered address is in use as a terminal at a moment."""
    begun = terminal.valid_from is None or terminal.valid_from <= now
    over = terminal.valid_until is not None and terminal.valid_until <= now
    return terminal.enabled and begun and not over


def decide(
    scene: Scene, *, username: str, server: str, confirm: str | None, most_per_minute: int, now: datetime
) -> Claim:
    """Return what a start at a terminal claims, pure.

    Raises
    ------
    SpawnerError
        If it may not start there now; each says why, and what to do.
    """
    terminal, holder = scene.terminal, scene.holder
    if terminal.protection == Protection.LOCKED:
        raise TerminalLockedError(
            Words(
                en=f"Staff locked this terminal ({_called(terminal)}); what runs goes on. Ask the beamline.",
                zh=f"工作人员已锁定本终端（{_called(terminal)}），正在运行的不受影响。请联系线站。",
            )
        )
    if scene.waiting is not None and (scene.waiting.username, scene.waiting.server) != (username, server):
        raise TerminalChangingHandsError(
            Words(
                en=f"{scene.waiting.username} is just taking over this terminal. Try again in a minute.",
                zh=f"{scene.waiting.username} 正在接手本终端，请一分钟后重试。",
            ),
            retry_after=60,
        )
    if holder is None or (holder.username, holder.server) == (username, server):
        return Claim(terminal=terminal.ip, beamline=terminal.beamline)
    if holder.lease_state is LeaseState.STOPPING:
        # It goes anyway; there is nothing to ask and nobody to tell.
        return Claim(terminal=terminal.ip, beamline=terminal.beamline, displaces=holder)
    if scene.starts_last_minute >= most_per_minute:
        raise TerminalTooBusyError(
            Words(
                en=f"{scene.starts_last_minute} starts within a minute at this terminal. Start again in a minute.",
                zh=f"本终端一分钟内已启动 {scene.starts_last_minute} 次。请一分钟后再启动。",
            ),
            retry_after=60,
        )
    return _displace(terminal, holder, username=username, confirm=confirm, now=now)


def _displace(terminal: TerminalRow, holder: LeaseRow, *, username: str, confirm: str | None, now: datetime) -> Claim:
    own = holder.username == username
    started = holder.running_at or holder.requested_at
    left_alone_until = started + timedelta(seconds=terminal.minimum_seconds)
    if not own and now < left_alone_until:
        at = clock_time(left_alone_until, now)
        raise TerminalBusyError(
            Words(
                en=f"{holder.username} started here a moment ago and is left alone until {at.en}. Start again then, "
                "or ask the beamline.",
                zh=f"{holder.username} 刚在此启动，{at.zh} 之前不会被结束。请届时再启动，或联系线站。",
            ),
            lease=holder.id,
            holder=holder.username,
            free_at=left_alone_until.isoformat(),
        )
    if not own and terminal.protection == Protection.CONFIRM and confirm != holder.id:
        since = clock_time(started, now)
        raise TerminalOccupiedError(
            Words(
                en=f"{holder.username} works at this terminal since {since.en}. Starting here ends that server. "
                f"Confirm it on the start page, or send confirm={holder.id}.",
                zh=f"{holder.username} 自 {since.zh} 起在本终端工作，在此启动将结束其服务器。"
                f"请在启动页面确认，或发送 confirm={holder.id}。",
            ),
            lease=holder.id,
            holder=holder.username,
            since=started.isoformat(),
        )
    grace = 0 if own else terminal.grace_seconds
    return Claim(
        terminal=terminal.ip, beamline=terminal.beamline, displaces=holder, evict_after=now + timedelta(seconds=grace)
    )


def _called(terminal: TerminalRow) -> str:
    return terminal.name or terminal.ip


class TerminalClaims:
    """Knows what a start at a registered address displaces; part of the transaction that admits it."""

    def __init__(self, *, policy: Callable[[], Policy], admins: Callable[[], Iterable[str]] = tuple) -> None:
        self._policy = policy
        self._admins = admins

    def source(self, request: AdmissionRequest) -> str | None:
        """Return the address that a start came from, as far as it can be believed."""
        if request.told_source is not None:
            address = parse(str(request.told_source))
        else:
            address = resolve(request.peer, self._policy())
        return str(address) if address is not None else None

    def claim(
        self, stores: Stores, request: AdmissionRequest, *, source: str | None, confirm: str | None, now: datetime
    ) -> Claim | None:
        """Return what a start claims, None for an address that is nobody's terminal; raises if it may not."""
        terminal = stores.terminals.find(source) if source is not None else None
        if source is None or terminal is None or not counts_now(terminal, now):
            return None
        # The policy may have learnt of a gateway after the address was registered.
        if shared_by_many(ip_address(source), self._policy()) is not None:
            log.warning("the terminal %s lies in a network of many; nothing is released there", source)
            return None
        self._watch_for_crowds(stores, source, request.username, now)
        holder, waiting = stores.leases.at_terminal(source)
        scene = Scene(terminal, holder, waiting, stores.terminals.starts_since(source, now - MINUTE))
        return decide(
            scene,
            username=request.username,
            server=request.server,
            confirm=confirm,
            most_per_minute=self._policy().terminal_starts_per_minute,
            now=now,
        )

    def claimed(self, stores: Stores, row: LeaseRow, claim: Claim, *, actor: str, now: datetime) -> None:
        """Tell the one who has to go."""
        displaced = claim.displaces
        if displaced is None or claim.evict_after is None:
            return
        seconds = (claim.evict_after - now).total_seconds()
        at, in_ = clock_time(claim.evict_after, now), duration(seconds)
        stores.audit.of_lease(
            displaced,
            "to-be-released",
            actor=row.username,
            at=now,
            detail=Words(
                en=f"{row.username} starts at the terminal {claim.terminal} of {claim.beamline}; the server of "
                f"{displaced.username} there ends in {in_.en}.",
                zh=f"{row.username} 在 {claim.beamline} 的终端 {claim.terminal} 启动；"
                f"{displaced.username} 在该处的服务器将于 {in_.zh}后结束。",
            ),
        )
        del actor
        if displaced.username != row.username:
            stores.events.add(
                kind=EventKind.NOTICE,
                username=displaced.username,
                lease=displaced.id,
                message=Words(
                    en=f"{row.username} starts at your terminal. Your server there ends in {in_.en}, at {at.en}; "
                    "save your work. Files stay.",
                    zh=f"{row.username} 正在您的终端启动。您在该处的服务器将在 {in_.zh}后（{at.zh}）结束，"
                    "请保存工作；文件会保留。",
                ),
                at=now,
                data={"release_at": claim.evict_after.isoformat(), "by": row.username, "terminal": claim.terminal},
            )

    def _watch_for_crowds(self, stores: Stores, ip: str, username: str, now: datetime) -> None:
        """Raise the alarm once where so many people start that the address can hardly be one terminal's."""
        since = now - CROWD_WINDOW
        people = stores.terminals.people_since(ip, since) | {username}
        if len(people) <= CROWD or stores.audit.sought(AuditSought(terminal=ip, action="crowd", since=since, limit=1)):
            return
        log.warning("%i people at the terminal %s within minutes: is it a gateway?", len(people), ip)
        said = Words(
            en=f"{len(people)} people started at {ip} within ten minutes. If it is a gateway and no terminal, remove "
            "it: each start there ends the last one's server.",
            zh=f"十分钟内有 {len(people)} 人在 {ip} 启动。若它是网关而非终端，请删除登记："
            "每次启动都会结束前一人的服务器。",
        )
        stores.audit.of_facility("crowd", actor="terminals", at=now, terminal=ip, detail=said)
        for admin in self._admins():
            stores.events.add(
                kind=EventKind.NOTICE, username=admin, lease=None, message=said, at=now, data={"terminal": ip}
            )
