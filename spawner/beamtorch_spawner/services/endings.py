"""Ending a server because somebody wants it: written down first, then asked of the Hub, whose server it is."""

from starlette.concurrency import run_in_threadpool

from beamtorch_facility.clock import Clock
from beamtorch_facility.words import Words
from beamtorch_spawner.services.ports import HubApi
from beamtorch_spawner.stores.database import Database
from beamtorch_spawner.wire import LeaseState


class Endings:
    """Ends servers on somebody's wish."""

    def __init__(self, *, database: Database, clock: Clock, hub: HubApi) -> None:
        self._database = database
        self._clock = clock
        self._hub = hub

    async def end(self, lease: str, *, actor: str) -> None:
        """Stop the server of a lease; one that is over is left as it is.

        Raises
        ------
        HubUnreachableError
            If the Hub cannot be asked; the worker then asks again.
        """
        username, server = await run_in_threadpool(self._stopping, lease, actor)
        if username is not None:
            await self._hub.stop(username, server)

    def _stopping(self, lease: str, actor: str) -> tuple[str | None, str]:
        with self._database.transaction() as stores:
            row = stores.leases.get(lease)
            if not row.lease_state.is_active:
                return None, ""
            if row.lease_state in {LeaseState.REQUESTED, LeaseState.ADMITTED}:
                reason = Words(en=f"Given up by {actor} before it started.", zh=f"{actor} 在启动前取消。")
                stores.leases.change(row, LeaseState.ENDED, actor=actor, at=self._clock.now(), reason=reason)
            elif row.lease_state is not LeaseState.STOPPING:
                reason = Words(en=f"Stopped by {actor}.", zh=f"由 {actor} 停止。")
                stores.leases.change(row, LeaseState.STOPPING, actor=actor, at=self._clock.now(), reason=reason)
            return row.username, row.server
