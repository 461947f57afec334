"""Who may use which route. Every route names one of these; a test asks them all as everybody."""

from dataclasses import dataclass

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Username
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotYourServiceError
from beamtorch_service.login import HubLogin

HUB_SPAWNER = "torch"
"""The service at the Hub in whose name its spawner calls."""
ACTING_FOR = "Beamtorch-Acting-For"
"""Header by which the Hub's own pages, and nobody else, act for the person who is signed in there."""
ADMIT, ADMIN, READ, SOURCE_IP = (f"custom:torch:{name}" for name in ("admit", "admin", "read", "sourceip"))
SERVER_SCOPE = "access:servers!server="
"""What the Hub lets the token of a server do, and no whole token of a person says of one server."""
METRICS = "read:metrics"
"""JupyterHub's own scope for its metrics; whoever may read those may read ours."""


@dataclass(frozen=True)
class Actor:
    """Who acts, and for whom: a person, or a service."""

    name: str
    is_admin: bool
    username: str | None
    """None: a service, which is nobody."""
    scopes: frozenset[str]
    groups: frozenset[str] = frozenset()

    def may_act_for(self, username: str) -> bool:
        """Tell whether this is the person, or somebody who acts for anybody."""
        return self.is_admin or self.username == username

    @property
    def may_tell_source(self) -> bool:
        """Whether a source address in a request counts."""
        return SOURCE_IP in self.scopes


@dataclass(frozen=True)
class Lab:
    """A person's server that calls with the token that the Hub gave it."""

    username: Username
    server: str


class Access:
    """Turns a request into the caller, or refuses."""

    def __init__(self, *, login: HubLogin, directory: Directory | None) -> None:
        self._login = login
        self._directory = directory

    async def anybody(self, request: Request) -> Caller:
        """Return whoever has a token for this service."""
        return await self._login.by_header(request)

    async def actor(self, request: Request) -> Actor:
        """Return the person who calls as the directory knows them now, or a service that may act for people."""
        caller = await self._login.by_header(request)
        if _is_hub_spawner(caller) and (username := request.headers.get(ACTING_FOR)):
            return await self._actor(Username(username), frozenset())
        if caller.kind == "service":
            if ADMIN not in caller.scopes:
                # Raises: a service is nobody.
                return await self._actor(caller.username, frozenset())
            return Actor(caller.name, is_admin=True, username=None, scopes=caller.scopes)
        return await self._actor(caller.username, caller.scopes)

    async def _actor(self, username: Username, scopes: frozenset[str]) -> Actor:
        person = await run_in_threadpool(self._directory.person, username) if self._directory else None
        groups = frozenset(person.groups) if person is not None else frozenset()
        is_admin = ADMIN in scopes or (person is not None and person.is_admin)
        return Actor(str(username), is_admin=is_admin, username=str(username), scopes=scopes, groups=groups)

    async def person(self, request: Request) -> Username:
        """Return the person who calls; no service, and nobody who acts for another."""
        return (await self._login.by_header(request)).username

    async def lab(self, request: Request) -> Lab:
        """Return the server whose own token this is: it opens that server and no other."""
        caller = await self._login.by_header(request)
        username = caller.username
        opened = f"{SERVER_SCOPE}{username}/"
        servers = [scope.removeprefix(opened) for scope in caller.scopes if scope.startswith(opened)]
        if len(servers) != 1:
            raise NotYourServiceError(
                Words(
                    en="This is for a running server with its own token. A person's token opens all of their servers.",
                    zh="此操作仅供运行中的服务器以其自身令牌使用；个人令牌可打开本人所有服务器。",
                )
            )
        return Lab(username, servers[0])

    async def admin(self, request: Request) -> Actor:
        """Return somebody who runs the facility."""
        caller = await self._login.by_header(request)
        if caller.kind == "service" and ADMIN in caller.scopes:
            return Actor(caller.name, is_admin=True, username=None, scopes=caller.scopes)
        actor = None if caller.kind == "service" else await self.actor(request)
        if actor is None or not actor.is_admin:
            raise NotYourServiceError(
                Words(
                    en="This is for the facility's admins (group facility-admin, or a token with custom:torch:admin).",
                    zh="此操作仅限设施管理员（facility-admin 组，或带有 custom:torch:admin 权限的令牌）。",
                )
            )
        return actor

    async def observer(self, request: Request) -> Actor:
        """Return somebody who may see everything: an admin, or whatever watches the platform."""
        caller = await self._login.by_header(request)
        if caller.scopes & {READ, METRICS}:
            return Actor(caller.name, is_admin=False, username=None, scopes=caller.scopes)
        return await self.admin(request)

    async def hub_spawner(self, request: Request) -> Caller:
        """Return the Hub's own spawner; nobody else asks for admission or reports."""
        caller = await self._login.by_header(request)
        if not _is_hub_spawner(caller):
            raise NotYourServiceError(
                Words(
                    en="Only the hub's spawner may do this. Start and stop servers on the start page or by the hub.",
                    zh="只有 Hub 的启动器可以执行此操作。请在启动页面或通过 Hub 启动和停止服务器。",
                )
            )
        return caller

    @staticmethod
    def check_self_or_admin(actor: Actor, username: str) -> None:
        """Refuse one person's look at another, whether or not the other exists."""
        if not actor.may_act_for(username):
            raise NotYourServiceError(
                Words(
                    en="You may look at your own servers. Somebody else's are for the facility's admins.",
                    zh="您只能查看自己的服务器。他人的服务器仅限设施管理员查看。",
                )
            )


def _is_hub_spawner(caller: Caller) -> bool:
    return ADMIT in caller.scopes or (caller.kind, caller.name) == ("service", HUB_SPAWNER)
