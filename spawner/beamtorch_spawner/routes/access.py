"""Who may use which route. Every route names one of these; a test asks them all as everybody."""

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from beamtorch_facility.directory import Directory
from beamtorch_facility.identity import Identity
from beamtorch_facility.words import Words
from beamtorch_service.caller import Caller, NotYourServiceError
from beamtorch_service.login import HubLogin

HUB_SPAWNER = "torch"
"""The service at the Hub in whose name its spawner calls."""


class Access:
    """Turns a request into the caller, or refuses."""

    def __init__(self, *, login: HubLogin, directory: Directory) -> None:
        self._login = login
        self._directory = directory

    async def anybody(self, request: Request) -> Caller:
        """Return whoever has a token for this service."""
        return await self._login.by_header(request)

    async def person(self, request: Request) -> Identity:
        """Return the person who calls, as the directory knows them now."""
        caller = await self._login.by_header(request)
        return await run_in_threadpool(self._directory.person, caller.username)

    async def hub_spawner(self, request: Request) -> Caller:
        """Return the Hub's own spawner; nobody else asks for admission or reports."""
        caller = await self._login.by_header(request)
        if (caller.kind, caller.name) != ("service", HUB_SPAWNER):
            raise NotYourServiceError(
                Words(
                    en="Only the hub's spawner may do this. Start and stop servers on the start page or by the hub.",
                    zh="只有 Hub 的启动器可以执行此操作。请在启动页面或通过 Hub 启动和停止服务器。",
                )
            )
        return caller

    @staticmethod
    def check_self_or_admin(person: Identity, username: str) -> None:
        """Refuse one person's look at another, whether or not the other exists."""
        if person.username != username and not person.is_admin:
            raise NotYourServiceError(
                Words(
                    en="You may look at your own servers. Somebody else's are for the facility's admins.",
                    zh="您只能查看自己的服务器。他人的服务器仅限设施管理员查看。",
                )
            )
