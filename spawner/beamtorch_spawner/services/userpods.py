"""Servers as an existing console starts, changes and stops them: one call, one admission, one server."""

import hashlib
import json
import logging
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.environments import DEFAULT_SERVER
from beamtorch_spawner.errors import ServerInUseError, SpawnerError, SpawnerRefusedError, StartUnderWayError
from beamtorch_spawner.services.admissions import Admissions, RequestKey
from beamtorch_spawner.services.background import Background
from beamtorch_spawner.services.choices import Choices
from beamtorch_spawner.services.endings import Endings
from beamtorch_spawner.services.leases import LeaseBook
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.services.views import server_view
from beamtorch_spawner.services.wish import Wish
from beamtorch_spawner.source_address import parse
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.stores.tables import LeaseRow
from beamtorch_spawner.wire import (
    AdmissionRequest,
    LeaseState,
    Peer,
    UserPodChange,
    UserPodRequest,
    UserServer,
)

log = logging.getLogger(__name__)
ACTOR = "userpods"


RUNS_WITHOUT_LEASE = Words(
    en="The hub runs this server already, without a lease. Stop it on the hub's page and start it again.",
    zh="Hub 已在运行该服务器，但没有租约。请在 Hub 页面停止后重新启动。",
)


class NothingRunsError(SpawnerError):
    """A server that does not run."""

    code = "nothing-runs"
    status = 404
    title = Words(en="Nothing runs there", zh="没有运行中的服务器")


@dataclass(frozen=True)
class Order:
    """A request of POST userpod/, with what the door knows about the one who sent it."""

    request: UserPodRequest
    actor: str
    peer: Peer
    may_tell_source: bool
    key: str | None
    confirm: str | None


def server_of(podname: str | None) -> str:
    """Return the Hub's server name of a pod's name."""
    return "" if podname in {None, "", DEFAULT_SERVER} else str(podname)


class UserPods:
    """Starts, changes and stops servers through the Hub, so that each has a route, an owner and a token."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        admissions: Admissions,
        leases: LeaseBook,
        endings: Endings,
        choices: Choices,
        hub: HubApi,
        public_url: str,
    ) -> None:
        self._database = database
        self._clock = clock
        self._admissions = admissions
        self._leases = leases
        self._endings = endings
        self._choices = choices
        self._hub = hub
        self._public_url = public_url
        self.background = Background("starts")

    async def start(self, order: Order) -> tuple[UserServer, bool]:
        """Return the server that a request starts or has started, and whether it is a new one."""
        reserved = await run_in_threadpool(self._reserve, order)
        if reserved.is_new:
            log.info("%s reserved lease %s for %s", order.actor, reserved.lease, order.request.username)
        self.background.begin(reserved.lease, self._ask(reserved.lease))
        return await run_in_threadpool(self._view, reserved.lease), reserved.is_new

    def _reserve(self, order: Order) -> Any:
        request = _admission_request(order)
        key = None
        if order.key is not None:
            said = json.dumps(order.request.model_dump(mode="json"), sort_keys=True)
            key = RequestKey(order.actor, order.key, hashlib.sha256(said.encode()).hexdigest())
        ignored = order.request.sourceip is not None and not order.may_tell_source
        if ignored:
            told = order.request.sourceip
            log.warning("%s told the source address %.60s without the scope for it", order.actor, told)
        try:
            reserved = self._admissions.reserve(request, wish=_wish(order.request), actor=order.actor, key=key)
        except (ServerInUseError, StartUnderWayError) as in_use:
            found = str(in_use.facts["lease"])
            if self._row(found).lease_state is LeaseState.STOPPING:
                raise
            # A second click: the server that it wants is there, or on its way.
            return _Found(found)
        if ignored:
            self._write_down_ignored_source(reserved.lease, order)
        return reserved

    def _write_down_ignored_source(self, lease: str, order: Order) -> None:
        with self._database.transaction() as stores:
            stores.audit.of_lease(
                stores.leases.get(lease),
                "source-ignored",
                actor=order.actor,
                at=self._clock.now(),
                detail=Words(
                    en=f"The request claimed to come from {order.request.sourceip}; only a token with "
                    "custom:torch:sourceip is believed.",
                    zh=f"请求自称来自 {order.request.sourceip}；只有带 custom:torch:sourceip 权限的令牌才可信。",
                ),
            )

    async def drive(self) -> None:
        """Ask the Hub to start what is reserved and may start now; also what a process left that died."""
        for lease in await run_in_threadpool(self._startable):
            self.background.begin(lease, self._ask(lease))

    def _startable(self) -> list[str]:
        with self._database.reading() as stores:
            return [row.id for row in stores.leases.reserved()]

    async def _ask(self, lease: str) -> None:
        """Ask the Hub for the start of a reserved lease; asking twice starts one server."""
        row = await run_in_threadpool(self._row, lease)
        if not _is_startable(row):
            return
        await self._hub.ensure_user(row.username)
        options = {**row.user_options, "ticket": self._admissions.ticket(lease)}
        try:
            has_begun = await self._hub.start(row.username, row.server, options)
        except SpawnerRefusedError as refused:
            await run_in_threadpool(self._fail, lease, refused.detail)
            return
        if not has_begun:
            # Unless it runs with this very lease, whose ticket is used up then, it runs with none.
            await run_in_threadpool(self._fail, lease, RUNS_WITHOUT_LEASE)

    def _fail(self, lease: str, why: Words) -> None:
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            if row.lease_state is LeaseState.ADMITTED and row.redeemed_at is None:
                stores.leases.change(row, LeaseState.FAILED, actor=ACTOR, at=self._clock.now(), reason=why)

    async def change(self, username: str, podname: str | None, change: UserPodChange, *, actor: str) -> UserServer:
        """Give a server a longer or shorter life, another description, or other resources at its next start."""
        lease = await run_in_threadpool(self._of, username, podname)
        if any(value is not None for value in (change.ncores, change.memory, change.extra_resource)):
            row = await run_in_threadpool(self._row, lease)
            await run_in_threadpool(self._choices.keep, row, change, actor=actor)
        if change.expireruntime is not None:
            await run_in_threadpool(self._leases.set_run_seconds, lease, change.expireruntime, actor=actor)
        if change.description is not None:
            await run_in_threadpool(self._describe, lease, change.description)
        return await run_in_threadpool(self._view, lease)

    def _describe(self, lease: str, description: str) -> None:
        with self._database.transaction() as stores:
            stores.leases.get(lease).description = description

    async def stop(self, username: str, podname: str | None, *, actor: str) -> None:
        """Stop a server; raises `NothingRunsError` if nothing runs there."""
        await self._endings.end(await run_in_threadpool(self._of, username, podname), actor=actor)

    def listed(self, username: str) -> list[UserServer]:
        """Return the servers that a person has now."""
        with self._database.reading() as stores:
            rows = stores.leases.newest(username=username, active=True, limit=100)
        return [server_view(row, self._url(row), self._choices.of(row.username, row.server)) for row in rows]

    def _of(self, username: str, podname: str | None) -> str:
        with self._database.reading() as stores:
            row = stores.leases.holder(username, server_of(podname))
        if row is None:
            called = (podname or DEFAULT_SERVER)[:60]
            raise NothingRunsError(
                Words(
                    en=f"{username} has no server “{called}” now. GET userpod/{username} lists what runs.",
                    zh=f"{username} 目前没有服务器“{called}”。可用 GET userpod/{username} 查看。",
                )
            )
        return row.id

    def _row(self, lease: str) -> LeaseRow:
        with self._database.reading() as stores:
            return stores.leases.get(lease)

    def _view(self, lease: str) -> UserServer:
        row = self._row(lease)
        return server_view(row, self._url(row), self._choices.of(row.username, row.server))

    def _url(self, row: LeaseRow) -> str:
        return f"{self._public_url}user/{row.username}/{row.server + '/' if row.server else ''}"


@dataclass(frozen=True)
class _Found:
    lease: str
    is_new: bool = False


def _is_startable(row: LeaseRow) -> bool:
    is_reserved = row.ticket_hash is not None and row.redeemed_at is None
    return row.lease_state is LeaseState.ADMITTED and is_reserved and row.awaits is None


def _admission_request(order: Order) -> AdmissionRequest:
    asked = order.request
    options = {
        "environment": asked.environment,
        "image": asked.userimage,
        "cores": asked.ncores,
        "memory": asked.memory,
        "extra_resource": asked.extra_resource,
        "confirm": order.confirm,
    }
    told = None
    if order.may_tell_source and asked.sourceip is not None and (told := parse(asked.sourceip)) is None:
        raise _no_address(asked.sourceip)
    # Whoever starts something for somebody else does not sit down at that person's terminal.
    peer = order.peer if told is None and order.actor == asked.username else None
    return AdmissionRequest(
        username=asked.username,
        server=server_of(asked.podname),
        user_options={name: value for name, value in options.items() if value is not None},
        peer=peer,
        told_source=told,
    )


class SourceMalformedError(SpawnerError):
    """A source address that is none."""

    code = "malformed-address"
    status = 422
    title = Words(en="This is no IP address", zh="不是 IP 地址")


def _no_address(text: str) -> SourceMalformedError:
    return SourceMalformedError(
        Words(
            en=f"“{text[:60]}” is no IP address. Give the address of the terminal, without port or name.",
            zh=f"“{text[:60]}”不是 IP 地址。请填写终端的地址，不带端口或名称。",
        )
    )


def _wish(asked: UserPodRequest) -> Wish:
    return Wish(
        command=(asked.single_cmd, *asked.single_cmd_args) if asked.single_cmd else (),
        variables=asked.scriptenv,
        ssh_keys=asked.sshpubkeys,
        description=asked.description,
        run_seconds=asked.expireruntime,
    )
