"""Registering control-room addresses, and what is to be seen at them."""

from collections.abc import Callable
from ipaddress import ip_network

from beamtorch_facility.clock import Clock
from beamtorch_facility.identity import Identity
from beamtorch_facility.proposal import BeamlineId
from beamtorch_facility.words import Words
from beamtorch_spawner.errors import SpawnerError
from beamtorch_spawner.policy_file import Policy
from beamtorch_spawner.services.asking import Starts
from beamtorch_spawner.services.terminals import counts_now
from beamtorch_spawner.source_address import parse, resolve, shared_by_many
from beamtorch_spawner.stores.database import Database, Stores
from beamtorch_spawner.stores.tables import LeaseRow, TerminalRow
from beamtorch_spawner.wire import HereNow, Peer, Protection, Terminal, TerminalInfo

LINK_LOCAL = ip_network("fe80::/10")


class NotATerminalError(SpawnerError):
    """An address behind which there may be anybody."""

    code = "not-a-terminal"
    status = 422
    title = Words(en="This cannot be a terminal", zh="此地址不能登记为终端")


class UnknownTerminalError(SpawnerError):
    """An address that is not registered."""

    code = "unknown-terminal"
    status = 404
    title = Words(en="There is no such terminal", zh="没有此终端")


class TerminalKnownError(SpawnerError):
    """An address that is registered already."""

    code = "terminal-known"
    status = 409
    title = Words(en="This terminal is registered already", zh="此终端已登记")


class TerminalBook:
    """Terminals as the doors need them."""

    def __init__(self, *, database: Database, clock: Clock, policy: Callable[[], Policy], starts: Starts) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._starts = starts

    def listed(self) -> list[Terminal]:
        """Return every terminal with what it holds."""
        with self._database.reading() as stores:
            return [_view(row, stores.leases.at_terminal(row.ip)[0]) for row in stores.terminals.all()]

    def add(self, info: TerminalInfo, *, actor: str) -> Terminal:
        """Register an address; raises `TerminalKnownError` for a second time."""
        with self._database.transaction() as stores:
            if stores.terminals.find(_name(info)) is not None:
                raise TerminalKnownError(
                    Words(
                        en=f"{info.ip} is registered already. PUT uniqueipinfo/ changes it.",
                        zh=f"{info.ip} 已登记。可用 PUT uniqueipinfo/ 修改。",
                    )
                )
            return self._put(stores, info, "terminal-registered", actor)

    def change(self, info: TerminalInfo, *, actor: str) -> Terminal:
        """Register an address, or change what is registered for it."""
        with self._database.transaction() as stores:
            return self._put(stores, info, "terminal-changed", actor)

    def remove(self, ip: str, *, actor: str) -> None:
        """Remove an address; what was started there goes on."""
        address = parse(ip)
        with self._database.transaction() as stores:
            row = stores.terminals.find(str(address)) if address is not None else None
            if row is None:
                raise UnknownTerminalError(
                    Words(
                        en=f"“{ip[:60]}” is not registered. GET uniqueipinfo/ lists the terminals.",
                        zh=f"“{ip[:60]}”未登记。可用 GET uniqueipinfo/ 查看终端。",
                    )
                )
            stores.audit.of_facility(
                "terminal-removed",
                actor=actor,
                at=self._clock.now(),
                terminal=row.ip,
                detail=Words(
                    en=f"{row.ip} of {row.beamline} is no terminal any more.",
                    zh=f"{row.beamline} 的 {row.ip} 不再是终端。",
                ),
            )
            stores.terminals.remove(row)

    def here(self, peer: Peer, *, username: str) -> HereNow:
        """Return what a browser at an address may know before it starts something there."""
        address = resolve(peer, self._policy())
        now = self._clock.now()
        with self._database.reading() as stores:
            row = stores.terminals.find(str(address)) if address is not None else None
            if row is None or address is None or not counts_now(row, now) or shared_by_many(address, self._policy()):
                return HereNow(terminal=None)
            holder, _ = stores.leases.at_terminal(row.ip)
        return self._here(row, holder, username)

    def _here(self, row: TerminalRow, holder: LeaseRow | None, username: str) -> HereNow:
        here = HereNow(
            terminal=row.ip,
            name=row.name,
            beamline=row.beamline,
            locked=row.protection == Protection.LOCKED,
            needs_confirmation=row.protection == Protection.CONFIRM,
            grace_seconds=row.grace_seconds,
        )
        if holder is None:
            return here
        environment = next((one for one in self._starts.offers() if one.id == holder.environment), None)
        return here.model_copy(
            update={
                "holder": holder.username,
                "holder_name": _full_name(self._starts.person(holder.username)),
                "lease": holder.id,
                "environment": environment.name if environment else None,
                "since": holder.running_at or holder.requested_at,
                "expires_at": holder.expires_at,
                "is_own": holder.username == username,
            }
        )

    def _put(self, stores: Stores, info: TerminalInfo, action: str, actor: str) -> Terminal:
        address = parse(str(info.ip))
        shared = shared_by_many(address, self._policy()) if address is not None else None
        if address is None or shared is not None:
            # A zone that is longer than any address leaves nothing to look at; only link-local addresses have one.
            shared = shared or LINK_LOCAL
            raise NotATerminalError(
                Words(
                    en=f"{info.ip} lies in {shared}, which many share: loopback, a proxy, pods or a gateway. "
                    "A start of one would end the work of another. Register the terminal's own address.",
                    zh=f"{info.ip} 位于 {shared}，该网段由多方共用（本机、代理、容器、服务或网关）。"
                    "一人启动会结束他人的工作。请登记终端自身的地址。",
                )
            )
        now = self._clock.now()
        row = stores.terminals.put(
            TerminalRow(
                ip=_name(info),
                beamline=str(info.beamline),
                name=info.name,
                enabled=info.enabled,
                protection=info.protection.value,
                grace_seconds=info.grace_seconds,
                minimum_seconds=info.minimum_seconds,
                valid_from=info.valid_from,
                valid_until=info.valid_until,
                changed_at=now,
                changed_by=actor,
            )
        )
        said = f"{row.ip} ({row.name or row.beamline}, {row.protection})"
        stores.audit.of_facility(action, actor=actor, at=now, terminal=row.ip, detail=Words(en=said, zh=said))
        return _view(row, stores.leases.at_terminal(row.ip)[0])


def _name(info: TerminalInfo) -> str:
    """Return the one way in which an address is written: IPv4 in IPv6 clothes is IPv4."""
    return str(parse(str(info.ip)) or info.ip)


def _full_name(person: Identity | None) -> Words | None:
    return person.full_name if person is not None else None


def _view(row: TerminalRow, holder: LeaseRow | None) -> Terminal:
    return Terminal.model_validate(
        {
            "ip": row.ip,
            "beamline": BeamlineId(row.beamline),
            "name": row.name,
            "enabled": row.enabled,
            "protection": row.protection,
            "grace_seconds": row.grace_seconds,
            "minimum_seconds": row.minimum_seconds,
            "valid_from": row.valid_from,
            "valid_until": row.valid_until,
            "changed_at": row.changed_at,
            "changed_by": row.changed_by,
            "lease": holder.id if holder else None,
            "holder": holder.username if holder else None,
        }
    )
