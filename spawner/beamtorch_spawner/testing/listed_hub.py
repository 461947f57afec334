"""A Hub for tests of services, without HTTP."""

from beamtorch_facility.words import Words
from beamtorch_service.caller import HubUnreachableError
from beamtorch_spawner.services.ports import HubServer


class ListedHub:
    """A Hub as the services see it: a set of servers, and what was asked of it."""

    def __init__(self) -> None:
        self.running: set[tuple[str, str]] = set()
        self.stops: list[tuple[str, str]] = []
        self.is_away = False

    async def servers(self, username: str | None = None) -> tuple[HubServer, ...]:
        """Return active servers of one person, or of everybody."""
        self._answer()
        return tuple(
            HubServer(username=name, server=server, ready=True, pending=None)
            for name, server in sorted(self.running)
            if username in {None, name}
        )

    async def stop(self, username: str, server: str) -> None:
        """Stop a server at once."""
        self._answer()
        self.stops.append((username, server))
        self.running.discard((username, server))

    def _answer(self) -> None:
        if self.is_away:
            raise HubUnreachableError(Words(en="away", zh="离线"))
